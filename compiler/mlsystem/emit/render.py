"""Templates print, they do not decide: an unknown name is an error, and every value has passed a filter."""

from __future__ import annotations

import json
import re
import shlex
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

REFERENCE = re.compile(r"[A-Za-z0-9][\w./:@-]*")


class Printed(str):
    """Text that a filter has made fit for where it is printed."""

    __slots__ = ()


def render(template: str, **values: object) -> str:
    """The text of `template` (a path below the project's templates). Its filters: `reference` (an image), `word` (one
    quoted value in a Dockerfile), `sh` (one word of a shell), `text` (as it is)."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # weight: only what prints templates needs it

    environment = Environment(
        loader=FunctionLoader(template_text),
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters.update(reference=_reference, word=_word, sh=_sh, text=_text)
    return environment


def template_text(path: str) -> str:
    return resources.files("mlsystem_templates").joinpath(path).read_text(encoding="utf-8")


def _finalize(value: Any) -> Any:
    assert isinstance(value, Printed), f"a value that passed no filter is printed: {value!r}"
    return value


def _reference(value: str) -> Printed:
    assert REFERENCE.fullmatch(value), f"not the reference of an image: {value!r}"
    return Printed(value)


def _word(value: str) -> Printed:
    return Printed(json.dumps(value, ensure_ascii=False).replace("$", "\\$"))


def _sh(value: str) -> Printed:
    return Printed(shlex.quote(value))


def _text(value: str) -> Printed:
    return Printed(value)
