"""Show the end of a log: of the server, of the monitor, or of a step in its last run."""

from __future__ import annotations

import argparse

from mlsystem.cli.common import recorded_from, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("of", metavar="server|monitor|STEP")
    spec_arguments(parser)
    parser.add_argument("-n", "--lines", type=int, default=100, metavar="N", help="how many lines, default 100")
    parser.add_argument("-F", "--follow", action="store_true", help="go on with what is written, until Ctrl-C")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.follow import follow  # lazy: --help needs no engine
    from mlsystem.apply.process import tail

    environment = recorded_from(args, console)
    if environment is None:
        return REFUSED
    if args.follow:
        for line in follow(lambda: environment.engine.log_of(args.of), args.lines):
            console.answer(f"{line}\n")
    console.answer("\n".join(tail(environment.engine.log_of(args.of), args.lines)))
    return DONE
