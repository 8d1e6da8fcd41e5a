"""Values as Python source, laid out as a formatter would: on one line where they fit, else one element a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WIDTH = 100
INDENT = 4

KEYWORDS = frozenset({"continue", "except", "exec", "from", "not"})
"""Of Python 2 too: these are the ones that fields of Kubernetes have."""


@dataclass(frozen=True)
class Code:
    """Source that stands for itself: a name, or an expression that fits on a line."""

    text: str


@dataclass(frozen=True)
class Call:
    """A call with the arguments by name; those without come first."""

    function: str
    named: Mapping[str, Any]
    positional: Sequence[Any] = ()
    spread: bool = field(default=False)
    """Whether every argument has a line of its own, also where one would do for all."""

    @property
    def arguments(self) -> list[tuple[str, Any]]:
        return [("", one) for one in self.positional] + [(f"{name}=", one) for name, one in self.named.items()]


def source(value: Any, indent: int = 0, used: int = 0) -> str:
    """`value` as an expression that begins in a line indented by `indent`, of which `used` columns are taken."""
    flat = one_line(value, WIDTH - used)
    if flat is not None:
        return flat
    match value:
        case str() if "\n" in value:
            return block_text(value)
        case Call():
            return enclosed(f"{value.function}(", value.arguments, ")", indent)
        case Mapping() if value:
            return enclosed("{", [(f"{quoted(key)}: ", one) for key, one in value.items()], "}", indent)
        case list() | tuple() if value:
            return enclosed("[", [("", one) for one in value], "]", indent)
        case _:
            return scalar(value)


def enclosed(begin: str, elements: Sequence[tuple[str, Any]], end: str, indent: int) -> str:
    inner = indent + INDENT
    lines = [f"{' ' * inner}{name}{source(one, inner, inner + len(name) + 1)}," for name, one in elements]
    return "\n".join([begin, *lines, " " * indent + end])


def one_line(value: Any, room: int) -> str | None:
    """None where that takes more than `room` columns, or several lines."""
    match value:
        case str() if "\n" in value:
            found = None
        case Call():
            found = None if value.spread else joined(f"{value.function}(", value.arguments, ")", room)
        case Mapping():
            found = joined("{", ((f"{quoted(key)}: ", one) for key, one in value.items()), "}", room)
        case list() | tuple():
            found = joined("[", (("", one) for one in value), "]", room)
        case _:
            found = scalar(value)
    return found if found is not None and len(found) <= room else None


def scalar(value: Any) -> str:
    """What cannot be broken into lines."""
    match value:
        case Code():
            return value.text
        case None | bool() | int() | float():
            return repr(value)
        case str():
            return quoted(value)
        case {} | [] if not value:
            return "{}" if isinstance(value, Mapping) else "[]"
        case _:
            raise AssertionError(f"{type(value)} is no literal")


def joined(begin: str, elements: Iterable[tuple[str, Any]], end: str, room: int) -> str | None:
    """Gives up at the element that does not fit any more: most of what is large is never written out."""
    texts: list[str] = []
    left = room - len(begin) - len(end)
    for name, one in elements:
        text = one_line(one, left - len(name))
        if text is None:
            return None
        texts.append(name + text)
        left -= len(name) + len(text) + 2
    return f"{begin}{', '.join(texts)}{end}"


def quoted(text: str) -> str:
    """In double quotes, unless single ones take fewer escapes."""
    body = json.dumps(text, ensure_ascii=False)[1:-1].replace("\x7f", "\\x7f")
    if text.count('"') <= text.count("'"):
        return f'"{body}"'
    escaped = re.sub(r'\\\\|\\"', lambda found: '"' if found[0] == '\\"' else found[0], body).replace("'", "\\'")
    return f"'{escaped}'"


def block_text(text: str) -> str:
    """Text of several lines, as it reads; blanks at the end of a line are written as what they are."""
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    escaped = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", lambda found: hexadecimal(found[0]), escaped)
    if " \n" in escaped or "\t\n" in escaped:
        escaped = re.sub(r"(?<![ \t])[ \t]+(?=\n)", lambda found: hexadecimal(found[0]), escaped)
    if escaped.endswith('"'):  # a quote at the end that is not escaped yet
        escaped = re.sub(r'(?<!\\)((?:\\\\)*)"\Z', r'\1\\"', escaped)
    return f'"""{escaped}"""'


def hexadecimal(characters: str) -> str:
    return "".join(f"\\x{ord(one):02x}" for one in characters)


def snake_case(name: str) -> str:
    """As Pulumi's SDKs name what the API calls `name`: `externalIPs` is `external_ips`."""
    words = re.sub(r"[A-Z]{2,}s(?![a-z])", lambda found: found[0].capitalize(), name)
    plain = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", words.replace("$", "_").replace("-", "_"))
    found = re.sub(r"([A-Z])([A-Z])(?=[a-z])", r"\1_\2", plain).lower()
    return f"{found}_" if found in KEYWORDS else found
