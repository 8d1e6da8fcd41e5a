"""What the objects of a system use: pods by what they request for as long as they are there, and their volumes.

In a cluster whose nodes are somebody else's, requests are what is paid for, one way or another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from mlsystem.cost.bill import Range, Use, point
from mlsystem.cost.price_list import POD_CPU, POD_MEMORY, POD_SHARED_VOLUME, POD_VOLUME
from mlsystem.cost.prices import GIB, HOURS
from mlsystem.emit.kubernetes.knative import KNATIVE
from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.pods import SUFFIXES
from mlsystem.system.nodes import ModelNode

ONE_POD: Final = ("Deployment", "Rollout", "StatefulSet")
"""Of which there is one pod each, but of servers, which have a scaler."""
CLAIM: Final = "PersistentVolumeClaim"
RUNS: Final = ("WorkflowTemplate", "CronWorkflow")
"""Whose pods run for a while: `emit.costs.pipeline`."""
FREE: Final[Mapping[str, str]] = {
    "AnalysisTemplate": "queries of Argo Rollouts, in its own pod",
    "ConfigMap": "kept by the control plane",
    "ExternalSecret": "read by External Secrets, whose secrets are there already",
    "HorizontalPodAutoscaler": "part of the control plane",
    "Ingress": "served by the controller that the platform has",
    "Namespace": "kept by the control plane",
    "NetworkPolicy": "enforced by the network that the platform has",
    "PodDisruptionBudget": "part of the control plane",
    "PodMonitor": "scraped by the Prometheus that the platform has",
    "PrometheusRule": "evaluated by the Prometheus that the platform has",
    "Role": "part of the control plane",
    "RoleBinding": "part of the control plane",
    "ScaledObject": "read by the KEDA that the platform has",
    "Service": "an address inside the cluster",
    "ServiceAccount": "part of the control plane",
    "ServiceMonitor": "scraped by the Prometheus that the platform has",
}
"""Kinds of objects that nobody pays for by themselves, and why."""
LEVERS: Final[Mapping[str, str]] = {
    "online_store": "`online_store: {uri: …}` of a Redis that is there already",
    "tracking": "`tracking: {uri: …}` of an MLflow that is there already",
}


def pod_uses(cluster: Cluster, objects: tuple[KubernetesObject, ...]) -> Iterator[Use]:
    models = {f"endpoint.{model.name}": model for model in cluster.system.models}
    for one in objects:
        if one.kind in ONE_POD or one.body["apiVersion"] == KNATIVE["apiVersion"]:
            model = models.get(one.origin)
            yield pods_alone(one) if model is None else replicas(one, model)


def volume_uses(objects: tuple[KubernetesObject, ...]) -> Iterator[Use]:
    """Volumes that outlive pods; what ends with a pod is part of its node."""
    for one in objects:
        for spec in claims(one):
            shared = "ReadWriteMany" in spec["accessModes"]
            size = Decimal(size_bytes(spec["resources"]["requests"]["storage"])) / GIB
            yield Use(
                what=f"volume of {one.name}",
                each=f"{size.normalize():f} GiB",
                node=one.origin,
                models=(),
                rate={POD_SHARED_VOLUME if shared else POD_VOLUME: Decimal(1)},
                unit="GiB-month",
                quantity=point(size),
                assumption=f"{size.normalize():f} GiB as declared, full or not",
                lever=LEVERS.get(one.concern, ""),
            )


def claims(one: KubernetesObject) -> list[Body]:
    if one.kind == CLAIM:
        return [one.body["spec"]]
    templates = one.body["spec"].get("volumeClaimTemplates", ()) if one.kind in ONE_POD else ()
    return [found["spec"] for found in templates]


def pods_alone(one: KubernetesObject) -> Use:
    return Use(
        what=f"{one.kind} {one.name}",
        each=requested(one.body),
        node=one.origin,
        models=(),
        rate=rate_of(one.body),
        unit="pod-hour",
        quantity=point(HOURS),
        assumption=f"one pod, all {HOURS} hours of a month",
        lever=LEVERS.get(one.concern, ""),
    )


def replicas(one: KubernetesObject, model: ModelNode) -> Use:
    """What is certified costs the same on average, whatever comes of what is expected; else between the bounds."""
    scaling, capacity = model.serving.scaling, model.serving.capacity
    certified = None if capacity is None else capacity.certified
    if certified is None or capacity is None:
        quantity = Range(Decimal(scaling.min_replicas * HOURS), Decimal(scaling.max_replicas * HOURS))
        said = f"from {scaling.min_replicas} to {scaling.max_replicas} replicas all month"
        lever = f"`serving.scaling.min_replicas: 1` of {model.name}" if scaling.min_replicas > 1 else ""
    else:
        mean = Decimal(str(round(certified.cost / capacity.replica, 4)))
        quantity, lever = point(mean * HOURS), ""
        said = f"{mean.normalize():f} replicas on average, as certified for the traffic that is expected"
    return Use(
        what=f"servers of {model.name}",
        each=requested(one.body),
        node=one.origin,
        models=(model.name,),
        rate=rate_of(one.body),
        unit="replica-hour",
        quantity=quantity,
        assumption=said,
        lever=lever,
        least=Decimal(HOURS),
    )


def rate_of(body: Body) -> dict[str, Decimal]:
    """Of one of its pods, for an hour."""
    amounts = [container["resources"]["requests"] for container in containers(body)]
    return {
        POD_CPU: sum((cores(one["cpu"]) for one in amounts), Decimal(0)),
        POD_MEMORY: Decimal(sum(size_bytes(one["memory"]) for one in amounts)) / GIB,
    }


def requested(body: Body) -> str:
    rate = rate_of(body)
    return f"{rate[POD_CPU].normalize():f} CPU, {rate[POD_MEMORY].normalize():f} GiB"


def containers(body: Body) -> list[Body]:
    found: list[Body] = body["spec"]["template"]["spec"]["containers"]
    return found


def cores(text: str) -> Decimal:
    """`2`, `500m`."""
    return Decimal(text[:-1]) / 1000 if text.endswith("m") else Decimal(text)


def size_bytes(text: str) -> int:
    """`2Gi`, `1500Mi`, or a number of bytes."""
    factor = next((unit for suffix, unit in SUFFIXES if text.endswith(suffix)), 1)
    return int(text.rstrip("KMGTi")) * factor
