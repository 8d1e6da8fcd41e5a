"""How many replicas of a server there are: an autoscaler of Kubernetes, or KEDA's where the platform has it.

A ScaledObject becomes an autoscaler of the same behaviour, so that what is proven of one holds of the other.
"""

from __future__ import annotations

import math
from typing import Final

from mlsystem.emit.kubernetes.certificate import certificate
from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.processes import server_name
from mlsystem.emit.promql import series
from mlsystem.system.certified import Direction
from mlsystem.system.nodes import ModelNode
from mlsystem.system.target import Scaling
from mlsystem_runtime.contract.names import IN_FLIGHT, REQUESTS

PROMETHEUS = "http://prometheus-operated.monitoring.svc:9090"
"""The Service that the Prometheus operator makes, in the namespace where it is commonly installed."""

OFFERED_OVER = "1m"

AUTOSCALER: Final[Body] = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
KEDA: Final[Body] = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject"}


def scaler(cluster: Cluster, model: ModelNode) -> KubernetesObject:
    keda = model.serving.scaling.controller == "keda"
    kind, spec = (KEDA, scaled_object(cluster, model)) if keda else (AUTOSCALER, autoscaler(model.serving.scaling))
    body = {
        **kind,
        "metadata": cluster.metadata(server_name(cluster, model.name), "server", model.name, certificate(model)),
        "spec": {"scaleTargetRef": scaled(cluster, model), **spec},
    }
    return KubernetesObject("server", body, f"endpoint.{model.name}")


def autoscaler(scaling: Scaling) -> Body:
    """Of its specification, what is its own; so is `scaled_object`."""
    assert scaling.metric == "cpu", "the spec demands it"
    utilisation = {"type": "Utilization", "averageUtilization": percent(scaling)}
    return {
        "minReplicas": scaling.min_replicas,
        "maxReplicas": scaling.max_replicas,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": utilisation}}],
        "behavior": behaviour(scaling),
    }


def scaled_object(cluster: Cluster, model: ModelNode) -> Body:
    scaling = model.serving.scaling
    trigger = by_cpu(scaling) if scaling.metric == "cpu" else by_requests(cluster, model)
    return {
        "minReplicaCount": scaling.min_replicas,
        "maxReplicaCount": scaling.max_replicas,
        "pollingInterval": 15,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behaviour(scaling)}},
        **({} if scaling.metric == "cpu" else fallback(scaling)),
        "triggers": [trigger],
    }


def behaviour(scaling: Scaling) -> Body:
    meant = scaling.behaviour
    assert meant is not None, "an autoscaler of Kubernetes has one"
    return {"scaleUp": direction(meant.up), "scaleDown": direction(meant.down)}


def direction(meant: Direction) -> Body:
    return {
        "stabilizationWindowSeconds": meant.window,
        "selectPolicy": "Max",
        "policies": [
            {"type": policy.kind.capitalize(), "value": policy.value, "periodSeconds": policy.period}
            for policy in meant.policies
        ],
    }


def fallback(scaling: Scaling) -> Body:
    """While Prometheus does not answer there are as many as there were, and no fewer than the least."""
    return {
        "fallback": {
            "failureThreshold": 3,
            "replicas": scaling.min_replicas,
            "behavior": "currentReplicasIfHigher",
        }
    }


def by_cpu(scaling: Scaling) -> Body:
    return {"type": "cpu", "metricType": "Utilization", "metadata": {"value": str(percent(scaling))}}


def by_requests(cluster: Cluster, model: ModelNode) -> Body:
    """Without `ignoreNullValues: "false"`, metrics that are lost would count as no requests, and scale in."""
    return {
        "type": "prometheus",
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": PROMETHEUS,
            "query": carried(cluster, model),
            "threshold": f"{model.serving.scaling.target:g}",
            "ignoreNullValues": "false",
        },
    }


def carried(cluster: Cluster, model: ModelNode) -> str:
    """PromQL: what callers ask for per second, whether or not it is answered, or how many requests are held at once, as
    seen whenever Prometheus looks."""
    if model.serving.scaling.metric == "concurrency":
        return f"sum(avg_over_time({series(IN_FLIGHT, cluster, model.name)}[{OFFERED_OVER}]))"
    return f"sum(rate({series(REQUESTS, cluster, model.name)}[{OFFERED_OVER}]))"


def scaled(cluster: Cluster, model: ModelNode) -> Body:
    name = server_name(cluster, model.name)
    if cluster.target.platform.argo_rollouts:
        return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}


def percent(scaling: Scaling) -> int:
    return max(1, math.floor(scaling.target * 100 + 0.5))
