"""`python -m engines.aws.commands COMMAND [NAME]`: what `mlsystem COMMAND` does, for a system that stands on the small
account of `account_by_hand`, in the folder of its spec."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from account_by_hand import CLUSTER, cluster, foundation

from mlsystem.apply.cluster_environment import ClusterEnvironment, cluster_environment_of
from mlsystem.apply.events import AnyEvent, Says
from mlsystem.compile import compile_system
from mlsystem.diagnostics.report import Report
from mlsystem.emit.pulumi_aws import emit_stack
from mlsystem.emit.tree import ArtifactTree
from mlsystem.errors import MlsystemError
from mlsystem.plan.render.text import render_text

ENVIRONMENT = "prod"


def environment() -> ClusterEnvironment:
    """The context of the kubeconfig is the name of the cluster."""
    report, spec = Report(), Path("mlsystem.yaml")
    compiled = compile_system(spec, ENVIRONMENT, os.environ, report)
    assert compiled is not None, report.diagnostics
    assert compiled.cluster is not None
    assert compiled.cluster.cluster.target.context == CLUSTER
    below = (foundation(), cluster())
    tree = ArtifactTree.of((*compiled.tree.artifacts, *(one for stack in below for one in emit_stack(stack))))
    inside = replace(compiled.cluster, stacks=below)
    return cluster_environment_of(compiled._replace(cluster=inside, tree=tree), spec, os.environ)


def said(event: AnyEvent) -> None:
    if isinstance(event, Says):
        sys.stdout.write(f"{event.text}\n")
        sys.stdout.flush()


def main(command: str, name: str = "") -> None:
    at_hand = environment()
    match command:
        case "plan" | "refresh":
            plan = at_hand.plan(refresh=command == "refresh")
            sys.stdout.write(f"{render_text(plan)}\n")
            sys.exit(0 if plan.empty else 2)
        case "apply":
            at_hand.apply(at_hand.plan(), said)
        case "destroy":
            sys.stdout.write("".join(f"{one}\n" for one in at_hand.lost()))
            at_hand.destroy(said)
        case "data":
            at_hand.destroy_data(name, said)
        case _:
            raise AssertionError(command)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except MlsystemError as error:
        sys.exit(f"error: {error.message}\n  = help: {error.hint}")
