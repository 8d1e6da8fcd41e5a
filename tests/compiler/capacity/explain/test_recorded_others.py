"""KEDA and Knative, replayed and explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlsystem.capacity.explain.recorded import explain_recorded
from mlsystem.errors import MlsystemError

KNATIVE = """kind: Service
spec:
  template:
    metadata:
      annotations:
        autoscaling.knative.dev/target: "10"
        autoscaling.knative.dev/max-scale: "20"
    spec: {containers: []}
"""


def scaled_object(metadata: str = "", rest: str = "") -> str:
    return (
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: web}\nspec:\n"
        "  scaleTargetRef: {name: web}\n  minReplicaCount: 2\n  maxReplicaCount: 20\n"
        f"  triggers:\n  - type: prometheus\n    name: rps\n    metadata: {{threshold: \"20\"{metadata}}}\n{rest}"
    )


def ask(folder: Path, at: str, rows: str, scaler: str) -> str:
    (folder / "history.csv").write_text(rows)
    (folder / "scaler.yaml").write_text(scaler)
    return explain_recorded(at, folder / "history.csv", folder / "scaler.yaml")


def test_the_query_over_the_threshold_is_divided(tmp_path: Path) -> None:
    said = ask(tmp_path, "0", "time,replicas,rps\n0,4,170\n", scaled_object())

    assert "from 4 to 8 replicas" in said
    assert "trigger 1: 170, threshold 20, activation above 0" in said
    assert "170 / 20 = 8.5, rounded up: 9" in said


def test_a_series_that_vanishes_counts_as_zero_and_the_trap_is_named(tmp_path: Path) -> None:
    rows = "time,replicas,rps\n0,6,120\n15,6,null\n"

    said = ask(tmp_path, "15", rows, scaled_object())

    assert "sync: a query without a value counts as zero" in said
    assert 'a series that vanishes scales in like no load: `ignoreNullValues: "false"` makes it an error' in said


def test_a_failing_trigger_without_fallback_freezes(tmp_path: Path) -> None:
    said = ask(tmp_path, "15", "time,replicas,rps\n0,6,120\n15,6,\n", scaled_object())

    assert "6 replicas, and so it stays" in said
    assert "sync: the metric could not be read, and there is no fallback" in said
    assert "with `fallback` there would be a number of replicas for while the trigger fails" in said


def test_a_fallback_begins_after_its_threshold(tmp_path: Path) -> None:
    rows = "time,replicas,rps\n" + "".join(f"{15 * n},6,\n" for n in range(6))
    fallback = "  fallback: {failureThreshold: 2, replicas: 9}\n"

    said = ask(tmp_path, "60", rows, scaled_object(rest=fallback))

    assert "more failures in a row than the threshold: the fallback's replicas" in said
    assert "threshold 2, fallback of 9 replicas (static)" in said
    assert "from 6 to 9 replicas" in said


def test_behavior_beside_the_place_where_keda_reads_it_is_said_to_be_ignored(tmp_path: Path) -> None:
    wrong = "  advanced:\n    behavior: {scaleDown: {stabilizationWindowSeconds: 0}}\n"

    said = ask(tmp_path, "0", "time,replicas,rps\n0,4,80\n", scaled_object(rest=wrong))

    assert "scaler.yaml:13: `behavior` in `spec.advanced` is not read by anything and silently ignored" in said
    assert "it belongs in `spec.advanced.horizontalPodAutoscalerConfig`" in said


def test_a_trigger_that_is_not_modelled_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MlsystemError, match=r"scaler\.yaml:9: a trigger of type 'kafka' is not modelled"):
        ask(tmp_path, "0", "time,replicas,rps\n0,4,80\n", scaled_object().replace("prometheus", "kafka"))


def test_zero_is_left_when_a_trigger_is_active(tmp_path: Path) -> None:
    asleep = scaled_object().replace("minReplicaCount: 2", "minReplicaCount: 0")

    said = ask(tmp_path, "0", "time,replicas,rps\n0,0,5\n", asleep)

    assert "operator: a trigger is above its activation threshold, and nothing ran: 1 replica" in said


def test_knative_panics_and_does_not_shrink(tmp_path: Path) -> None:
    rows = "time,replicas,ready,stable,panic\n0,2,2,12,12\n2,2,2,14,60\n4,9,2,16,20\n"

    said = ask(tmp_path, "4", rows, KNATIVE)

    assert "[panic hold]" in said
    assert "while panicking replicas never shrink: 9 were asked for since it began" in said
    assert "in panic: it ends after" in said


def test_an_annotation_at_the_service_is_said_to_be_ignored(tmp_path: Path) -> None:
    misplaced = KNATIVE.replace(
        "kind: Service\n",
        'kind: Service\nmetadata:\n  annotations:\n    autoscaling.knative.dev/min-scale: "3"\n',
    )

    said = ask(tmp_path, "0", "time,replicas,ready,stable,panic\n0,1,1,5,5\n", misplaced)

    assert "scaler.yaml:4: `autoscaling.knative.dev/min-scale` in `metadata.annotations` is not read" in said
    assert "it belongs in `spec.template.metadata.annotations`" in said
