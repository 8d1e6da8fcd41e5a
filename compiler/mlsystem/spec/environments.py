"""`environments`: where the system runs, and what differs there."""

from typing import Any, Literal

from mlsystem.spec.base import Section, declare


class OnlineStoreSpec(Section):
    """Where features are read while serving."""

    type: Literal["sqlite"] = declare(
        "The kind of store.", "operate", default_of="environments.online_store.type",
        not_yet={"redis": "a Redis server", "dynamodb": "DynamoDB tables"},
    )  # fmt: skip

    NOT_YET = {"uri": "an existing store"}


class SecretsSpec(Section):
    """Where the values of secrets are read when a process starts."""

    origin: Literal["env"] = declare(
        "`env`: environment variables of the same name.",
        "operate",
        default_of="environments.secrets.from",
        alias="from",
    )


class EnvironmentSpec(Section):
    """One place where the system runs."""

    target: Literal["local"] = declare(
        "What carries the system out there.", "operate", example="local",
        not_yet={"kubernetes": "a Kubernetes cluster", "aws": "Amazon Web Services"},
    )  # fmt: skip
    clock: Literal["wall", "data"] = declare(
        "Now is the wall clock, or the newest moment in the data (history, demos).",
        "operate",
        default_of="environments.clock",
    )
    port: int = declare(
        "The port of the endpoint on this machine.", "operate", default_of="environments.port", ge=1, le=65535
    )
    workspace: str | None = declare(
        "The folder for all that the runtime writes.",
        "operate",
        default=None,
        implied=".mlsystem/ENVIRONMENT/workspace beside the root file",
    )
    online_store: OnlineStoreSpec = declare("Where features are read while serving.", "operate", default={})
    secrets: SecretsSpec = declare("Where the values of secrets come from.", "operate", default={})
    override: dict[str, Any] = declare(
        "What differs from the rest of the file in this environment.",
        "operate",
        default={},
        example="{training: {parameters: {epochs: 1}}}",
        implied="nothing",
    )
    description: str | None = declare("A note for readers.", None, default=None)
    owners: tuple[str, ...] = declare("Who answers for it.", None, default=())

    NOT_YET = {
        "context": "the context of the Kubernetes client",
        "namespace": "the Kubernetes namespace",
        "registry": "the registry for images",
        "delivery": "who applies generated files",
        "tracking": "an existing tracking server",
        "platform": "what the cluster has",
        "region": "the AWS region",
        "cluster": "creating or using a cluster",
        "state": "another place for the state",
        "pulumi": "Pulumi's state and secrets",
        "images": "how images are built",
    }
