"""Run the pipeline again with the data as it is now: all of it, one model's part, or some steps with what they need.

`run score` gives the predictions of a version for the rows of files instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlsystem.cli.common import any_environment_from, in_cluster, report_outcome, spec_arguments
from mlsystem.cli.console import REFUSED, Console, Progress
from mlsystem.errors import MlsystemError

if TYPE_CHECKING:
    from mlsystem.apply.apply import Outcome
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.environment import Environment

SCORE = "score"
OF_SCORE = ("input", "output", "version", "at", "keep", "rejects")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("steps", nargs="*", metavar="STEP", help="default: all steps")
    spec_arguments(parser)
    parser.add_argument("--model", metavar="NAME", help="retrain one model; of `score`: which one answers")
    scoring = parser.add_argument_group("run score")
    scoring.add_argument("--input", metavar="FILE", help="Parquet: a file, or a pattern ('folder/*.parquet')")
    scoring.add_argument("--output", metavar="FOLDER", help="where predictions go; a run that was ended goes on there")
    scoring.add_argument("--version", type=int, metavar="N", help="default: the one that answers most requests")
    scoring.add_argument("--at", metavar="COLUMN", help="the instant at which each row is asked; default: now")
    scoring.add_argument("--keep", action="append", metavar="COLUMN", help="to copy of the input; default: its key")
    scoring.add_argument("--rejects", action="store_true", help="put rows aside that no request could be")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.rerun import retrain_steps  # lazy: --help needs no engine

    if args.steps == [SCORE]:
        return score(args, console)
    check_unused(args)
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


def score(args: argparse.Namespace, console: Console) -> int:
    if args.input is None or args.output is None:
        raise MlsystemError("`run score` needs --input and --output", "mlsystem run score --input FILE --output FOLDER")
    environment = any_environment_from(args, console, warn=False)
    if environment is None:
        return REFUSED
    if in_cluster(environment):
        raise MlsystemError(
            "files of this machine are scored on it, and this environment is a cluster",
            "there, a pod of the trainer's image runs: python -m mlsystem_runtime score --input … --output …",
        )
    environment.applied()
    return environment.engine.score([*options(args)])


def options(args: argparse.Namespace) -> Iterator[str]:
    for name in ("input", "output", "model", "version", "at"):
        if getattr(args, name) is not None:
            yield from (f"--{name}", str(getattr(args, name)))
    if args.keep is not None:
        yield from ("--keep", *args.keep)
    if args.rejects:
        yield "--rejects"


def check_unused(args: argparse.Namespace) -> None:
    """A flag that this way to run cannot honour is refused."""
    for name in OF_SCORE:
        if getattr(args, name) not in (None, False):
            raise MlsystemError(f"--{name} belongs to `mlsystem run score`", f"mlsystem run score --{name} …")


def _run(environment: Environment | ClusterEnvironment, steps: list[str], progress: Progress) -> Outcome:
    if in_cluster(environment):
        from mlsystem.apply.cluster_commands import run_there  # lazy: one machine needs none of it

        return run_there(environment, steps, progress)
    from mlsystem.apply.rerun import rerun  # lazy: --help needs no engine

    return rerun(environment, steps or None, "mlsystem run", progress)
