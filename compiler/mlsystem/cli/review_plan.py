"""Plan an environment in a workflow. After a merge the plan that was reviewed is found, and kept where it still says
what would be done."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlsystem.cli.common import any_environment_from, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console

if TYPE_CHECKING:
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.environment import Environment
    from mlsystem.plan.plan import Plan
    from mlsystem.plan.upgrade import Base
    from mlsystem.review.planned import Planned
    from mlsystem.review.run import Run


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="for the plan; the rest is beside")
    parser.add_argument("--base", type=Path, metavar="FOLDER", help="the folder as it was, to compare with")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.plan.render.text import render_text  # lazy: --help needs no plan
    from mlsystem.review.before import folder_before
    from mlsystem.review.planned import write_planned
    from mlsystem.review.run import run_of

    here = run_of(os.environ)
    environment = any_environment_from(args, console)
    if environment is None:
        return REFUSED
    with folder_before(args.file.absolute().parent, here.before) as found:
        plan, planned, markdown = _described(environment, here, args, args.base or found)
    write_planned(args.out.absolute(), plan, planned, markdown)
    here.put_out("changes", "false" if plan.empty else "true")
    here.summarise(markdown)
    console.answer(render_text(plan))
    console.say(f"plan {plan.digest} of {plan.environment}{_whence(planned, here)}")
    return DONE


def _described(
    environment: Environment | ClusterEnvironment, here: Run, args: argparse.Namespace, folder: Path | None
) -> tuple[Plan, Planned, str]:
    """The plan, what it is, and how it is shown; `folder` is that of the spec as it was."""
    from mlsystem.apply.reviewed import Before  # lazy: --help needs no plan
    from mlsystem.cli.plan import reviewed

    was = None if folder is None else folder / args.file.name
    before = None if was is None or not was.is_file() else Before(was, environment.name, os.environ)
    plan, planned = _planned(environment, here, None if before is None else before.base)
    review = environment.compiled.system.review
    sharing = 1 if review is None else len(review.environments)
    return plan, planned, reviewed(plan, environment, args.file, before, args.out.name, here.url, sharing=sharing)


def _planned(
    environment: Environment | ClusterEnvironment, here: Run, base: Base | None
) -> tuple[Plan, Planned]:
    from mlsystem.cli.plan import plan_of  # lazy: --help needs no plan
    from mlsystem.review.github import github_of
    from mlsystem.review.merge import planned_for_merge, planned_now

    in_cluster = environment.compiled.cluster is not None
    now = plan_of(environment, refresh=here.occasion == "drift" and in_cluster, base=base)
    if here.occasion != "merge":
        return now, planned_now(now)
    review = environment.compiled.system.review
    return planned_for_merge(now, github_of(os.environ), here, "main" if review is None else review.branch)


def _whence(planned: Planned, here: Run) -> str:
    if here.occasion != "merge" or planned.empty:
        return ""
    return ", as it was reviewed" if planned.reviewed else f", made anew: {'; '.join(planned.reasons)}"
