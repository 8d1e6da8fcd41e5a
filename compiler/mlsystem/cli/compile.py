"""Write the generated files of one environment into a folder, or say how that folder differs from them."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlsystem.cli.common import compiled_from, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console

if TYPE_CHECKING:
    from mlsystem.apply.committed import Difference
    from mlsystem.compile import Compiled

MOST = 50
WIDEST = 160


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("-o", "--out", type=Path, metavar="DIR", help="default: generated/ENV beside the file")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where the folder holds anything else")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.committed import (  # lazy: of --help
        committed_folder,
        repository_folder,
        write_committed,
        write_repository,
    )
    from mlsystem.apply.target import tool_version

    compiled = compiled_from(args, console)
    if compiled is None:
        return REFUSED
    folder = args.out or committed_folder(args.file, compiled.system.environment)
    root = repository_folder(compiled, args.file, folder)
    if args.check:
        return _check(compiled, folder, root, args, console)
    left = write_repository(compiled, root, folder)
    for path in write_committed(compiled, folder, tool_version()):
        console.say(f"warning: {folder / path} was edited by hand, and is as generated again")
    console.answer(f"{len(compiled.tree.artifacts)} files in {folder}, digest {compiled.tree.digest[:12]}")
    console.answer("\n".join(f"  and {one.path}, of the repository" for one in compiled.repository))
    console.answer("\n".join(f"  without {path}, of the repository" for path in left))
    return DONE


def _check(compiled: Compiled, folder: Path, root: Path, args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.committed import differences, repository_differences  # lazy: of --help

    own, around = tuple(differences(compiled, folder)), tuple(repository_differences(compiled, root, folder))
    console.answer("\n".join(_report(own, args.file, folder)))
    if around:
        console.answer("\n".join(_report(around, args.file, root)))
    if own or around:
        command = f"mlsystem compile -e {compiled.system.environment}{f' -o {args.out}' if args.out else ''}"
        files = " and ".join([*([str(folder)] if own else []), *(one.path for one in around)])
        console.say(f"  = help: {command}, then commit {files}")
    return REFUSED if own or around else DONE


def _report(found: tuple[Difference, ...], spec: Path, folder: Path) -> Iterator[str]:
    if not found:
        yield f"{folder} is what {spec} compiles to"
        return
    counts = Counter(one.kind for one in found)
    yield f"{folder} is not what {spec} compiles to: {', '.join(f'{counts[kind]} {kind}' for kind in sorted(counts))}"
    yield from _listed(found[:MOST])
    if len(found) > MOST:
        yield f"  and {len(found) - MOST} more"


def _listed(found: Iterable[Difference]) -> Iterator[str]:
    for one in found:
        notes = [f"line {one.line}"] if one.line else []
        notes += ["edited by hand"] if one.by_hand and one.kind == "different" else []
        notes += ["not a generated file: delete it"] if one.by_hand and one.kind == "extra" else []
        yield f"  {one.kind:<9}  {one.path}" + (f" ({', '.join(notes)})" if notes else "")
        if one.line is not None:
            yield f"      - {one.old[:WIDEST]}".rstrip()
            yield f"      + {one.new[:WIDEST]}".rstrip()
