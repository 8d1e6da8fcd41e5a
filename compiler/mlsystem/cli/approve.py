"""Approve a proposal and carry it out: retrain, or release the version it names."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from mlsystem.cli.common import any_environment_from, in_cluster, report_outcome, spec_arguments
from mlsystem.cli.console import REFUSED, Console, Progress

if TYPE_CHECKING:
    from mlsystem.apply.apply import Outcome
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.environment import Environment


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("proposal", nargs="?", metavar="PROPOSAL", help="default: the only open one")
    spec_arguments(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    environment = any_environment_from(args, console, warn=False)
    if environment is None:
        return REFUSED
    progress = console.progress()
    try:
        if in_cluster(environment):
            outcome = _in_cluster(environment, args, progress)
        else:
            outcome = _on_machine(environment, args, progress)
    finally:
        progress.close()
    return report_outcome(outcome, console)


def _on_machine(environment: Environment, args: argparse.Namespace, progress: Progress) -> Outcome:
    from mlsystem.apply.decide import approve  # lazy: --help needs no engine

    return approve(environment, args.proposal, progress)


def _in_cluster(environment: ClusterEnvironment, args: argparse.Namespace, progress: Progress) -> Outcome:
    from mlsystem.apply.cluster_commands import approve_there  # lazy, as above
    from mlsystem.apply.running import running_of

    return approve_there(running_of(environment, os.environ), args.proposal, progress)
