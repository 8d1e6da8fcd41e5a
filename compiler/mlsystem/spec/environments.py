"""`environments`: where the system runs, and what differs there."""

from typing import Any, Literal

from pydantic import field_validator

from mlsystem.spec.addresses import DnsName, RedisOrSecret, Registry
from mlsystem.spec.base import Money, SecretOnly, Section, Size, at_least, declare
from mlsystem.spec.platform import BucketSpec, ImagesSpec, NamespaceSpec, PlatformSpec, PulumiSpec, TrackingSpec


class OnlineStoreSpec(Section):
    """Where features are read while serving."""

    type: Literal["sqlite", "redis"] | None = declare(
        "The kind of store.", "operate", default=None, implied="`sqlite` on one machine, `redis` in a cluster",
        not_yet={"dynamodb": "DynamoDB tables"},
    )  # fmt: skip
    uri: RedisOrSecret | None = declare(
        "The address of an existing Redis server.", "operate", default=None, example='"${secret:REDIS_URL}"',
        implied="the system has its own",
    )  # fmt: skip


class SecretsSpec(Section):
    """Where the values of secrets are read when a process starts."""

    origin: Literal["env", "kubernetes", "external_secrets"] | None = declare(
        "`env`: environment variables of the same name; `kubernetes`: keys of a Secret; `external_secrets`: keys of a"
        " Secret that External Secrets makes.",
        "operate",
        default=None,
        implied="`env` on one machine, `kubernetes` in a cluster",
        alias="from",
    )
    name: DnsName | None = declare(
        "The name of the Secret.", "operate", default=None, example="delay-secrets", implied="SYSTEM-secrets"
    )
    store: DnsName | None = declare(
        "The ClusterSecretStore of External Secrets.", "operate", default=None, example="vault", implied="none"
    )


class TlsSpec(Section):
    """The certificate with which the endpoint answers."""

    certificate: SecretOnly = declare(
        "The secret that holds it in PEM, those that sign it after it.", "operate",
        example='"${secret:TLS_CERTIFICATE}"',
    )  # fmt: skip
    key: SecretOnly = declare("The secret that holds its key in PEM.", "operate", example='"${secret:TLS_KEY}"')


class PricesSpec(Section):
    """What an hour costs there of what pods request."""

    cpu_hour: Money = declare("A core for an hour.", None, example="$0.04")
    memory_gib_hour: Money = declare("A GiB of memory for an hour.", None, example="$0.004")


class EnvironmentSpec(Section):
    """One place where the system runs."""

    target: Literal["local", "kubernetes"] = declare(
        "What carries the system out there.", "operate", example="local", not_yet={"aws": "Amazon Web Services"}
    )
    clock: Literal["wall", "data"] = declare(
        "Now is the wall clock, or the newest moment in the data (history, demos).",
        "operate",
        default_of="environments.clock",
    )
    port: int = declare(
        "The port of the endpoint on this machine.", "operate", default_of="environments.port", ge=1, le=65535
    )
    tls: TlsSpec | None = declare(
        "The certificate with which the endpoint answers.", "operate", default=None,
        implied="it speaks plain HTTP; in a cluster an ingress may speak TLS for it",
    )  # fmt: skip
    workspace: str | None = declare(
        "The folder, or in a cluster the `s3://` bucket, for all that the runtime writes.",
        "operate",
        default=None,
        implied=".mlsystem/ENVIRONMENT/workspace beside the root file; in a cluster a volume",
    )
    context: str | None = declare(
        "The context of the Kubernetes client.", "operate", default=None, example="staging", implied="the current one"
    )
    namespace: NamespaceSpec | None = declare(
        "The namespace that holds the system.", "operate", default=None, example="{name: flight-delay}",
        implied="one that exists and has the system's name",
    )  # fmt: skip
    registry: Registry | None = declare(
        "Where images are pushed and pulled; required in a cluster.", "operate", default=None,
        example="registry.example.com/ml", implied="none",
    )  # fmt: skip
    delivery: Literal["pulumi", "gitops"] = declare(
        "Who applies generated objects: `apply` through Pulumi, or something else that takes them from the repository.",
        "operate", default_of="environments.delivery",
    )  # fmt: skip
    storage: Size = declare("The size of the workspace's volume.", "operate", default_of="environments.storage")
    bucket: BucketSpec = declare("How an `s3://` workspace is reached.", "operate", default={})
    tracking: TrackingSpec | None = declare(
        "An existing MLflow server.", "operate", default=None, implied="in a cluster the system has its own"
    )
    platform: PlatformSpec = declare("What the cluster has.", "operate", default={})
    images: ImagesSpec = declare("What images are built from.", "operate", default={})
    pulumi: PulumiSpec = declare("Pulumi's own state.", "operate", default={})
    prices: PricesSpec | None = declare(
        "What replicas cost there.", None, default=None, example="{cpu_hour: $0.04, memory_gib_hour: $0.004}",
        implied="a public price list, which `mlsystem plan` names with its date",
    )  # fmt: skip
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
        "region": "the AWS region",
        "cluster": "creating or using a cluster",
        "state": "another place for the state",
    }

    _room = field_validator("storage")(at_least("1Gi"))
