"""The user's code: its files are read once, and every entrypoint is found in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from mlsystem.errors import MlsystemError
from mlsystem.passes.draft import Draft, Problems
from mlsystem.passes.entrypoint import fault_of
from mlsystem.spec.code import CodeSpec
from mlsystem.system.nodes import CodeNode
from mlsystem_runtime.contract.code import read_code, read_text

OTHER_FILES = ("-r", "-c", "-e", "--requirement", "--constraint", "--editable")


def resolve_code(draft: Draft, problems: Problems) -> Draft:
    """Code that no model uses is not read."""
    entrypoints = {name: one.model.entrypoint for name, one in draft.spec.models.items() if one.model.entrypoint}
    written = draft.spec.code
    if written is None:
        for name in entrypoints:
            message = "`entrypoint` names a function, and there is no `code` that has it"
            help = "say where it is: `code: {path: src}` at the top of the file"
            problems.error("MLS214", message, ("models", name, "model", "entrypoint"), help)
        return draft
    if not entrypoints:
        help = "remove it, or build a model with it: `model: {type: custom, entrypoint: module:function}`"
        problems.warning("MLS215", "no model is built by this code", ("code",), help, key=True)
        return draft
    code = read(written, problems)
    if code is None:
        return draft
    for name, entrypoint in entrypoints.items():
        if fault := fault_of(entrypoint, code.files, code.path):
            problems.error("MLS214", fault.message, ("models", name, "model", "entrypoint"), fault.help)
    return replace(draft, code=code)


def read(written: CodeSpec, problems: Problems) -> CodeNode | None:
    before = problems.errors
    root = problems.loaded.root
    folder = inside(root, written.path)
    if folder is None or not folder.is_dir():
        what = "leaves the folder of the file" if folder is None else "is not a folder"
        problems.error("MLS213", f"the code's path '{written.path}' {what}", ("code", "path"),
                       "name a folder below that of the file, as `src`")  # fmt: skip
    requirements = None if written.requirements is None else read_requirements(written.requirements, root, problems)
    if folder is None or problems.errors > before:
        return None
    try:
        files = read_code(folder)
    except MlsystemError as error:
        problems.error("MLS213", error.message.replace(f"{root.absolute()}/", ""), ("code", "path"), error.hint)
        return None
    return CodeNode(path=folder.relative_to(root.absolute()).as_posix(), files=files, requirements=requirements)


def inside(root: Path, path: str) -> Path | None:
    """None where it is not below the folder of the file. `..` and links are followed to where they lead."""
    found, home = (root / path).resolve(), root.resolve()
    if found == home or not found.is_relative_to(home):
        return None
    return root.absolute() / found.relative_to(home)


def read_requirements(path: str, root: Path, problems: Problems) -> str | None:
    place = ("code", "requirements")
    found = inside(root, path)
    if found is None or not found.is_file():
        what = "lie outside the folder of the file" if found is None else "are not a file"
        problems.error("MLS213", f"the code's requirements '{path}' {what}", place, "name a file beside this one")
        return None
    try:
        text = read_text(found)
    except MlsystemError as error:
        problems.error("MLS213", error.message.replace(f"{root.absolute()}/", ""), place, error.hint)
        return None
    if (line := next(unusable(text), None)) is not None:
        message = f"'{line[:80]}' in {path} has no hash, and images install nothing without"
        help = f"pin everything with hashes: `uv pip compile --generate-hashes --output-file {path} requirements.in`"
        problems.error("MLS216", message, place, help)
    return text


def unusable(text: str) -> Iterator[str]:
    """Requirements without a hash, and other files, which an image does not have."""
    for line in text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
        asked = line.partition(" #")[0].strip()
        if not asked or asked.startswith("#"):
            continue
        if asked.startswith(OTHER_FILES) or (not asked.startswith("-") and "--hash=" not in asked):
            yield asked
