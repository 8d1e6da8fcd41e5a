"""The AWS account below a cluster: what is made in it, and what that is called before it is there.

Names follow from the system, the environment and the account's number, so that generated files know addresses of
buckets, tables and repositories. What only AWS decides (hosts of databases) and what is secret stands in one entry of
Secrets Manager, whose name is known, and reaches pods from there.
"""

from __future__ import annotations

from typing import Literal

from mlsystem_runtime.contract.base import Struct

ONLINE_STORE_URL, DATABASE_HOST = "ONLINE_STORE_URL", "TRACKING_DATABASE_HOST"
DATABASE_PASSWORD = "TRACKING_DATABASE_PASSWORD"
"""Keys of the entry of what the account makes."""
BUCKET_LENGTH = 63


class Network(Struct):
    """Of a cluster that is made. `zones` are letters of the region."""

    cidr: str
    zones: tuple[str, ...]
    flow_logs: bool
    api_access: tuple[str, ...] = ()
    """Ranges of addresses from which the cluster's API server is reached from outside."""


class Aws(Struct):
    """`cluster` None: one is made, in `network`; else the name of one that exists, whose network is used.

    `bucket`, `repositories`, `online_store` and `tracking_database`: what is made here for the workspace, the images,
    the features and the runs; None or False where the environment names its own. `entry` is the beginning of what
    entries of Secrets Manager are called, `alarmed` who is told of the budget.
    """

    account: str
    region: str
    cluster: str | None
    network: Network | None
    bucket: str | None
    repositories: bool
    online_store: Literal["redis", "dynamodb"] | None
    tracking_database: bool
    entry: str
    log_retention_days: int
    alarmed: tuple[str, ...] = ()
    boundary: str | None = None
    """The policy within which every role is made."""
    plan_role: str | None = None
    apply_role: str | None = None
    """Of the review's workflow, which enter a cluster that is made: to look, and to change."""

    @property
    def made_entry(self) -> str:
        """The entry of Secrets Manager with what the account makes."""
        return f"{self.entry}-made"

    @property
    def made_secrets(self) -> tuple[str, ...]:
        """Its keys."""
        redis = (ONLINE_STORE_URL,) if self.online_store == "redis" else ()
        return (*redis, *((DATABASE_HOST, DATABASE_PASSWORD) if self.tracking_database else ()))


def registry_of(account: str, region: str) -> str:
    """The host of the account's registry."""
    return f"{account}.dkr.ecr.{region}.amazonaws.com"


def bucket_name(instance: str, account: str) -> str:
    """Names of buckets are taken once in the world: the account's number is in it."""
    return f"{instance[: BUCKET_LENGTH - len(account) - 1].rstrip('-')}-{account}"
