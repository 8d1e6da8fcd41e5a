"""Stop server and monitor and delete what the environment holds."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mlsystem.cli.common import in_cluster, recorded_from, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console
from mlsystem.errors import MlsystemError

if TYPE_CHECKING:
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.recorded import Recorded


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--data", metavar="NAME", help="of an AWS account: this, which holds data and was kept")


def run(args: argparse.Namespace, console: Console) -> int:
    environment = recorded_from(args, console, named=True)
    if environment is None:
        return REFUSED
    if args.data is not None:
        return _data(environment, args, console)
    lost = environment.lost()
    console.answer("\n".join(f"! {sentence}" for sentence in lost))
    if not args.yes and not console.terminal:
        raise MlsystemError("this deletes data, and there is no terminal to ask on", "mlsystem destroy --yes")
    if not args.yes and not console.confirm(f"\nThis deletes all of {environment.name}."):
        return REFUSED
    progress = console.progress()
    try:
        environment.destroy(progress)
    finally:
        progress.close()
    return DONE


def _data(environment: Recorded | ClusterEnvironment, args: argparse.Namespace, console: Console) -> int:
    if not in_cluster(environment):
        raise MlsystemError("`--data` is for an AWS account", "on one machine `mlsystem destroy` takes everything")
    if not args.yes and not console.terminal:
        raise MlsystemError("this deletes data, and there is no terminal to ask on", "mlsystem destroy --yes")
    if not args.yes and not console.confirm(f"\nThis deletes {args.data} of {environment.name}, and what is in it."):
        return REFUSED
    progress = console.progress()
    try:
        environment.destroy_data(args.data, progress)
    finally:
        progress.close()
    return DONE
