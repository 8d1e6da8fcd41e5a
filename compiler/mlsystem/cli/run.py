"""Run the pipeline again with the data as it is now: all of it, one model's part, or some steps with what they need."""

from __future__ import annotations

import argparse

from mlsystem.cli.common import environment_from, report_outcome, spec_arguments
from mlsystem.cli.console import REFUSED, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("steps", nargs="*", metavar="STEP", help="default: all steps")
    spec_arguments(parser)
    parser.add_argument("--model", metavar="NAME", help="retrain one model")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.rerun import rerun, retrain_steps  # lazy: --help needs no engine

    environment = environment_from(args, console)
    if environment is None:
        return REFUSED
    steps = list(args.steps)
    if args.model is not None:
        steps += retrain_steps(environment.compiled.config, args.model)
    progress = console.progress()
    try:
        outcome = rerun(environment, steps or None, "mlsystem run", progress)
    finally:
        progress.close()
    return report_outcome(outcome, console)
