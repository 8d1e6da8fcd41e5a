"""Where a system runs, and what it finds there: one machine, or a namespace of a Kubernetes cluster, which may have
an AWS account below it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from mlsystem.spec.platform import is_nginx
from mlsystem.system.aws import Aws
from mlsystem.system.certified import STANDARD, Behaviour
from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.feature_table import SCHEME
from mlsystem_runtime.contract.run import Tls

LONGEST_NAME = 52
"""Of an object. What is made of one adds to its name: Argo to a schedule's, a StatefulSet to its pods', KEDA to an
HPA's; they stay within 63."""
GRPC_PORT = 8081
"""In a cluster: of servers, and of their Services."""
METRICS_PORT = 9090
"""In a cluster: of the monitor, and of servers whose metrics are apart from predictions."""
METRICS_PORT_BESIDE_KNATIVE = 9464
"""Of such servers in pods where Knative's proxy has the other port."""
PREFIX_LENGTH = 30
"""So that a name made of it and what it is for stays within Kubernetes' 63 characters, and Argo's 52 for a schedule."""


class LocalTarget(Struct, tag="local"):
    """One machine. `workspace` None: below the state of the environment. Secrets come from the environment.
    `online_store` None: a file in the workspace, else the address of a table of DynamoDB."""

    port: int
    workspace: str | None
    tls: Tls | None = None
    online_store: str | None = None


class Platform(Struct):
    """What the cluster has, as the platform team declares it."""

    kubernetes: str
    prometheus: bool
    argo_workflows: bool
    argo_rollouts: bool
    keda: bool
    knative: bool
    ingress: str | None
    host: str | None
    tls_secret: str | None
    storage_class: str | None
    gpu_selector: tuple[tuple[str, str], ...]
    pull_secret: str | None


def no_grpc(platform: Platform, models: Sequence[str]) -> tuple[str, str] | None:
    """Why no call over gRPC to `models` comes in from outside the cluster, and what to do; None where it does, or
    nothing should."""
    if platform.ingress is None or not models:
        return None
    if not is_nginx(platform.ingress):
        return (f"how an ingress of class '{platform.ingress}' is told to pass it on is not known, of nginx it is",
                "add a route of your own")
    if platform.tls_secret is None:
        return "an nginx ingress passes it on only for clients that speak TLS", "add `host` and `tls_secret`"
    if len(models) > 1:
        names = ", ".join(f"'{name}'" for name in models)
        return f"one host cannot tell calls for {names} apart, which have one path", "write `grpc` at one model"
    return None


class Images(Struct):
    """What images are built from. `wheelhouse` is a folder of wheels: then no index is asked. `signing_key` is a file,
    or the URI of a key service, for cosign."""

    base: str
    wheelhouse: str | None
    signing_key: str | None
    redis: str
    postgres: str


class SecretSource(Struct):
    """Where the values of the spec's secrets are: a Secret that exists, or that External Secrets makes from `store`."""

    name: str
    store: str | None


class PulumiSettings(Struct):
    """`backend` None: files below the state of the environment."""

    backend: str | None
    secrets_provider: str | None


class KubernetesTarget(Struct, tag="kubernetes"):
    """`context` None: the current one. `workspace` None: a claim of `storage_bytes`, else an `s3://` URI, whose
    endpoint and Secret (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) are None where the pod's identity is enough.
    `online_store` and `tracking` None: the system has its own, else the URI of an existing one, or the name of the
    secret that holds it (`secret:NAME`)."""

    context: str | None
    namespace: str
    create_namespace: bool
    registry: str
    delivery: Literal["pulumi", "gitops"]
    workspace: str | None
    storage_bytes: int
    bucket_endpoint: str | None
    bucket_secret: str | None
    online_store: str | None
    tracking: str | None
    platform: Platform
    images: Images
    secrets: SecretSource
    pulumi: PulumiSettings
    tls: Tls | None = None
    prices: DeclaredPrices | None = None
    node_groups: tuple[NodeGroup, ...] = ()
    """Of a cluster that is made here; none where nodes are others' business."""
    max_cost: float | None = None
    """Dollars a month for all of it."""
    aws: Aws | None = None
    """The account below the cluster; None where the cluster is all that is known."""


Target = LocalTarget | KubernetesTarget


def in_table(online_store: str | None) -> bool:
    """Whether it is a table of DynamoDB, which processes reach as themselves."""
    return online_store is not None and online_store.startswith(SCHEME)


class ServingHardware(Struct):
    """Of one replica: `cpu` in cores, `memory` in bytes. Requests are the limits: what is measured is what there is."""

    cpu: float
    memory_bytes: int


class Scaling(Struct):
    """`target`, of one replica: the share of the requested CPU in use (metric cpu), requests per second, or requests
    held at once (concurrency)."""

    controller: Literal["hpa", "keda", "knative"]
    min_replicas: int
    max_replicas: int
    metric: Literal["cpu", "requests", "concurrency"]
    target: float
    max_cost: float | None = None
    """Dollars a month that the replicas may cost on average."""
    behaviour: Behaviour | None = STANDARD
    """None where the controller has none."""
    free: tuple[str, ...] = ()
    """Which of `min_replicas`, `metric` and `target` nobody wrote: a search may choose them."""


class DeclaredProfile(Struct):
    """How fast one replica is, as somebody says who has not measured it: of one request alone, and of starting."""

    service_time_us: int | None
    cold_start_us: int


class DeclaredPrices(Struct):
    """Dollars for an hour of a core, and of a GiB of memory, both or neither; and of what is named in `items`."""

    cpu: float | None
    memory: float | None
    items: Mapping[str, float] = {}


class Traffic(Struct):
    """What is expected, in requests per second; None: not known. `trace` is the path of a file from the folder of the
    spec."""

    mean_rps: float | None = None
    peak_rps: float | None = None
    trace: str | None = None


class TrainingHardware(Struct):
    """Of each of `nodes` machines: `cpu` in cores, `memory` in bytes, `gpus` of `gpu_type` (None: any)."""

    cpu: float
    memory_bytes: int
    gpus: int
    gpu_type: str | None
    nodes: int = 1
    spot: bool = False
    """Whether they may be taken away at any time, for which they cost less."""


class NodeGroup(Struct):
    """Machines that are alike. `instances`: the first is what was chosen, others may stand in for it where capacity is
    spot. `trains`: the hardware, each of one machine, of the trainings that run here."""

    name: str
    purpose: Literal["system", "serving", "pipeline", "training"]
    instances: tuple[str, ...]
    least: int
    most: int
    gpu: str | None = None
    gpus: int = 0
    spot: bool = False
    trains: tuple[TrainingHardware, ...] = ()


def prefix_of(name: str) -> str:
    """A system's name as the beginning of names in a cluster."""
    return dns_name(name, PREFIX_LENGTH)


def dns_name(name: str, longest: int = PREFIX_LENGTH) -> str:
    """`name` as Kubernetes allows it (DNS-1123). One that had to be changed gets a tail, so that no two become one."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if plain == name and len(plain) <= longest:
        return plain
    tail = hashlib.sha256(name.encode()).hexdigest()[:4]
    return f"{plain[: longest - 5].rstrip('-')}-{tail}"
