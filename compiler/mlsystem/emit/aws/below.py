"""What every emitter of the cluster stack starts from: whose account, which cluster, and who is to live in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlsystem.emit.kubernetes.objects import Names
from mlsystem.system.target import dns_name

CLUSTER = "cluster"
"""The logical name of the cluster: a resource, or a lookup of one that exists."""
INSIDE = "inside"
"""The logical name of the provider that reaches into a cluster that is made."""
MOST_NAME = 64
"""Characters of a role's name, which of the names that are given here may have the fewest."""


@dataclass(frozen=True)
class Below:
    """`existing`: the cluster that the platform team has, None where one is made. `tags` as the account has them on
    everything; `api_access`: the ranges of addresses from which the API server of a new cluster is reached from outside
    its network."""

    names: Names
    account: str
    region: str
    existing: str | None = None
    log_retention_days: int = 90
    api_access: tuple[str, ...] = ()
    network: str | None = None
    """The addresses of the network that a new cluster is in."""
    entries: tuple[str, ...] = ()
    """Of Secrets Manager, with the system's secrets."""
    boundary: str | None = None
    """The policy within which roles are made."""
    plan_role: str | None = None
    apply_role: str | None = None
    """Of the review's workflow."""
    tags: Mapping[str, str] = field(hash=False, default_factory=dict)
    origin: str = "infrastructure.environment"

    @property
    def cluster(self) -> str:
        """What it is called in the account."""
        return self.existing or self.names.instance

    def named(self, *parts: str) -> str:
        """A name in the account, of a thing that is of this cluster only."""
        return dns_name("-".join([self.names.instance, *parts]), MOST_NAME)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"
