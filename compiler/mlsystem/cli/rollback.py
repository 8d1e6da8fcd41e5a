"""Let the version that answered before answer again. The server follows within a second; no plan changes."""

from __future__ import annotations

import argparse

from mlsystem.cli.common import environment_from, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", metavar="MODEL", help="default: the only one")
    spec_arguments(parser)
    parser.add_argument("--to", type=int, metavar="VERSION", help="default: the version that answered before")
    parser.add_argument("--yes", action="store_true", help="also a version that a gate rejected")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.decide import roll_back  # lazy: --help needs no engine

    environment = environment_from(args, console)
    if environment is None:
        return REFUSED
    environment.applied()
    console.answer(roll_back(environment, args.model, args.to, rejected=args.yes))
    return DONE
