"""What `pulumi_aws` declares of a resource, read from the source of its Args classes: importing them takes seconds."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engines.provider_protocol import UNKNOWN
from mlsystem.emit.python_source import snake_case

SCALARS: dict[str, tuple[type, ...]] = {"str": (str,), "bool": (bool,), "int": (int,), "float": (int, float)}


class UndeclaredError(Exception):
    """`pulumi_aws` has no such resource."""


@dataclass(frozen=True)
class Field:
    """`kind` is the annotation, `package` the part of the SDK whose names it uses."""

    kind: ast.expr
    required: bool
    package: str


def problems(token: str, inputs: dict[str, Any]) -> list[tuple[str, str]]:
    """(property, what is wrong) of the inputs of a resource such as `aws:s3/bucket:Bucket`."""
    package, module, name = re.split("[/:]", token.removeprefix("aws:"))
    file = f"{snake_case(module)}.py"
    found = fields(package, f"{name}InitArgs", file) or fields(package, f"{name}Args", file)
    if found is None:
        raise UndeclaredError(f"pulumi_aws declares no {token}")
    return list(wrong_in(found, {key: one for key, one in inputs.items() if not key.startswith("__")}, ""))


def wrong_in(declared: dict[str, Field], inputs: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for name in inputs.keys() - declared.keys():
        yield path + name, "is not declared"
    for name, field in declared.items():
        if name not in inputs:
            if field.required:
                yield path + name, "is required and missing"
        else:
            yield from wrong(field.kind, field.package, inputs[name], path + name)


def wrong(  # noqa: PLR0912 - one case for each form of an annotation
    kind: ast.expr, package: str, value: Any, path: str
) -> Iterator[tuple[str, str]]:
    """Values that are not known yet, and kinds of other packages, pass."""
    match kind:
        case _ if value in (UNKNOWN, None):
            return
        case ast.Subscript(value=outer, slice=ast.Tuple(elts=kinds)) if last(outer) == "Union":
            if all(list(wrong(one, package, value, path)) for one in kinds):
                yield path, f"is none of {ast.unparse(kind)}"
        case ast.Subscript(value=outer, slice=inner) if last(outer) in ("Input", "Optional"):
            yield from wrong(inner, package, value, path)
        case ast.Subscript(value=outer, slice=inner) if last(outer) == "Sequence":
            if not isinstance(value, list):
                yield path, "is not a list"
                return
            for place, one in enumerate(value):
                yield from wrong(inner, package, one, f"{path}[{place}]")
        case ast.Subscript(value=outer, slice=ast.Tuple(elts=[_, inner])) if last(outer) == "Mapping":
            if not isinstance(value, dict):
                yield path, "is not a map"
                return
            for key, one in value.items():
                yield from wrong(inner, package, one, f"{path}.{key}")
        case ast.Constant(value=str(name)) if name.endswith("Args"):
            nested = fields(package, name, "_inputs.py")
            if nested is not None and not isinstance(value, dict):
                yield path, "is not a map of fields"
            elif nested is not None:
                yield from wrong_in(nested, value, f"{path}.")
        case _ if last(kind) in SCALARS:
            allowed = SCALARS[last(kind)]
            if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
                yield path, f"is {type(value).__name__}, not {last(kind)}"
        case _:
            return


def last(kind: ast.expr) -> str:
    return kind.attr if isinstance(kind, ast.Attribute) else kind.id if isinstance(kind, ast.Name) else ""


@cache
def fields(package: str, name: str, file: str) -> dict[str, Field] | None:
    """By the name on the wire; None where there is no class `name`."""
    block = class_block(package, name, file)
    if block is None:
        return None
    (made,) = ast.parse(block).body
    assert isinstance(made, ast.ClassDef)
    functions = [one for one in made.body if isinstance(one, ast.FunctionDef)]
    arguments = next(one for one in functions if one.name == "__init__").args
    wires = {one.name: wire for one in functions for wire in wire_names(one)}
    return {
        wires.get(one.arg, one.arg): Field(one.annotation or ast.Name("Any"), default is None, package)
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    }


def wire_names(function: ast.FunctionDef) -> Iterator[str]:
    for one in function.decorator_list:
        if isinstance(one, ast.Call) and ast.unparse(one.func) == "pulumi.getter":
            yield from (str(ast.literal_eval(keyword.value)) for keyword in one.keywords if keyword.arg == "name")


def class_block(package: str, name: str, file: str) -> str | None:
    path, begin = sdk() / package / file, f"\nclass {name}:\n"
    text = path.read_text() if path.is_file() else ""
    place = text.find(begin)
    if place < 0:
        return None
    end = re.compile(r"\n(?=[^\s#)])").search(text, place + len(begin))
    return text[place + 1 : end.start() if end else None]


@cache
def sdk() -> Path:
    found = importlib.util.find_spec("pulumi_aws")
    assert found is not None, "pip install pulumi-aws"
    assert found.origin is not None
    return Path(found.origin).parent
