"""ScaledObjects as KEDA is given them, of what our own function is given."""

from __future__ import annotations

from engines.autoscaled import NAME, behaviour_object
from engines.kubectl import Object
from mlsystem.capacity.controllers.hpa_types import Utilisation
from mlsystem.capacity.controllers.keda_types import (
    FallbackBehaviour,
    KedaConfig,
    MetricKind,
    ResourceTrigger,
    Trigger,
)

BEHAVIOURS = {
    FallbackBehaviour.STATIC: "static",
    FallbackBehaviour.CURRENT_REPLICAS: "currentReplicas",
    FallbackBehaviour.CURRENT_REPLICAS_IF_HIGHER: "currentReplicasIfHigher",
    FallbackBehaviour.CURRENT_REPLICAS_IF_LOWER: "currentReplicasIfLower",
}
KINDS = {MetricKind.AVERAGE_VALUE: "AverageValue", MetricKind.VALUE: "Value"}


def annotations_of(config: KedaConfig) -> dict[str, str]:
    flags = {
        "paused": config.paused, "paused-scale-in": config.paused_scale_in,
        "paused-scale-out": config.paused_scale_out, "force-activation": config.force_activation,
    }  # fmt: skip
    chosen = {name: "true" for name, on in flags.items() if on}
    if config.paused_replicas is not None:
        chosen["paused-replicas"] = str(config.paused_replicas)
    return {f"autoscaling.keda.sh/{name}": value for name, value in chosen.items()}


def scaled_object(config: KedaConfig, address: str, namespace: str) -> Object:
    """What is left out has KEDA's default."""
    spec: Object = {
        "scaleTargetRef": {"name": NAME}, "pollingInterval": int(config.polling),
        "cooldownPeriod": int(config.cooldown), "initialCooldownPeriod": int(config.initial_cooldown),
        "minReplicaCount": config.min_replicas, "maxReplicaCount": config.max_replicas,
        "triggers": [trigger_object(one, address, f"{namespace}:{place}") for place, one in enumerate(config.triggers)],
    }  # fmt: skip
    if config.idle_replicas is not None:
        spec["idleReplicaCount"] = config.idle_replicas
    if config.behaviour is not None:
        spec["advanced"] = {"horizontalPodAutoscalerConfig": {"behavior": behaviour_object(config.behaviour)}}
    if config.fallback is not None:
        spec["fallback"] = {
            "failureThreshold": config.fallback.failure_threshold, "replicas": config.fallback.replicas,
            "behavior": BEHAVIOURS[config.fallback.behaviour],
        }  # fmt: skip
    metadata = {"name": NAME, "namespace": namespace, "annotations": annotations_of(config)}
    return {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": metadata, "spec": spec}


def trigger_object(trigger: Trigger, address: str, query: str) -> Object:
    if isinstance(trigger, ResourceTrigger):
        target = trigger.metric.target
        assert isinstance(target, Utilisation)
        return {"type": trigger.metric.name, "metricType": "Utilization", "metadata": {"value": str(target.percent)}}
    metadata = {
        "serverAddress": address, "query": query, "threshold": f"{trigger.threshold:g}",
        "activationThreshold": f"{trigger.activation:g}", "ignoreNullValues": str(trigger.ignore_nulls).lower(),
    }  # fmt: skip
    kind = {"type": "prometheus", "metricType": KINDS[trigger.kind], "useCachedMetrics": trigger.cached}
    return {**kind, "metadata": metadata}
