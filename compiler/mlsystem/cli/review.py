"""The steps of a pull request's workflow: plan, comment, apply what was reviewed, report drift."""

from __future__ import annotations

import argparse
import importlib
from typing import Protocol, cast

from mlsystem.cli.console import Console

COMMANDS = {
    "plan": "plan an environment; after a merge, find the plan that was reviewed",
    "comment": "write the plans into the pull request, in one comment",
    "apply": "carry out a plan that was reviewed or approved; say in the pull request where it is stale",
    "drift": "keep one issue open for each environment that is not what was applied",
}


class Command(Protocol):
    """A module of this package named `review_NAME`."""

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
    return cast(Command, importlib.import_module(f"mlsystem.cli.review_{name}"))
