"""How changes reach the environments of a system: through a workflow of its repository."""

from __future__ import annotations

from mlsystem_runtime.contract.base import Struct


class ReviewedEnvironment(Struct):
    """Roles are ARNs; None where the runner has access of its own. `account`: the environment is an AWS account, not
    only a cluster. `places` are `s3://` URIs of what an apply remembers. `entry`, `bucket` and `boundary` are those of
    the account, `existing` its cluster where there was one before."""

    name: str
    region: str | None
    plan_role: str | None
    apply_role: str | None
    account: bool = False
    places: tuple[str, ...] = ()
    entry: str | None = None
    bucket: str | None = None
    existing: str | None = None
    boundary: str | None = None


class Review(Struct):
    """`repository` is OWNER/NAME as tokens name it, with ids where those have them. `drift` is five fields of cron in
    UTC. `folder` is that of the spec in the repository, None: the repository's own. `variables` are variables of the
    environment that a runner is given: the file has no value without them."""

    system: str
    repository: str
    branch: str
    drift: str
    folder: str | None
    runner: str
    requirements: str | None
    variables: tuple[str, ...]
    environments: tuple[ReviewedEnvironment, ...]

    @property
    def root(self) -> str:
        """The repository's folder as a path from that of the spec."""
        return way_up(self.folder)


def way_up(folder: str | None) -> str:
    """From `folder` of a repository, None: its own, to the repository's own."""
    return "." if folder is None else "/".join(".." for _ in folder.split("/"))
