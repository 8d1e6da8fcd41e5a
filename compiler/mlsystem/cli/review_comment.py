"""Write what is planned into the pull request: one comment, written anew in place."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlsystem.cli.console import DONE, Console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlsystem.review.planned import Shown
    from mlsystem.review.run import Run


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plans", nargs="+", type=Path, metavar="PLAN", help="of each environment: what `plan` wrote")
    parser.add_argument("--system", required=True, metavar="NAME", help="whose environments they are")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.review.planned import read_shown  # lazy: --help needs no plan
    from mlsystem.review.run import run_of

    here = run_of(os.environ)
    console.say(_commented(tuple(read_shown(args.plans)), args.system, here))
    return DONE


def _commented(shown: Sequence[Shown], system: str, here: Run) -> str:
    from mlsystem.review.comment import MERGE, PLAN, merge_comment, plan_comment, put_comment  # lazy: --help needs none
    from mlsystem.review.github import github_of

    pulls = [one.planned.pull_request for one in shown if one.planned is not None and one.planned.pull_request]
    number = here.pull_request or next(iter(pulls), None)
    about = PLAN if here.occasion == "pull_request" else MERGE
    body = plan_comment(shown, system, here) if about == PLAN else merge_comment(shown, system, here)
    if body is None:
        return "there is nothing to say: what is planned was reviewed"
    if number is None:
        here.summarise(body)
        return "there is no pull request to write to: the run's page has it"
    new = put_comment(github_of(os.environ), number, about, system, body)
    return f"pull request {number} has {'a comment' if new else 'its comment anew'}"
