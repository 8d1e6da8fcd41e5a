"""Show what runs, what the last run did, which versions answer, and what waits for a decision."""

from __future__ import annotations

import argparse

from mlsystem.cli.common import recorded_from, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.status import status_json, status_of, status_text  # lazy: --help needs no engine

    environment = recorded_from(args, console)
    if environment is None:
        return REFUSED
    status = status_of(environment.engine, environment.applied())
    console.answer(status_json(status) if args.format == "json" else status_text(status))
    return DONE
