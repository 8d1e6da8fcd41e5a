"""Stop server and monitor and delete what the environment holds."""

from __future__ import annotations

import argparse

from mlsystem.cli.common import recorded_from, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console
from mlsystem.errors import MlsystemError


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace, console: Console) -> int:
    environment = recorded_from(args, console, named=True)
    if environment is None:
        return REFUSED
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
