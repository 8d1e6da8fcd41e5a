"""A HorizontalPodAutoscaler as `kubectl get hpa NAME -o yaml` prints it, or as it stands in a manifest."""

from __future__ import annotations

from typing import Final

from mlsystem.capacity.controllers.hpa_types import (
    AverageValue,
    Behaviour,
    HpaConfig,
    Metric,
    Policy,
    PolicyKind,
    Rules,
    Select,
    Source,
    Target,
    Utilisation,
    Value,
)
from mlsystem.capacity.explain.fields import Fields
from mlsystem.capacity.explain.quantity import milli

HOMES: Final = {
    **dict.fromkeys(("behavior", "metrics", "minReplicas", "maxReplicas"), "spec"),
    **dict.fromkeys(("scaleUp", "scaleDown"), "spec.behavior"),
    **dict.fromkeys(
        ("policies", "stabilizationWindowSeconds", "selectPolicy", "tolerance"), "spec.behavior.scaleUp or scaleDown"
    ),
}
SECTIONS: Final = {
    Source.RESOURCE: "resource", Source.CONTAINER_RESOURCE: "containerResource", Source.PODS: "pods",
    Source.OBJECT: "object", Source.EXTERNAL: "external",
}  # fmt: skip
SOURCES: Final = {source.value: source for source in SECTIONS}
DEFAULT: Final = Metric(Source.RESOURCE, Utilisation(80))
"""What the API server fills in where there are no metrics."""


def hpa_config(root: Fields) -> HpaConfig:
    root.skip("apiVersion", "kind", "metadata", "status")
    spec = root.section("spec")
    spec.skip("scaleTargetRef")
    least = spec.integer("minReplicas")
    most = spec.required("maxReplicas", spec.integer("maxReplicas"), 1)
    metrics = tuple(metric(one) for one in spec.items("metrics"))
    percent = spec.integer("targetCPUUtilizationPercentage")
    if percent is not None:
        metrics = (Metric(Source.RESOURCE, Utilisation(percent)),)
    rules = behaviour(spec.section("behavior"), HOMES)
    spec.end(HOMES)
    root.end(HOMES)
    return HpaConfig(metrics or (DEFAULT,), most, 1 if least is None else least, rules)


def metric(fields: Fields) -> Metric:
    source = fields.choice("type", SOURCES, Source.RESOURCE)
    section = fields.section(SECTIONS[source])
    if not section.present:
        fields.wrong(f"a metric of type {source.value} has no `{SECTIONS[source]}`")
    by_name = source in (Source.RESOURCE, Source.CONTAINER_RESOURCE)
    named = section if by_name else section.section("metric")
    named.skip("selector")
    section.skip("describedObject")
    name = named.text("name")
    if section.present and not name:
        section.wrong("the metric has no `name`")
    read = Metric(source, target(section.section("target")), name or "cpu", section.text("container"))
    for one in (named, section, fields):
        one.end(HOMES)
    return read


def target(fields: Fields) -> Target | None:
    fields.skip("type")
    percent, average, value = (fields.amount(name) for name in ("averageUtilization", "averageValue", "value"))
    fields.end(HOMES)
    if percent:
        return Utilisation(int(percent))
    if average:
        return AverageValue(milli(average))
    if value:
        return Value(milli(value))
    fields.wrong("the metric has no target above 0", "averageUtilization, averageValue or value")
    return None


def behaviour(fields: Fields, homes: dict[str, str]) -> Behaviour | None:
    """None where there is none: then the controller has its older rules."""
    up, down = rules(fields.section("scaleUp"), homes), rules(fields.section("scaleDown"), homes)
    fields.end(homes)
    return Behaviour(up, down) if fields.present else None


def rules(fields: Fields, homes: dict[str, str]) -> Rules:
    policies = tuple(policy(one, homes) for one in fields.items("policies"))
    select = fields.choice("selectPolicy", {"Max": Select.MAX, "Min": Select.MIN, "Disabled": Select.DISABLED}, None)
    read = Rules(
        policies or None, select, fields.number("stabilizationWindowSeconds"), fields.number("tolerance")
    )
    fields.end(homes)
    return read


def policy(fields: Fields, homes: dict[str, str]) -> Policy:
    kind = fields.choice("type", {"Pods": PolicyKind.PODS, "Percent": PolicyKind.PERCENT}, PolicyKind.PODS)
    value = fields.required("value", fields.integer("value"), 1)
    period = fields.required("periodSeconds", fields.number("periodSeconds"), 15.0)
    fields.end(homes)
    return Policy(kind, value, period)
