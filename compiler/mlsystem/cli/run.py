"""Run the pipeline again with the data as it is now: all of it, one model's part, or some steps with what they need."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mlsystem.cli.common import any_environment_from, in_cluster, report_outcome, spec_arguments
from mlsystem.cli.console import REFUSED, Console, Progress

if TYPE_CHECKING:
    from mlsystem.apply.apply import Outcome
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.environment import Environment


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("steps", nargs="*", metavar="STEP", help="default: all steps")
    spec_arguments(parser)
    parser.add_argument("--model", metavar="NAME", help="retrain one model")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.rerun import retrain_steps  # lazy: --help needs no engine

    environment = any_environment_from(args, console, warn=False)
    if environment is None:
        return REFUSED
    steps = list(args.steps)
    if args.model is not None:
        steps += retrain_steps(environment.compiled.config, args.model)
    progress = console.progress()
    try:
        outcome = _run(environment, steps, progress)
    finally:
        progress.close()
    return report_outcome(outcome, console)


def _run(environment: Environment | ClusterEnvironment, steps: list[str], progress: Progress) -> Outcome:
    if in_cluster(environment):
        from mlsystem.apply.cluster_commands import run_there  # lazy: one machine needs none of it

        return run_there(environment, steps, progress)
    from mlsystem.apply.rerun import rerun  # lazy: --help needs no engine

    return rerun(environment, steps or None, "mlsystem run", progress)
