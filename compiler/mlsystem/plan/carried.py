"""What was proven under old names is proven under the new ones: a manifest read with the renames of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from mlsystem.plan.change import AnyChange, NodeRenamed
from mlsystem.state.manifest import Manifest, StepProof
from mlsystem.system.snapshot import Kind

OWNERS: Mapping[str, Kind] = {
    "ingest": Kind.SOURCE,
    "features": Kind.DATASET,
    "train": Kind.MODEL,
    "evaluate": Kind.EVALUATION,
    "register": Kind.EVALUATION,
}
"""Whose name follows the kind of a step; `materialize.GROUP.MODEL` has two."""


def carried(manifest: Manifest, changes: Iterable[AnyChange]) -> Manifest:
    """The same manifest, its steps named as they are after the renames among `changes`."""
    renames = {change.old: change.name for change in changes if isinstance(change, NodeRenamed)}
    if not renames:
        return manifest
    return msgspec.structs.replace(
        manifest,
        proofs={renamed_step(step, renames): _proof(proof, renames) for step, proof in manifest.proofs.items()},
        blocked=tuple(renamed_step(step, renames) for step in manifest.blocked),
    )


def renamed_step(step: str, renames: Mapping[str, str]) -> str:
    """The name of a step after `renames`, which map `kind.old` to the new name."""
    verb, *names = step.split(".")
    kinds = [Kind.GROUP, Kind.MODEL] if verb == "materialize" else [OWNERS[verb]]
    return ".".join([verb, *(renames.get(f"{kind}.{name}", name) for kind, name in zip(kinds, names, strict=False))])


def _proof(proof: StepProof, renames: Mapping[str, str]) -> StepProof:
    reads = {renamed_step(step, renames): parts for step, parts in proof.reads.items()}
    return msgspec.structs.replace(proof, reads=reads)
