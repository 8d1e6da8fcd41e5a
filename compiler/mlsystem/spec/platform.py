"""`environments.*` of a cluster: what the platform has, and what the system needs there."""

from typing import Literal, Self, get_args

from pydantic import model_validator

from mlsystem.spec.base import Section, TextOrSecret, declare, problem

KubernetesVersion = Literal["1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"]
KUBERNETES: tuple[str, ...] = get_args(KubernetesVersion)
"""The versions whose schemas every generated object is checked against, oldest first."""


class NamespaceSpec(Section):
    """The namespace that holds the system."""

    name: str = declare("Its name.", "operate", example="flight-delay", pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
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
    ingress: str | None = declare(
        "The class of the ingress controller.", "operate", default=None, example="nginx", implied="no Ingress"
    )
    host: str | None = declare(
        "The host name under which the endpoint answers.", "operate", default=None, example="delay.example.com",
        implied="every host",
    )  # fmt: skip
    tls_secret: str | None = declare(
        "The Secret with the host's certificate.", "operate", default=None, example="delay-tls", implied="no TLS"
    )
    storage_class: str | None = declare(
        "The class of volumes.", "operate", default=None, example="fast", implied="the cluster's default"
    )
    gpu_selector: dict[str, str] = declare(
        "Labels of the nodes with GPUs.", "operate", default={}, example="{cloud.example.com/gpu: a10g}",
        implied="wherever the GPU resource is",
    )  # fmt: skip
    pull_secret: str | None = declare(
        "The Secret for pulling images.", "operate", default=None, example="registry", implied="none is needed"
    )

    @model_validator(mode="after")
    def _ingress_is_whole(self) -> Self:
        if self.ingress is None and (self.host is not None or self.tls_secret is not None):
            raise problem("MLS114", "`host` and `tls_secret` belong to an `ingress`", "add the class: `ingress: nginx`")
        if self.tls_secret is not None and self.host is None:
            raise problem("MLS114", "`tls_secret` is the certificate of a `host`", "add the `host`")
        return self


class BucketSpec(Section):
    """How an `s3://` workspace is reached."""

    endpoint: str | None = declare(
        "The address of the object store.", "operate", default=None, example="http://minio.storage:9000",
        implied="that of Amazon S3",
    )  # fmt: skip
    secret: str | None = declare(
        "The Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.", "operate", default=None, example="bucket",
        implied="the identity of the pod",
    )  # fmt: skip


class ImagesSpec(Section):
    """What images are built from."""

    base: str = declare("The image that all others begin with.", "operate", default_of="images.base")
    wheelhouse: str | None = declare(
        "A folder of wheels: images are built without a network.", "operate", default=None, example="wheels",
        implied="wheels come from the package index",
    )  # fmt: skip
    redis: str = declare("The image of the online store.", "operate", default_of="images.redis")
    postgres: str = declare("The image of the tracking server's database.", "operate", default_of="images.postgres")


class TrackingSpec(Section):
    """An existing MLflow server."""

    uri: TextOrSecret = declare("Its address.", "operate", example="https://mlflow.example.com")


class PulumiSpec(Section):
    """Pulumi's own state."""

    backend: str | None = declare(
        "Where it is kept.", "operate", default=None, example='"s3://company-pulumi"',
        implied="files in .mlsystem/ENVIRONMENT/pulumi",
    )  # fmt: skip
    secrets_provider: str | None = declare(
        "What encrypts its secrets.", "operate", default=None, example='"awskms://alias/pulumi"',
        implied="a passphrase in PULUMI_CONFIG_PASSPHRASE",
    )  # fmt: skip
