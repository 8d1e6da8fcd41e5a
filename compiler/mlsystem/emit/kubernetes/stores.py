"""What the stores of the system share: one pod with a volume that outlives it, and a Service before it."""

from __future__ import annotations

from collections.abc import Sequence

from mlsystem.emit.kubernetes.access import STORES, account_name
from mlsystem.emit.kubernetes.objects import Body, Cluster, Concern, KubernetesObject
from mlsystem.emit.kubernetes.pods import STORE_USER, Volume, pod_template
from mlsystem.emit.kubernetes.workspace import claim
from mlsystem.system.snapshots import ENVIRONMENT


def store_pod(
    cluster: Cluster, component: str, main: Body, port: Body, answers: Sequence[str], folders: Sequence[Volume]
) -> Body:
    """`answers` is a command that ends well while the store answers; `folders` end with the pod."""
    main = {
        **main,
        "ports": [container_port(port)],
        "startupProbe": exec_probe(answers, period=2, failures=300),
        "livenessProbe": exec_probe(answers, period=10, failures=6),
        "readinessProbe": exec_probe(answers, period=5, failures=3),
    }
    return pod_template(
        cluster, component, main, folders, account=account_name(cluster, STORES), token=False, grace_seconds=60,
        user=STORE_USER,
    )  # fmt: skip


def stateful_set(
    cluster: Cluster, concern: Concern, name: str, component: str, template: Body, storage_bytes: int
) -> KubernetesObject:
    """The template mounts the volume `data`, which stays when pod or object are deleted."""
    data = {"metadata": {"name": "data"}, "spec": claim(cluster, "ReadWriteOnce", storage_bytes)}
    body = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": cluster.metadata(name, component),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 5,
            "serviceName": name,
            "updateStrategy": {"type": "RollingUpdate"},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "selector": {"matchLabels": cluster.selector(component)},
            "template": template,
            "volumeClaimTemplates": [data],
        },
    }
    return KubernetesObject(concern, body, ENVIRONMENT)


def store_service(cluster: Cluster, concern: Concern, name: str, component: str, port: Body) -> KubernetesObject:
    """`port`: its `name` and `port`, the same as the container's."""
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": cluster.metadata(name, component),
        "spec": {
            "type": "ClusterIP",
            "selector": cluster.selector(component),
            "ports": [{**port, "targetPort": port["name"], "protocol": "TCP"}],
        },
    }
    return KubernetesObject(concern, body, ENVIRONMENT)


def container_port(port: Body) -> Body:
    return {"name": port["name"], "containerPort": port["port"], "protocol": "TCP"}


def exec_probe(command: Sequence[str], period: int, failures: int) -> Body:
    return {
        "exec": {"command": list(command)}, "periodSeconds": period, "timeoutSeconds": 5, "failureThreshold": failures,
    }  # fmt: skip
