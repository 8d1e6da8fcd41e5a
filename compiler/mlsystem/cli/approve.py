"""Approve a proposal and carry it out: retrain, or release the version it names."""

from __future__ import annotations

import argparse

from mlsystem.cli.common import environment_from, report_outcome, spec_arguments
from mlsystem.cli.console import REFUSED, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("proposal", nargs="?", metavar="PROPOSAL", help="default: the only open one")
    spec_arguments(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.decide import approve  # lazy: --help needs no engine

    environment = environment_from(args, console)
    if environment is None:
        return REFUSED
    progress = console.progress()
    try:
        outcome = approve(environment, args.proposal, progress)
    finally:
        progress.close()
    return report_outcome(outcome, console)
