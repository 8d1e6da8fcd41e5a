"""What a cluster that is made here is given beside the system: each by name and version, and what its pods request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlsystem.system.target import KubernetesTarget
from mlsystem_runtime.contract.base import Struct

MIB = 2**20
INGRESS = "nginx"
"""The class of the ingress controller that is installed; how others are, is not known here."""


class PlatformPod(Struct):
    """`cpu` in cores, of each of `replicas`; these requests are its limits of memory too."""

    name: str
    cpu: float
    memory: int
    replicas: int = 1


class Chart(Struct):
    """A public Helm chart. `name` is its release's and its folder's in `repository`; `pods` are what it runs on nodes
    of the system, not what runs on every node."""

    name: str
    repository: str
    version: str
    namespace: str
    pods: tuple[PlatformPod, ...]


def _pod(name: str, cpu: float, mib: int, replicas: int = 1) -> PlatformPod:
    return PlatformPod(name, cpu, mib * MIB, replicas)


ARGO = "https://argoproj.github.io/argo-helm"
AUTOSCALER = Chart(
    "cluster-autoscaler", "https://kubernetes.github.io/autoscaler", "9.59.1", "kube-system",
    (_pod("cluster-autoscaler", 0.1, 512),),
)  # fmt: skip
WORKFLOWS = Chart("argo-workflows", ARGO, "0.46.2", "argo", (_pod("controller", 0.2, 512),))
ROLLOUTS = Chart("argo-rollouts", ARGO, "2.40.9", "argo-rollouts", (_pod("controller", 0.1, 256),))
PROMETHEUS = Chart(
    "kube-prometheus-stack", "https://prometheus-community.github.io/helm-charts", "79.7.1", "monitoring",
    (_pod("prometheus", 0.5, 2048), _pod("operator", 0.1, 256), _pod("kube-state-metrics", 0.1, 256),
     _pod("alertmanager", 0.1, 256), _pod("grafana", 0.2, 512)),
)  # fmt: skip
EXTERNAL_SECRETS = Chart(
    "external-secrets", "https://charts.external-secrets.io", "0.20.4", "external-secrets",
    (_pod("controller", 0.1, 256), _pod("webhook", 0.05, 128), _pod("cert-controller", 0.05, 128)),
)  # fmt: skip
KEDA = Chart(
    "keda", "https://kedacore.github.io/charts", "2.18.1", "keda",
    (_pod("operator", 0.1, 512), _pod("metrics-apiserver", 0.1, 256), _pod("webhooks", 0.05, 128)),
)  # fmt: skip
INGRESS_NGINX = Chart(
    "ingress-nginx", "https://kubernetes.github.io/ingress-nginx", "4.13.3", "ingress-nginx",
    (_pod("controller", 0.2, 512, replicas=2),),
)  # fmt: skip
DEVICE_PLUGIN = Chart(
    "nvidia-device-plugin", "https://nvidia.github.io/k8s-device-plugin", "0.17.4", "kube-system", ()
)  # fmt: skip
"""It runs on nodes with GPUs only, whose room is without it."""

ADDONS = (_pod("coredns", 0.1, 170, 2), _pod("ebs-csi-controller", 0.1, 256, 2), _pod("metrics-server", 0.1, 200, 2))
"""What EKS itself installs on nodes of the system."""


def charts(target: KubernetesTarget, gpus: bool) -> tuple[Chart, ...]:
    """What `platform` promises, and what nodes need. `gpus`: whether some nodes have any."""
    platform = target.platform
    wanted: Sequence[tuple[bool, Chart]] = (
        (True, AUTOSCALER),
        (platform.argo_workflows, WORKFLOWS),
        (platform.argo_rollouts, ROLLOUTS),
        (platform.prometheus, PROMETHEUS),
        (target.secrets.store is not None, EXTERNAL_SECRETS),
        (platform.keda, KEDA),
        (platform.ingress == INGRESS, INGRESS_NGINX),
        (gpus, DEVICE_PLUGIN),
    )
    return tuple(chart for is_wanted, chart in wanted if is_wanted)


def platform_pods(target: KubernetesTarget, gpus: bool) -> Iterator[PlatformPod]:
    """On nodes of the system, beside its own processes."""
    yield from ADDONS
    for chart in charts(target, gpus):
        yield from chart.pods
