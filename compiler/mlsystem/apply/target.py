"""What a compiled environment asks of plan and apply."""

from __future__ import annotations

from mlsystem.compile import Compiled
from mlsystem.plan.plan import Desired
from mlsystem_runtime.contract.base import digest


def desired_of(compiled: Compiled) -> Desired:
    """The closure is the files and the snapshot: what differs in neither needs no apply."""
    return Desired(
        snapshot=compiled.snapshot,
        files=dict(compiled.tree.digests),
        closure=digest([compiled.tree.digest, compiled.snapshot]),
        steps={step.name: step.fingerprint for step in compiled.config.steps},
    )
