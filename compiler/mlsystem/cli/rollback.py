"""Let the version that answered before answer again. The server follows within a second; no plan changes."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from mlsystem.cli.common import any_environment_from, in_cluster, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console

if TYPE_CHECKING:
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.environment import Environment


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", metavar="MODEL", help="default: the only one")
    spec_arguments(parser)
    parser.add_argument("--to", type=int, metavar="VERSION", help="default: the version that answered before")
    parser.add_argument("--yes", action="store_true", help="also a version that a gate rejected")


def run(args: argparse.Namespace, console: Console) -> int:
    environment = any_environment_from(args, console, warn=False)
    if environment is None:
        return REFUSED
    console.answer(_in_cluster(environment, args) if in_cluster(environment) else _on_machine(environment, args))
    return DONE


def _on_machine(environment: Environment, args: argparse.Namespace) -> str:
    from mlsystem.apply.decide import roll_back  # lazy: --help needs no engine

    environment.applied()
    return roll_back(environment, args.model, args.to, rejected=args.yes)


def _in_cluster(environment: ClusterEnvironment, args: argparse.Namespace) -> str:
    from mlsystem.apply.cluster_commands import roll_back_there  # lazy, as above
    from mlsystem.apply.running import running_of

    return roll_back_there(running_of(environment, os.environ), args.model, args.to, rejected=args.yes)
