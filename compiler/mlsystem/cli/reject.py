"""Close a proposal without carrying it out."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from mlsystem.cli.common import any_environment_from, in_cluster, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console

if TYPE_CHECKING:
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.environment import Environment
    from mlsystem_runtime.contract.ledger import ProposalOpened


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("proposal", nargs="?", metavar="PROPOSAL", help="default: the only open one")
    spec_arguments(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    environment = any_environment_from(args, console, warn=False)
    if environment is None:
        return REFUSED
    proposal = _in_cluster(environment, args) if in_cluster(environment) else _on_machine(environment, args)
    console.answer(f"proposal {proposal.proposal} ({proposal.kind} {proposal.model}) is rejected")
    return DONE


def _on_machine(environment: Environment, args: argparse.Namespace) -> ProposalOpened:
    from mlsystem.apply.decide import decide  # lazy: --help needs no engine

    return decide(environment, args.proposal, "rejected")


def _in_cluster(environment: ClusterEnvironment, args: argparse.Namespace) -> ProposalOpened:
    from mlsystem.apply.cluster_commands import reject_there  # lazy, as above
    from mlsystem.apply.running import running_of

    return reject_there(running_of(environment, os.environ), args.proposal)
