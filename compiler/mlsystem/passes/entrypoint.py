"""Whether a function is where `entrypoint` says, and asks for what it can be given. The code is only read."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mlsystem.diagnostics.suggest import help_among
from mlsystem_runtime.contract.code import GIVEN, module_paths

Function = ast.FunctionDef | ast.AsyncFunctionDef
EVERYTHING = "*"


class Fault(NamedTuple):
    """What is wrong, and what to do about it."""

    message: str
    help: str | None


def fault_of(entrypoint: str, files: Mapping[str, str], folder: str) -> Fault | None:
    """`files` are those below `folder`, by path."""
    module, _, name = entrypoint.partition(":")
    path = next((one for one in reversed(module_paths(module)) if one in files), None)
    if path is None:
        modules = [one.removesuffix(".py").replace("/", ".") for one in files if one.endswith(".py")]
        wanted = " or ".join(f"{folder}/{one}" for one in module_paths(module))
        return Fault(f"there is no module '{module}' in the code", help_among(module, modules) or f"put it in {wanted}")
    try:
        parsed = ast.parse(files[path])
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        return Fault(f"{folder}/{path}{line} is not Python: {getattr(error, 'msg', error)}", None)
    named = dict(names(parsed.body))
    if name not in named and EVERYTHING not in named:
        return Fault(f"{folder}/{path} has no function '{name}'", help_among(name, list(named)))
    return _of_arguments(name, named.get(name), f"{folder}/{path}")


def names(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """What a module has once it is imported, with what defines it; EVERYTHING where it takes all of another one."""
    for one in body:
        match one:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield one.name, one
            case ast.Import() | ast.ImportFrom():
                yield from (((alias.asname or alias.name).partition(".")[0], one) for alias in one.names)
            case ast.Assign() | ast.AnnAssign():
                targets = one.targets if isinstance(one, ast.Assign) else [one.target]
                named = (part for target in targets for part in ast.walk(target))
                yield from ((part.id, one) for part in named if isinstance(part, ast.Name))
            case ast.If() | ast.Try() | ast.With():
                yield from names([*one.body, *getattr(one, "orelse", []), *getattr(one, "finalbody", [])])
                for handler in getattr(one, "handlers", []):
                    yield from names(handler.body)


def _of_arguments(name: str, defined: ast.stmt | None, path: str) -> Fault | None:
    """What is imported or computed there is found out when it is called."""
    if isinstance(defined, ast.AsyncFunctionDef):
        return Fault(f"'{name}' in {path}, line {defined.lineno}, is an async function", "write `def`, without async")
    function: Function | None = None
    if isinstance(defined, ast.ClassDef):
        methods = (one for one in defined.body if isinstance(one, ast.FunctionDef))
        function = next((one for one in methods if one.name == "__init__"), None)
    elif isinstance(defined, ast.FunctionDef):
        function = defined
    if function is None:
        return None
    unknown = [one for one in needed(function, isinstance(defined, ast.ClassDef)) if one not in GIVEN]
    if not unknown:
        return None
    message = f"'{name}' in {path}, line {function.lineno}, asks for {', '.join(unknown)}"
    return Fault(message, f"it can be given {', '.join(GIVEN)}; give other arguments a default")


def needed(function: Function, method: bool) -> Iterator[str]:
    """The arguments without a default. One that cannot be given by its name has none that is known."""
    arguments = function.args
    placed = [*arguments.posonlyargs, *arguments.args]
    required = placed[: len(placed) - len(arguments.defaults)]
    for one in required[1:] if method else required:
        yield f"{one.arg}, /" if one in arguments.posonlyargs else one.arg
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is None:
            yield one.arg
