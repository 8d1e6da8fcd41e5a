"""`environments`: where the system runs, and what differs there."""

from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from mlsystem.spec import aws
from mlsystem.spec.addresses import BucketAddress, DnsName, Registry, StoreOrSecret
from mlsystem.spec.base import Cost, Money, SecretOnly, Section, Size, at_least, declare, problem
from mlsystem.spec.platform import BucketSpec, ImagesSpec, NamespaceSpec, PlatformSpec, PulumiSpec, TrackingSpec


class OnlineStoreSpec(Section):
    """Where features are read while serving."""

    type: Literal["sqlite", "redis", "dynamodb"] | None = declare(
        "The kind of store. A table of DynamoDB without `uri` is made where the target is `aws`.", "operate",
        default=None, implied="as `uri` says; without one `sqlite` on one machine, `redis` in a cluster",
    )  # fmt: skip
    uri: StoreOrSecret | None = declare(
        "The address of an existing Redis server, or of a table of DynamoDB: `dynamodb://TABLE?region=REGION`. A table"
        " is reached with the rights of whoever runs: the credentials of the shell, or the identity of the pod.",
        "operate", default=None, example='"${secret:REDIS_URL}"',
        implied="the system has its own",
    )  # fmt: skip


class SecretsSpec(Section):
    """Where the values of secrets are read when a process starts."""

    origin: Literal["env", "kubernetes", "external_secrets"] | None = declare(
        "`env`: environment variables of the same name; `kubernetes`: keys of a Secret; `external_secrets`: keys of a"
        " Secret that External Secrets makes.",
        "operate",
        default=None,
        implied="`env` on one machine, `kubernetes` in a cluster, `external_secrets` on AWS",
        alias="from",
    )
    name: DnsName | None = declare(
        "The name of the Secret.", "operate", default=None, example="delay-secrets",
        implied="SYSTEM-secrets; on AWS SYSTEM-ENVIRONMENT",
    )  # fmt: skip
    store: DnsName | None = declare(
        "The ClusterSecretStore of External Secrets.", "operate", default=None, example="vault",
        implied="none; in a cluster that is made on AWS one that reads its Secrets Manager",
    )  # fmt: skip


class TlsSpec(Section):
    """The certificate with which the endpoint answers."""

    certificate: SecretOnly = declare(
        "The secret that holds it in PEM, those that sign it after it.", "operate",
        example='"${secret:TLS_CERTIFICATE}"',
    )  # fmt: skip
    key: SecretOnly = declare("The secret that holds its key in PEM.", "operate", example='"${secret:TLS_KEY}"')


class PricesSpec(Section):
    """What an hour costs there of what pods request."""

    cpu_hour: Money | None = declare(
        "A core for an hour, together with `memory_gib_hour`.", None, default=None, example="$0.04",
        implied="a public price list",
    )  # fmt: skip
    memory_gib_hour: Money | None = declare(
        "A GiB of memory for an hour.", None, default=None, example="$0.004", implied="a public price list"
    )
    items: dict[str, Money] = declare(
        "What one unit of something else costs, by the name that `mlsystem plan` has for its price.", None, default={},
        example="{pod.gpu.a10g: $1.10, pod.volume: $0.10}", implied="a public price list, which knows not all",
    )  # fmt: skip

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.cpu_hour is None) != (self.memory_gib_hour is None):
            message = "`cpu_hour` and `memory_gib_hour` belong together: a replica has both"
            raise problem("MLS114", message, "write the other one too, or neither")
        return self


class SpendingSpec(Section):
    """What the environment may cost."""

    max_cost: Cost | None = declare(
        "The most that all of it may cost in a month, as it is estimated.", None, default=None, example="$900/month",
        implied="no limit",
    )  # fmt: skip

    @field_validator("max_cost")
    @classmethod
    def _something(cls, value: float | None) -> float | None:
        if value == 0.0:
            raise problem("MLS123", "no cluster costs nothing", "write for example $900/month, or leave it out")
        return value


class EnvironmentSpec(Section):
    """One place where the system runs."""

    target: Literal["local", "kubernetes", "aws"] = declare(
        "What carries the system out there: one machine, a cluster that there is, or an AWS account.", "operate",
        example="local",
    )  # fmt: skip
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
        implied=".mlsystem/ENVIRONMENT/workspace beside the root file; in a cluster a volume; on AWS a bucket is made",
    )
    state: BucketAddress | None = declare(
        "The bucket for what was applied, how far an apply came, and who applies now: for several people, or a"
        " pipeline.", None, default=None, example='"s3://company-state/flight-delay/prod"',
        implied="files in .mlsystem/ENVIRONMENT beside the root file",
    )  # fmt: skip
    context: str | None = declare(
        "The context of the Kubernetes client.", "operate", default=None, example="staging", implied="the current one"
    )
    region: aws.Region | None = declare(
        "The AWS region; required with `target: aws`.", "operate", default=None, example="eu-central-1", implied="none"
    )
    account: aws.Account | None = declare(
        "The number of the AWS account; required with `target: aws`. Nothing is done in another one.", "operate",
        default=None, example='"123456789012"', implied="none",
    )  # fmt: skip
    cluster: aws.Cluster | None = declare(
        "Whether an EKS cluster is made there, with all that `platform` promises, or the name of one that there is:"
        " `{existing: NAME}`.", "operate", default=None, example="create", implied="one is made",
    )  # fmt: skip
    network: aws.NetworkSpec = declare("The network of a cluster that is made.", "operate", default={})
    log_retention: aws.RetentionDays = declare(
        "How long the account keeps logs.", "operate", default_of="environments.log_retention"
    )
    permissions_boundary: aws.Boundary | None = declare(
        "The policy that limits every role that is made in the account, where the company demands one.", "operate",
        default=None, example="arn:aws:iam::111122223333:policy/limit", implied="none",
    )  # fmt: skip
    namespace: NamespaceSpec | None = declare(
        "The namespace that holds the system.", "operate", default=None, example="{name: flight-delay}",
        implied="one that exists and has the system's name",
    )  # fmt: skip
    registry: Registry | None = declare(
        "Where images are pushed and pulled; required in a cluster.", "operate", default=None,
        example="registry.example.com/ml", implied="none; on AWS repositories of the account are made",
    )  # fmt: skip
    delivery: Literal["pulumi", "gitops"] = declare(
        "Who applies generated objects: `apply` through Pulumi, or something else that takes them from the repository.",
        "operate", default_of="environments.delivery",
    )  # fmt: skip
    storage: Size = declare("The size of the workspace's volume.", "operate", default_of="environments.storage")
    bucket: BucketSpec = declare("How an `s3://` workspace is reached.", "operate", default={})
    tracking: TrackingSpec | None = declare(
        "An existing MLflow server.", "operate", default=None,
        implied="in a cluster the system has its own; on AWS its database is one of the account",
    )
    platform: PlatformSpec = declare("What the cluster has.", "operate", default={})
    images: ImagesSpec = declare("What images are built from.", "operate", default={})
    pulumi: PulumiSpec = declare("Pulumi's own state.", "operate", default={})
    prices: PricesSpec | None = declare(
        "What things cost there.", None, default=None, example="{cpu_hour: $0.04, memory_gib_hour: $0.004}",
        implied="a public price list, which `mlsystem plan` names with its date",
    )  # fmt: skip
    limits: SpendingSpec = declare("What the environment may cost.", None, default={})
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

    _room = field_validator("storage")(at_least("1Gi"))
