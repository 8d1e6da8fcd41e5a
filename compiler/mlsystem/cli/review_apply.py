"""Carry out a plan that was reviewed before the merge, or that somebody approved after it. Where it is stale, nothing
is done, and the pull request says why."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlsystem.cli.apply import carry_out
from mlsystem.cli.common import any_environment_from, spec_arguments
from mlsystem.cli.console import REFUSED, Console

if TYPE_CHECKING:
    from mlsystem.errors import MlsystemError
    from mlsystem.review.planned import Planned
    from mlsystem.review.run import Run


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", type=Path, metavar="PLAN", help="what `mlsystem review plan` wrote")
    spec_arguments(parser)
    parser.set_defaults(retry=False, wait=False)


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.plan.plan import StaleError  # lazy: --help needs no plan
    from mlsystem.plan.render.text import render_text
    from mlsystem.review.approval import UnapprovedError, check_approved
    from mlsystem.review.github import github_of
    from mlsystem.review.planned import read_planned
    from mlsystem.review.run import run_of

    here, github = run_of(os.environ), github_of(os.environ)
    plan, planned = read_planned(args.plan)
    args.environment = args.environment or plan.environment
    try:
        check_approved(planned, github, here.run_id)
        environment = any_environment_from(args, console)
        if environment is None:
            return REFUSED
        console.answer(render_text(plan))
        return carry_out(plan, environment, args, console)
    except (StaleError, UnapprovedError) as error:
        _say_why(planned, error, here)
        raise


def _say_why(planned: Planned, error: MlsystemError, here: Run) -> None:
    from mlsystem.review.comment import MERGE, put_comment, refused_comment  # lazy: --help needs none
    from mlsystem.review.github import github_of

    body = refused_comment(planned, error, here)
    here.summarise(body)
    if planned.pull_request is not None:
        name = f"{planned.system}/{planned.environment}"
        put_comment(github_of(os.environ), planned.pull_request, MERGE, name, body)
