"""The monitor: one for all models, and never two at once, for it writes its state."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.kubernetes.access import MONITOR, account_name
from mlsystem.emit.kubernetes.objects import Cluster, KubernetesObject
from mlsystem.emit.kubernetes.pods import GI, container, pod_template
from mlsystem.emit.kubernetes.processes import alert_secrets_env, monitor, volumes, workspace_env
from mlsystem.system import own_pods
from mlsystem.system.snapshots import ENVIRONMENT
from mlsystem.system.target import METRICS_PORT

MIRROR_BYTES = 20 * GI
GRACE_SECONDS = 30


def monitors(cluster: Cluster) -> Iterator[KubernetesObject]:
    mounted = volumes(cluster, MONITOR, MIRROR_BYTES)
    main = {
        **container(
            MONITOR, cluster.images["trainer"], monitor(cluster), cpu_cores=own_pods.MONITOR.cpu,
            memory_bytes=own_pods.MONITOR.memory,
            env=[*workspace_env(cluster), *alert_secrets_env(cluster)], volumes=mounted,
        ),
        "ports": [{"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}],
    }  # fmt: skip
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": cluster.metadata(cluster.name(MONITOR), MONITOR),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 5,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": cluster.selector(MONITOR)},
            "template": pod_template(
                cluster, MONITOR, main, mounted, account=account_name(cluster, MONITOR), token=True,
                grace_seconds=GRACE_SECONDS,
            ),
        },
    }  # fmt: skip
    yield KubernetesObject("monitor", body, ENVIRONMENT)
