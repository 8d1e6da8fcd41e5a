"""What every emitter of the foundation starts from, and what the account's things are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlsystem.emit.aws.resource import Resource, Value
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.system.aws import Aws
from mlsystem.system.snapshots import ENVIRONMENT


@dataclass(frozen=True)
class Account:
    """`repositories` are the names of the images that are pushed, without the registry's host."""

    cluster: Cluster
    aws: Aws
    repositories: tuple[str, ...] = field(default=())

    @property
    def instance(self) -> str:
        """What names of things begin with, where no other name is asked for."""
        return self.cluster.instance

    @property
    def tags(self) -> Mapping[str, str]:
        return tags(self.cluster)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.aws.region}:{self.aws.account}:{resource}"

    def made(self, kind: str, name: str, concern: str, inputs: Mapping[str, Value], **rest: Any) -> Resource:
        return Resource(f"aws.{kind}", name, inputs, concern, ENVIRONMENT, **rest)


def tags(cluster: Cluster) -> dict[str, str]:
    """On everything that can have them: by these it is found, and its cost is counted."""
    return {
        "mlsystem.dev/instance": cluster.instance,
        "mlsystem.dev/system": cluster.prefix,
        "mlsystem.dev/environment": cluster.system.environment,
    }
