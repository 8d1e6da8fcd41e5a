"""Send past requests to a server and a monitor of their own, on an empty store that fills as time goes by."""

from __future__ import annotations

import argparse

from mlsystem.cli.common import environment_from, spec_arguments
from mlsystem.cli.console import REFUSED, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("--model", metavar="NAME", help="default: the only one")
    parser.add_argument("--from", dest="start", required=True, metavar="TIME", help="first instant, ISO 8601")
    parser.add_argument("--to", dest="end", required=True, metavar="TIME", help="end of the interval, ISO 8601")


def run(args: argparse.Namespace, console: Console) -> int:
    environment = environment_from(args, console)
    if environment is None:
        return REFUSED
    environment.applied()
    return environment.engine.replay(args.model, args.start, args.end)
