"""Write one HTML page about the capacity of an environment: what is certified, and pictures of how it would run."""

from __future__ import annotations

import argparse
from pathlib import Path

from mlsystem.cli.capacity_endpoints import endpoints
from mlsystem.cli.common import spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console
from mlsystem.errors import MlsystemError

FILE = "capacity.html"


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("--model", metavar="NAME", help="default: every one")
    parser.add_argument("-o", "--out", type=Path, default=Path(FILE), metavar="FILE", help=f"default: {FILE}")


def run(args: argparse.Namespace, console: Console) -> int:
    found = endpoints(args, console)
    if found is None:
        return REFUSED
    from mlsystem.capacity.report.gather import endpoint_of  # lazy: --help simulates nothing
    from mlsystem.capacity.report.page import page
    from mlsystem_runtime.contract.files import write_atomically

    if all(one.certificate is None for _, one in found):
        raise MlsystemError("nothing is certified that could be shown", "run: mlsystem capacity solve")
    shown = [endpoint_of(name, one) for name, one in found]
    write_atomically(args.out.absolute(), page(found[0][1].system, found[0][1].environment, shown))
    console.say(f"written to {args.out}")
    return DONE
