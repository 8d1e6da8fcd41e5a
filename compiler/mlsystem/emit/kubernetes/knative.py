"""A server that Knative runs and scales: one object in place of a Deployment, a Service and an autoscaler.

Its webhook takes less than a cluster takes of a Deployment: one port, no volume that is written but those that end with
the pod, no security of the pod as a whole, no time to end. What follows from that stands beside each value. Sources:
knative.dev/serving 0.51 (1.22), pkg/apis/serving/fieldmask.go, k8s_validation.go, pkg/reconciler/revision/resources
(deploy.go, queue.go), pkg/queue/sharedmain; with the defaults of pkg/apis/config/features.go.
"""

from __future__ import annotations

from typing import Final

from mlsystem.emit.kubernetes.access import SERVER, account_name
from mlsystem.emit.kubernetes.certificate import certificate
from mlsystem.emit.kubernetes.disruption import ROLLOUT_SECONDS
from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.pods import USER, container, container_security
from mlsystem.emit.kubernetes.probes import probes
from mlsystem.emit.kubernetes.processes import (
    READABLE_BY_ALL,
    SERVER_PORT,
    knative_name,
    serve,
    server_env,
    server_secrets,
    volumes,
)
from mlsystem.emit.sections import server_section
from mlsystem.system.nodes import ModelNode
from mlsystem.system.target import Scaling
from mlsystem_runtime.contract.names import TERMINATION_GRACE_SECONDS

KNATIVE: Final[Body] = {"apiVersion": "serving.knative.dev/v1", "kind": "Service"}
SCALING, SERVING = "autoscaling.knative.dev", "serving.knative.dev"
METRICS: Final = {"concurrency": "concurrency", "requests": "rps"}

UNLIMITED = 0
"""Requests that the proxy before a server lets through at once. With a limit it would queue ten times as many, unseen:
the server admits what it can answer in time, and refuses the rest at once."""

USER_PORT = "user-port"
"""What Knative names the port of the container in the pods that it makes."""

QUIET_SECONDS = 30
"""When a pod ends, the proxy waits until nobody has asked for as long; only then the server is told to end."""
TIMEOUT_SECONDS = 2 * QUIET_SECONDS + TERMINATION_GRACE_SECONDS
"""Of a request at the proxy, and of a pod's end: Knative has one number for both. A pod that ends is asked for up to
half a minute more, then it is quiet, then the server does what it has to."""

PATIENCE = "168h"
"""How long the first pods may wait for a model: it is trained after they are there. A revision that Knative gives up
never answers again."""

FOR_PODS_OF_THE_CLUSTER = {"networking.knative.dev/visibility": "cluster-local"}
"""Knative's own gateway would publish all of a server, metrics and documentation too. An Ingress has its routes alone.
"""


def knative_service(cluster: Cluster, model: ModelNode, mirror_bytes: int) -> KubernetesObject:
    """Its pods become ready when there is a model, for which nobody waits."""
    metadata = cluster.metadata(
        knative_name(cluster, model.name), SERVER, model.name,
        {f"{SERVING}/rollout-duration": f"{ROLLOUT_SECONDS}s", **certificate(model)},
    )  # fmt: skip
    body = {
        **KNATIVE,
        "metadata": {**metadata, "labels": {**metadata["labels"], **FOR_PODS_OF_THE_CLUSTER}},
        "spec": {
            "template": template(cluster, model, mirror_bytes),
            "traffic": [{"latestRevision": True, "percent": 100}],
        },
    }
    return KubernetesObject("server", body, f"endpoint.{model.name}", skip_await=True)


def template(cluster: Cluster, model: ModelNode, mirror_bytes: int) -> Body:
    """Of a revision. Without `automountServiceAccountToken`, which may only be switched off here: the account says it.
    Without a spread over zones, a feature that is off by default: Knative prefers other nodes by itself."""
    mounted = [
        *volumes(cluster, server_section(model.name), mirror_bytes),
        *server_secrets(cluster, model.name, READABLE_BY_ALL),
    ]
    return {
        "metadata": {
            "labels": cluster.labels(SERVER, model.name),
            "annotations": {
                **autoscaling(model.serving.scaling), f"{SERVING}/progress-deadline": PATIENCE,
            },
        },
        "spec": {
            "containerConcurrency": UNLIMITED,
            "timeoutSeconds": TIMEOUT_SECONDS,
            "serviceAccountName": account_name(cluster, SERVER),
            "enableServiceLinks": False,
            "containers": [
                {
                    **container(
                        SERVER, cluster.images[model.serving.image], serve(cluster, model),
                        cpu_cores=model.serving.hardware.cpu, memory_bytes=model.serving.hardware.memory_bytes,
                        env=server_env(cluster, model.name), volumes=mounted,
                    ),
                    "securityContext": security(),
                    "ports": [{"name": "http1", "containerPort": SERVER_PORT, "protocol": "TCP"}],
                    **probes(SERVER_PORT),  # by number: the name is another one in the pods
                }
            ],
            "volumes": [volume.declared for volume in mounted],
        },
    }  # fmt: skip


def security() -> Body:
    """What other pods have as a whole. `fsGroup` has no counterpart: secrets are readable by all of the container."""
    return {
        **container_security(),
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def autoscaling(scaling: Scaling) -> dict[str, str]:
    """Annotations: the defaults of Knative's pod autoscaler, written down so that no cluster has others, but that
    `target` is what it says, not 70% of it, and that a revision is asked only once the least replicas are there."""
    least = str(scaling.min_replicas)
    written = {
        "class": f"kpa.{SCALING}",
        "metric": METRICS[scaling.metric],
        "target": f"{scaling.target:g}",
        "target-utilization-percentage": "100",
        "min-scale": least,
        "max-scale": str(scaling.max_replicas),
        "initial-scale": least,
        "window": "60s",
        "panic-window-percentage": "10",
        "panic-threshold-percentage": "200",
        "scale-down-delay": "0s",
    }
    return {f"{SCALING}/{name}": value for name, value in written.items()}
