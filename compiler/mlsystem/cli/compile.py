"""Write the generated files of one environment into a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from mlsystem.cli.common import compiled_from, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("-o", "--out", type=Path, default=Path("generated"), metavar="DIR", help="default: generated")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.files import write_tree  # lazy: --help needs no engine

    compiled = compiled_from(args, console)
    if compiled is None:
        return REFUSED
    write_tree(compiled.tree, args.out)
    console.answer(f"{len(compiled.tree.artifacts)} files in {args.out}, digest {compiled.tree.digest[:12]}")
    return DONE
