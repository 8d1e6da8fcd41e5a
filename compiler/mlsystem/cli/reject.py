"""Close a proposal without carrying it out."""

from __future__ import annotations

import argparse

from mlsystem.cli.common import environment_from, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("proposal", nargs="?", metavar="PROPOSAL", help="default: the only open one")
    spec_arguments(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.decide import decide  # lazy: --help needs no engine

    environment = environment_from(args, console)
    if environment is None:
        return REFUSED
    proposal = decide(environment, args.proposal, "rejected")
    console.answer(f"proposal {proposal.proposal} ({proposal.kind} {proposal.model}) is rejected")
    return DONE
