"""Show what runs, what the last run did, which versions answer, and what waits for a decision."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from mlsystem.cli.common import in_cluster, recorded_from, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console

if TYPE_CHECKING:
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.recorded import Recorded


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace, console: Console) -> int:
    environment = recorded_from(args, console)
    if environment is None:
        return REFUSED
    console.answer(_in_cluster(environment, args) if in_cluster(environment) else _on_machine(environment, args))
    return DONE


def _on_machine(environment: Recorded, args: argparse.Namespace) -> str:
    from mlsystem.apply.status import status_json, status_of, status_text  # lazy: --help needs no engine

    status = status_of(environment.engine, environment.applied())
    return status_json(status) if args.format == "json" else status_text(status)


def _in_cluster(environment: ClusterEnvironment, args: argparse.Namespace) -> str:
    from mlsystem.apply.cluster_status import cluster_status, cluster_status_json, cluster_status_text  # lazy, as above
    from mlsystem.apply.running import running_of

    status = cluster_status(running_of(environment, os.environ))
    return cluster_status_json(status) if args.format == "json" else cluster_status_text(status)
