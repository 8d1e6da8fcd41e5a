"""What leaving a key out means on target aws."""

from __future__ import annotations

from typing import Literal

from mlsystem.spec.environments import EnvironmentSpec
from mlsystem.spec.platform import PlatformSpec

STORE = "account"
"""The ClusterSecretStore that a cluster that is made here has."""
STANDARD = ("argo_workflows", "prometheus")
"""What a cluster that is made here has unless the file says no."""


def existing_cluster(written: EnvironmentSpec) -> str | None:
    """Its name; None where one is made."""
    return None if written.cluster is None else written.cluster.existing


def makes_cluster(written: EnvironmentSpec) -> bool:
    return written.target == "aws" and existing_cluster(written) is None


def promised(written: EnvironmentSpec) -> PlatformSpec:
    """What the cluster has: as the platform team declares it, or as it is made here."""
    if not makes_cluster(written):
        return written.platform
    left_out = [name for name in STANDARD if name not in written.platform.model_fields_set]
    return written.platform.model_copy(update=dict.fromkeys(left_out, True))


def made_store(written: EnvironmentSpec) -> Literal["redis", "dynamodb"] | None:
    """What is made in the account for online features; None where the environment names its own."""
    if written.online_store.uri is not None:
        return None
    return "dynamodb" if written.online_store.type == "dynamodb" else "redis"


def secret_store(written: EnvironmentSpec) -> str | None:
    """What External Secrets reads; a cluster that is made here has a store of its own."""
    if written.secrets.origin == "kubernetes" or written.secrets.store is not None:
        return written.secrets.store
    return STORE if makes_cluster(written) else None
