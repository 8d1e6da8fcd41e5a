"""Derive replicas and the autoscaler's settings from what is promised, and prove that they hold."""

from __future__ import annotations

import argparse
import importlib
from typing import Protocol, cast

from mlsystem.cli.console import Console

COMMANDS = {
    "explain": "say why there were as many replicas at a moment",
    "profile": "measure how fast a server of a model is, and how soon it starts",
    "report": "write one page with pictures of what is certified",
    "solve": "find the cheapest replicas and settings that hold what is promised",
}


class Command(Protocol):
    """A module of this package named `capacity_NAME`."""

    def arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace, console: Console) -> int: ...


def arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, help_text in COMMANDS.items():
        command = module(name)
        command.arguments(commands.add_parser(name, help=help_text, description=command.__doc__))


def run(args: argparse.Namespace, console: Console) -> int:
    return module(args.command).run(args, console)


def module(name: str) -> Command:
    return cast(Command, importlib.import_module(f"mlsystem.cli.capacity_{name}"))
