"""A Knative Service or Revision: the annotations of `autoscaling.knative.dev` at its pods."""

from __future__ import annotations

import re
from typing import Final

from mlsystem.capacity.controllers.kpa import metric_target
from mlsystem.capacity.controllers.kpa_types import KpaConfig, ScalingMetric
from mlsystem.capacity.controllers.kpa_windows import panic_window
from mlsystem.capacity.explain.fields import Fields

PREFIX: Final = "autoscaling.knative.dev/"
METRICS: Final = {"concurrency": ScalingMetric.CONCURRENCY, "rps": ScalingMetric.REQUESTS_PER_SECOND}
COLUMNS: Final = ("stable", "panic")
"""Of a history: the means over the two windows, of all replicas together."""
SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def kpa_config(root: Fields) -> KpaConfig:
    root.skip("apiVersion", "kind", "status")
    metadata, spec = root.section("metadata"), root.section("spec")
    if root.text("kind") == "Service":
        misplaced(metadata.section("annotations"))
        spec.skip("traffic")
        template = spec.section("template")
        metadata, spec = template.section("metadata"), template.section("spec")
    marks = metadata.section("annotations")
    metric = marks.choice(f"{PREFIX}metric", METRICS, ScalingMetric.CONCURRENCY)
    percent = marks.number(f"{PREFIX}target-utilization-percentage")
    target, total = metric_target(
        metric, spec.integer("containerConcurrency") or 0, marks.number(f"{PREFIX}target"),
        None if percent is None else percent / 100.0,
    )  # fmt: skip
    if marks.text(f"{PREFIX}class", "kpa.autoscaling.knative.dev") != "kpa.autoscaling.knative.dev":
        marks.wrong("the annotation `class` names another autoscaler", line=marks.line_of(f"{PREFIX}class"))
    return with_windows(marks, target, total)


def with_windows(marks: Fields, target: float, total: float) -> KpaConfig:
    window = seconds(marks, "window", 60.0)
    initial, burst = marks.integer(f"{PREFIX}initial-scale"), marks.number(f"{PREFIX}target-burst-capacity")
    config = KpaConfig(
        target, total,
        min_scale=marks.integer(f"{PREFIX}min-scale") or 0,
        max_scale=marks.integer(f"{PREFIX}max-scale") or 0,
        initial_scale=1 if initial is None else initial,
        activation_scale=marks.integer(f"{PREFIX}activation-scale") or 0,
        stable_window=window,
        panic_window=panic_window(window, marks.number(f"{PREFIX}panic-window-percentage") or 10.0),
        panic_threshold=(marks.number(f"{PREFIX}panic-threshold-percentage") or 200.0) / 100.0,
        target_burst_capacity=211.0 if burst is None else burst,
        scale_down_delay=seconds(marks, "scale-down-delay", 0.0),
        pod_retention=seconds(marks, "scale-to-zero-pod-retention-period", 0.0),
    )  # fmt: skip
    marks.skip(*(name for name in marks.names() if not name.startswith(PREFIX)))
    marks.end({})
    return config


def misplaced(marks: Fields) -> None:
    marks.skip(*(name for name in marks.names() if not name.startswith(PREFIX)))
    marks.end(dict.fromkeys(marks.names(), "spec.template.metadata.annotations"))


def seconds(marks: Fields, name: str, default: float) -> float:
    text = marks.text(f"{PREFIX}{name}")
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    if text and "".join(value + unit for value, unit in parts) != text:
        marks.wrong(f"`{name}` is '{text}', which is no duration such as 60s", line=marks.line_of(f"{PREFIX}{name}"))
    return sum(float(value) * SECONDS[unit] for value, unit in parts) if parts else default
