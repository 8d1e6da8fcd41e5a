"""Carry out a plan: a saved one exactly, or a new one."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlsystem.cli.common import any_environment_from, report_outcome, spec_arguments
from mlsystem.cli.console import REFUSED, Console, Progress
from mlsystem.errors import MlsystemError

if TYPE_CHECKING:
    from mlsystem.apply.apply import Outcome
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.environment import Environment
    from mlsystem.plan.plan import Plan


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", nargs="?", type=Path, metavar="PLAN", help="a plan saved by `mlsystem plan --out`")
    spec_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="also when data will be deleted")
    parser.add_argument("--retry", action="store_true", help="evaluate again what a gate rejected")
    parser.add_argument("--wait", action="store_true", help="in a cluster: until the run that was submitted has ended")
    parser.add_argument("--port", type=int, metavar="N", help="instead of environments.ENV.port")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.plan.plan import load_plan  # lazy: --help needs no plan
    from mlsystem.plan.render.text import render_text

    saved = None if args.plan is None else load_plan(args.plan)
    if saved is not None and args.environment is None:
        args.environment = saved.environment
    environment = any_environment_from(args, console, args.port)
    if environment is None:
        return REFUSED
    plan = saved or environment.plan()
    console.answer(render_text(plan))
    if plan.deletes and not args.yes and not _agreed(console):
        return REFUSED
    return carry_out(plan, environment, args, console)


def _agreed(console: Console) -> bool:
    if not console.terminal:
        raise MlsystemError("this plan deletes data, and there is no terminal to ask on", "mlsystem apply --yes")
    return console.confirm("\nThis deletes data.")


def carry_out(
    plan: Plan, environment: Environment | ClusterEnvironment, args: argparse.Namespace, console: Console
) -> int:
    progress = console.progress()
    try:
        outcome = _applied(plan, environment, args, progress)
    finally:
        progress.close()
    return report_outcome(_judged(environment, outcome, console) if args.wait else outcome, console)


def _judged(environment: Environment | ClusterEnvironment, outcome: Outcome, console: Console) -> Outcome:
    """What the gates said in a run that was waited for."""
    from mlsystem.apply.cluster_commands import judged  # lazy: one machine needs none of it
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.running import running_of

    if outcome.run_id is None or not isinstance(environment, ClusterEnvironment):
        return outcome
    try:
        return judged(running_of(environment, os.environ), outcome)
    except MlsystemError as error:
        console.say(f"what the gates said is not shown: {error.message}")
        return outcome


def _applied(
    plan: Plan, environment: Environment | ClusterEnvironment, args: argparse.Namespace, progress: Progress
) -> Outcome:
    from mlsystem.apply.environment import Environment  # lazy: --help needs no engine

    if not isinstance(environment, Environment):
        return environment.apply(plan, progress, retry=args.retry, wait=args.wait)
    if args.wait:
        raise MlsystemError("`--wait` is for a cluster", "on one machine an apply always waits")
    return environment.apply(plan, progress, retry=args.retry)
