"""`environments.*` of a cluster: what the platform has, and what the system needs there."""

from typing import Literal, get_args

from pydantic import ValidationInfo, field_validator

from mlsystem.spec.addresses import (
    DnsLabel,
    DnsName,
    Host,
    HttpAddress,
    HttpOrSecret,
    Image,
    LabelKey,
    LabelValue,
    StateAddress,
)
from mlsystem.spec.base import Section, declare, problem

KubernetesVersion = Literal["1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"]
KUBERNETES: tuple[str, ...] = get_args(KubernetesVersion)
"""The versions whose schemas every generated object is checked against, oldest first."""


def is_nginx(ingress: str | None) -> bool:
    """Whether the annotations of ingress-nginx mean something to the controller of this class."""
    return "nginx" in (ingress or "")


class NamespaceSpec(Section):
    """The namespace that holds the system."""

    name: DnsLabel = declare("Its name.", "operate", example="flight-delay")
    create: bool = declare(
        "Whether it is made here; it is kept when the system is destroyed.", "operate", default_of="namespace.create"
    )


class PlatformSpec(Section):
    """What the cluster has: nothing that is not declared here is relied on."""

    kubernetes: KubernetesVersion = declare(
        "The version of the cluster.", "operate", default_of="platform.kubernetes"
    )
    prometheus: bool = declare(
        "The Prometheus operator: rules and a ServiceMonitor are made.", "operate", default_of="platform.prometheus"
    )
    argo_workflows: bool = declare(
        "Argo Workflows, which runs the pipeline.", "operate", default_of="platform.argo_workflows"
    )
    argo_rollouts: bool = declare(
        "Argo Rollouts: changed pods are rolled out step by step.", "operate", default_of="platform.argo_rollouts"
    )
    keda: bool = declare("KEDA, which `scaling.controller: keda` needs.", "operate", default_of="platform.keda")
    knative: bool = declare(
        "Knative Serving, which `scaling.controller: knative` needs.", "operate", default_of="platform.knative"
    )
    ingress: DnsName | None = declare(
        "The class of the ingress controller.", "operate", default=None, example="nginx", implied="no Ingress"
    )
    host: Host | None = declare(
        "The host name under which the endpoint answers.", "operate", default=None, example="delay.example.com",
        implied="every host",
    )  # fmt: skip
    tls_secret: DnsName | None = declare(
        "The Secret with the host's certificate.", "operate", default=None, example="delay-tls", implied="no TLS"
    )
    storage_class: DnsName | None = declare(
        "The class of volumes.", "operate", default=None, example="fast", implied="the cluster's default"
    )
    gpu_selector: dict[LabelKey, LabelValue] = declare(
        "Labels of the nodes with GPUs.", "operate", default={}, example="{cloud.example.com/gpu: a10g}",
        implied="wherever the GPU resource is",
    )  # fmt: skip
    pull_secret: DnsName | None = declare(
        "The Secret for pulling images.", "operate", default=None, example="registry", implied="none is needed"
    )

    @field_validator("host", "tls_secret")
    @classmethod
    def _of_an_ingress(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("ingress", "") is None:
            message = f"`{info.field_name}` belongs to an `ingress`"
            raise problem("MLS114", message, "add the class of its controller: `ingress: nginx`")
        if info.field_name == "tls_secret" and value is not None and info.data.get("host", "") is None:
            raise problem("MLS114", "`tls_secret` is the certificate of a `host`", "add the host")
        return value


class BucketSpec(Section):
    """How an `s3://` workspace is reached."""

    endpoint: HttpAddress | None = declare(
        "The address of the object store.", "operate", default=None, example="http://minio.storage:9000",
        implied="that of Amazon S3",
    )  # fmt: skip
    secret: DnsName | None = declare(
        "The Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.", "operate", default=None, example="bucket",
        implied="the identity of the pod",
    )  # fmt: skip


class ImagesSpec(Section):
    """What images are built from."""

    base: Image = declare("The image that all others begin with.", "operate", default_of="images.base")
    wheelhouse: str | None = declare(
        "A folder of wheels: images are built without a network.", "operate", default=None, example="wheels",
        implied="wheels come from the package index",
    )  # fmt: skip
    signing_key: str | None = declare(
        "The key with which cosign signs images and their bills of materials: a file, or the URI of a key service.",
        "operate", default=None, example='"awskms:///alias/images"', implied="images are not signed",
    )  # fmt: skip
    redis: Image = declare("The image of the online store.", "operate", default_of="images.redis")
    postgres: Image = declare("The image of the tracking server's database.", "operate", default_of="images.postgres")


class TrackingSpec(Section):
    """An existing MLflow server."""

    uri: HttpOrSecret = declare("Its address.", "operate", example="https://mlflow.example.com")


class PulumiSpec(Section):
    """Pulumi's own state."""

    backend: StateAddress | None = declare(
        "Where it is kept.", "operate", default=None, example='"s3://company-pulumi"',
        implied="below `state`, or files in .mlsystem/ENVIRONMENT/pulumi",
    )  # fmt: skip
    secrets_provider: str | None = declare(
        "What encrypts its secrets; required beside a `state`.", "operate", default=None,
        example='"awskms://alias/pulumi"', implied="a passphrase in PULUMI_CONFIG_PASSPHRASE",
    )  # fmt: skip
