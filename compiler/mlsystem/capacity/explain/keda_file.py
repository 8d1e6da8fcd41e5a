"""A ScaledObject of KEDA as `kubectl get scaledobject NAME -o yaml` prints it, or as it stands in a manifest."""

from __future__ import annotations

from typing import Final

from mlsystem.capacity.controllers.hpa_types import AverageValue, Metric, Source, Target, Utilisation
from mlsystem.capacity.controllers.keda_types import (
    Fallback,
    FallbackBehaviour,
    KedaConfig,
    MetricKind,
    QueryTrigger,
    ResourceTrigger,
    Trigger,
)
from mlsystem.capacity.explain.fields import Fields
from mlsystem.capacity.explain.hpa_file import behaviour
from mlsystem.capacity.explain.quantity import milli

INSIDE: Final = "spec.advanced.horizontalPodAutoscalerConfig"
HOMES: Final = {
    "behavior": INSIDE, "scaleUp": f"{INSIDE}.behavior", "scaleDown": f"{INSIDE}.behavior",
    "horizontalPodAutoscalerConfig": "spec.advanced", "threshold": "metadata of the trigger",
    "ignoreNullValues": "metadata of the trigger", "metricType": "the trigger, beside its metadata",
}  # fmt: skip
FALLBACKS: Final = {
    "static": FallbackBehaviour.STATIC, "currentReplicas": FallbackBehaviour.CURRENT_REPLICAS,
    "currentReplicasIfHigher": FallbackBehaviour.CURRENT_REPLICAS_IF_HIGHER,
    "currentReplicasIfLower": FallbackBehaviour.CURRENT_REPLICAS_IF_LOWER,
}  # fmt: skip
RESOURCES: Final = ("cpu", "memory")
PAUSED: Final = "autoscaling.keda.sh/paused"


def keda_config(root: Fields) -> tuple[KedaConfig, tuple[str, ...]]:
    """And the name of each trigger's metric, as a history calls it."""
    root.skip("apiVersion", "kind", "metadata", "status")
    marks = root.section("metadata").section("annotations")
    spec = root.section("spec")
    spec.skip("scaleTargetRef")
    triggers = [trigger(one, place) for place, one in enumerate(spec.items("triggers"))]
    if not triggers:
        spec.wrong("a ScaledObject has at least one of `triggers`")
    advanced = spec.section("advanced")
    advanced.skip("restoreToOriginalReplicaCount")
    if advanced.section("scalingModifiers").names():
        advanced.wrong("`scalingModifiers` are not modelled", line=advanced.line_of("scalingModifiers"))
    scaler = advanced.section("horizontalPodAutoscalerConfig")
    scaler.skip("name")
    config = KedaConfig(
        tuple(one for one, _ in triggers),
        min_replicas=spec.integer("minReplicaCount") or 0,
        max_replicas=spec.integer("maxReplicaCount") or 100,
        idle_replicas=spec.integer("idleReplicaCount"),
        polling=or_else(spec.number("pollingInterval"), 30.0),
        cooldown=or_else(spec.number("cooldownPeriod"), 300.0),
        initial_cooldown=spec.number("initialCooldownPeriod") or 0.0,
        fallback=fallback(spec.section("fallback")),
        behaviour=behaviour(scaler.section("behavior"), HOMES),
        paused=marks.flag(PAUSED, False),
        paused_replicas=marks.integer(f"{PAUSED}-replicas"),
        paused_scale_in=marks.flag(f"{PAUSED}-scale-in", False),
        paused_scale_out=marks.flag(f"{PAUSED}-scale-out", False),
        force_activation=marks.flag("autoscaling.keda.sh/force-activation", False),
    )
    for fields in (scaler, advanced, spec, root):
        fields.end(HOMES)
    return config, tuple(name for _, name in triggers)


def or_else(value: float | None, default: float) -> float:
    return default if value is None else value


def trigger(fields: Fields, place: int) -> tuple[Trigger, str]:
    kind, metadata = fields.text("type"), fields.section("metadata")
    fields.skip("authenticationRef")
    name = fields.text("name") or (kind if kind in RESOURCES else f"s{place}")
    metric_type, cached = fields.text("metricType"), fields.flag("useCachedMetrics", False)
    if kind in RESOURCES:
        return ResourceTrigger(Metric(Source.RESOURCE, of_resource(metadata, metric_type), kind)), name
    if kind != "prometheus":
        fields.wrong(f"a trigger of type '{kind}' is not modelled", "prometheus, cpu or memory")
    threshold = metadata.required("threshold", metadata.number("threshold"), 1.0)
    query = QueryTrigger(
        threshold,
        metadata.number("activationThreshold") or 0.0,
        MetricKind.VALUE if metric_type == "Value" else MetricKind.AVERAGE_VALUE,
        metadata.flag("ignoreNullValues", True),
        cached,
    )
    fields.end(HOMES)
    return query, name


def of_resource(metadata: Fields, metric_type: str) -> Target | None:
    value = metadata.amount("value")
    if not value:
        metadata.wrong("the trigger has no `value` above 0")
        return None
    return AverageValue(milli(value)) if metric_type == "AverageValue" else Utilisation(int(value))


def fallback(fields: Fields) -> Fallback | None:
    if not fields.present:
        return None
    read = Fallback(
        fields.required("failureThreshold", fields.integer("failureThreshold"), 0),
        fields.required("replicas", fields.integer("replicas"), 0),
        fields.choice("behavior", FALLBACKS, FallbackBehaviour.STATIC),
    )
    fields.end({})
    return read
