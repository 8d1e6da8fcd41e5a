"""Show the end of a log: of the server, of the monitor, or of a step in its last run."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlsystem.cli.common import in_cluster, recorded_from, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console

if TYPE_CHECKING:
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.recorded import Recorded


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("of", metavar="server|monitor|STEP")
    spec_arguments(parser)
    parser.add_argument("-n", "--lines", type=int, default=100, metavar="N", help="how many lines, default 100")
    parser.add_argument("-F", "--follow", action="store_true", help="go on with what is written, until Ctrl-C")


def run(args: argparse.Namespace, console: Console) -> int:
    environment = recorded_from(args, console)
    if environment is None:
        return REFUSED
    for line in _in_cluster(environment, args) if in_cluster(environment) else _on_machine(environment, args):
        console.answer(f"{line}\n")
    return DONE


def _on_machine(environment: Recorded, args: argparse.Namespace) -> Iterable[str]:
    from mlsystem.apply.follow import follow  # lazy: --help needs no engine
    from mlsystem.apply.process import tail

    if args.follow:
        return follow(lambda: environment.engine.log_of(args.of), args.lines)
    return tail(environment.engine.log_of(args.of), args.lines)


def _in_cluster(environment: ClusterEnvironment, args: argparse.Namespace) -> Iterable[str]:
    from mlsystem.apply.cluster_logs import logs  # lazy, as above

    return logs(environment, args.of, args.lines, follow=args.follow)
