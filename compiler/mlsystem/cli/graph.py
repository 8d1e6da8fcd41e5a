"""Print what depends on what."""

from __future__ import annotations

import argparse

from mlsystem.cli.common import compiled_from, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("--format", choices=("text", "dot", "mermaid"), default="text")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.plan.graph import GRAPHS  # lazy: --help needs no graph

    compiled = compiled_from(args, console)
    if compiled is None:
        return REFUSED
    console.answer(GRAPHS[args.format](compiled.snapshot))
    return DONE
