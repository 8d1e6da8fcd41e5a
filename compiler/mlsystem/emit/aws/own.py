"""What belongs to one environment in its account, by the names that the stacks give it, or by its tag.

Names are whole: one that only begins alike, of an environment `prod2` beside `prod`, is another's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlsystem.emit.aws import eks, nodes
from mlsystem.emit.aws.addons import ACCOUNTS
from mlsystem.emit.aws.below import MOST_NAME
from mlsystem.emit.aws.budget import TAG
from mlsystem.emit.aws.databases import LONGEST_DATABASE, LONGEST_REDIS
from mlsystem.emit.aws.identity import EDGES
from mlsystem.emit.aws.network import LOGS_WRITER
from mlsystem.system.installed import AUTOSCALER, EXTERNAL_SECRETS
from mlsystem.system.target import dns_name

ROLES = (
    eks.ROLE, nodes.ROLE, *ACCOUNTS, AUTOSCALER.name, EXTERNAL_SECRETS.name, *(one.kind for one in EDGES), LOGS_WRITER,
)  # fmt: skip
SECRETS = ("", "-made", "-online-store", "-tracking")
"""Endings of entries of Secrets Manager."""
IN_CLUSTER = ("nodegroup", "addon", "podidentityassociation", "access-entry")
"""What EKS calls below a cluster's name."""

Condition = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Own:
    """`instance` is what names begin with, `entry` what those of secrets, images and tables do; `bucket` None: the
    environment names its own; `existing`: the platform team's cluster, None where one is made."""

    instance: str
    entry: str
    account: str
    region: str
    bucket: str | None = None
    existing: str | None = None
    boundary: str | None = None
    """The policy within which roles are made."""

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    @property
    def budget(self) -> str:
        return f"arn:aws:budgets::{self.account}:budget/{self.instance}"

    @property
    def roles(self) -> tuple[str, ...]:
        names = (dns_name(f"{self.instance}-{role}", MOST_NAME) for role in ROLES)
        return tuple(f"arn:aws:iam::{self.account}:role/{name}" for name in names)

    @property
    def named(self) -> Mapping[str, tuple[str, ...]]:
        """By their service, all that have names."""
        found = {
            "dynamodb": (f"table/{self.entry}-features",),
            "ecr": (f"repository/{self.entry}/*",),
            "eks": tuple(self._of_cluster()),
            "elasticache": (f"*:{self._cache}", f"*:{self._cache}-00?", f"*:{self._cache}-final*"),
            "logs": tuple(f"log-group:{group}/*" for group in self._log_groups()),
            "rds": (f"*:{self._database}", f"*:{self._database}-final*", "og:default:*"),
            "secretsmanager": tuple(self._secrets()),
            "sns": (f"{self.instance}-budget", f"{self.instance}-budget:*"),
        }
        return {service: tuple(self.arn(service, one) for one in names) for service, names in found.items()}

    @property
    def _database(self) -> str:
        return dns_name(f"{self.instance}-tracking", LONGEST_DATABASE)

    @property
    def _cache(self) -> str:
        return dns_name(f"{self.instance}-features", LONGEST_REDIS)

    def _of_cluster(self) -> Iterator[str]:
        if self.existing is None:
            yield f"cluster/{self.instance}"
            yield from (f"{kind}/{self.instance}/*" for kind in IN_CLUSTER)

    def _log_groups(self) -> Iterator[str]:
        yield from (f"/aws/eks/{self.instance}", f"/aws/rds/instance/{self._database}", f"/mlsystem/{self.instance}")

    def _secrets(self) -> Iterator[str]:
        """AWS adds six characters to a name once it is there."""
        for ending in SECRETS:
            yield from (f"secret:{self.entry}{ending}", f"secret:{self.entry}{ending}-??????")

    @property
    def in_region(self) -> Condition:
        return {"StringEquals": {"aws:RequestedRegion": self.region}}

    @property
    def tagged(self) -> Condition:
        """Whatever has the environment's tag."""
        return {"StringEquals": {**self.in_region["StringEquals"], f"aws:ResourceTag/{TAG}": self.instance}}

    @property
    def being_tagged(self) -> Condition:
        """Whatever is given it."""
        return {"StringEquals": {**self.in_region["StringEquals"], f"aws:RequestTag/{TAG}": self.instance}}

    @property
    def taken_over(self) -> Condition:
        """Whatever is given it, and has that of no environment."""
        return {**self.being_tagged, "Null": {f"aws:ResourceTag/{TAG}": "true"}}
