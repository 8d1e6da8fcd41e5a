"""Keep one issue open for each environment that is not what was applied."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from mlsystem.cli.console import DONE, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plans", nargs="+", type=Path, metavar="PLAN", help="of each environment: what `plan` wrote")
    parser.add_argument("--system", required=True, metavar="NAME", help="whose environments they are")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.review.drift import report_drift  # lazy: --help needs no plan
    from mlsystem.review.github import github_of
    from mlsystem.review.planned import read_shown
    from mlsystem.review.run import run_of

    here = run_of(os.environ)
    for said in report_drift(tuple(read_shown(args.plans)), args.system, github_of(os.environ), here):
        console.answer(said)
    return DONE
