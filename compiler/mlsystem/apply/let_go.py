"""The state of an engine from which what holds data may be deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mlsystem.apply.interrupted import Deployment

SNAPSHOT = "finalSnapshotIdentifier"


def let_go(deployment: Deployment, names: frozenset[str], at: datetime) -> Deployment:
    """With these resources, by name, free to be deleted `at` that time."""
    resources = [
        freed(one, at) if one["urn"].rpartition("::")[2] in names else one for one in deployment.get("resources") or []
    ]
    return {**deployment, "resources": resources}


def freed(resource: Mapping[str, Any], at: datetime) -> Mapping[str, Any]:
    """A last snapshot is called after its time too: an environment that is made again leaves another one."""
    sides = {side: resource[side] for side in ("inputs", "outputs") if SNAPSHOT in (resource.get(side) or {})}
    named = {side: {**held, SNAPSHOT: f"{held[SNAPSHOT]}-{at:%Y%m%d%H%M%S}"} for side, held in sides.items()}
    return {**resource, **named, "protect": False}
