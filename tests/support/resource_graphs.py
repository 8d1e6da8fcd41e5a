"""What a generated program declares to Pulumi, as text: each resource with what it waits for, and how it is kept."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from aws_accounts import account_cluster
from aws_stacks import stack_program
from clusters import cluster_of
from recorder import Recorded, record
from stacks_by_hand import program_in, stack_settings

from mlsystem.emit.argo import pipeline_objects
from mlsystem.emit.aws.stacks import account_stacks
from mlsystem.emit.kubernetes.system import kubernetes_objects

SKIP_AWAIT = "pulumi.com/skipAwait"


def graph_of(spec: Path) -> str:
    """Of an example in an environment `staging` without frills; what names are made of content is left out."""
    cluster = cluster_of(spec, namespace={"name": "ml", "create": True})
    objects = (*kubernetes_objects(cluster), *pipeline_objects(cluster))
    with tempfile.TemporaryDirectory() as folder:
        recorded = record(program_in(Path(folder), cluster, objects), stack_settings(cluster))
    text = "\n".join(line for one in recorded for line in lines(one)) + "\n"
    return re.sub(r"-[0-9a-f]{8}\b", "-HASH", text)


def account_graphs() -> dict[str, str]:
    """Of the stacks below the system, by their names, where the environment says nothing but its account and region."""
    with tempfile.TemporaryDirectory() as folder:
        cluster = account_cluster(Path(folder))
        stacks = account_stacks(cluster, [f"{cluster.target.registry}/weather/server"])
        exported: dict[str, str] = {}
        found: dict[str, str] = {}
        for stack in stacks:
            recorded = record(stack_program(Path(folder), stack), {}, unknown=True, outside=exported)
            found[stack.name] = "\n".join(line for one in recorded for line in lines(one)) + "\n"
            exported |= dict.fromkeys(stack.outputs, "made before")
    return found


def lines(one: Recorded) -> Iterator[str]:
    annotations = one.inputs.get("metadata", {}).get("annotations", {})
    skips = ["not awaited"] if annotations.get(SKIP_AWAIT) else []
    said = ", ".join([*one.options, *skips])
    yield f"{one.type} {one.name}{f' ({said})' if said else ''}"
    yield from (f"    after {urn.replace('::', ' ')}" for urn in one.depends_on)
