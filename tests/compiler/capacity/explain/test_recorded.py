"""The questions that people ask of an autoscaler, and the answers that a recorded history and its YAML give."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from mlsystem.capacity.explain.recorded import explain_recorded
from mlsystem.errors import MlsystemError

CPU = """
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}"""
QUEUE = """
    - type: External
      external: {metric: {name: queue}, target: {type: AverageValue, averageValue: "30"}}"""
WINDOW = """
  behavior:
    scaleDown: {stabilizationWindowSeconds: 300}"""


def hpa(metrics: str = CPU, behavior: str = "", least: int = 2, most: int = 10) -> str:
    return (
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n"
        "  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n"
        f"  minReplicas: {least}\n  maxReplicas: {most}\n  metrics:{metrics}{behavior}\n"
    )


def csv(rows: Iterable[Sequence[object]], header: str = "time,replicas,ready,cpu") -> str:
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


def ask(folder: Path, at: str, rows: str, scaler: str) -> str:
    (folder / "history.csv").write_text(rows)
    (folder / "hpa.yaml").write_text(scaler)
    return explain_recorded(at, folder / "history.csv", folder / "hpa.yaml")


def refused(folder: Path, rows: str, scaler: str, at: str = "0") -> MlsystemError:
    with pytest.raises(MlsystemError) as caught:
        ask(folder, at, rows, scaler)
    return caught.value


def test_stuck_above_min_the_window_holds_what_was_asked_for_lately(tmp_path: Path) -> None:
    rows = [(0, 4, 4, 80), (15, 4, 4, 178), *((15 * n, 9, 9, 20) for n in range(2, 12))]

    said = ask(tmp_path, "00:02:45", csv(rows), hpa(behavior=WINDOW))

    assert "9 replicas, and so it stays" in said
    assert "[scale down stabilised]" in said
    assert "3 would do, but in the last 300 s the highest recommendation was 9, at 00:00:15" in said
    assert "fewer than 9 are possible from 00:05:15 on" in said
    assert "it has been so since 00:00:30: at 10 syncs in a row" in said


def test_stuck_above_min_the_tolerance_holds_for_ever(tmp_path: Path) -> None:
    rows = csv([(15 * n, 5, 5, 73) for n in range(60)])

    said = ask(tmp_path, "14m", rows, hpa())

    assert "[tolerance]" in said
    assert "73% over 80% is 0.9125, between 0.9 and 1.1, so 5 replicas stay" in said
    assert "within the tolerance nothing changes, also above minReplicas" in said


def test_when_all_pods_are_unready_no_load_is_high_enough(tmp_path: Path) -> None:
    rows = csv([(0, 4, 4, 95), (15, 4, 0, 100), (30, 4, 0, 100)])

    said = ask(tmp_path, "30s", rows, hpa())

    assert "4 replicas asked for, as many there; 0 ready, 4 not ready" in said
    assert "no pod that counts has a sample of the metric: 4 not ready" in said
    assert "no metric could be evaluated, so 4 replicas stay" in said
    assert "nothing can scale until a pod is ready and has a sample" in said


def test_a_dead_external_metric_freezes_even_where_cpu_would_scale_in(tmp_path: Path) -> None:
    rows = csv([(0, 6, 6, 60, 150), (15, 6, 6, 20, ""), (30, 6, 6, 20, "")], "time,replicas,ready,cpu,queue")

    said = ask(tmp_path, "30", rows, hpa(CPU + QUEUE))

    assert "6 replicas, and so it stays" in said
    assert "queue: unreadable, target 30 for each replica" in said
    assert "queue: the metric could not be read" in said
    assert "some metrics failed, and the others would scale down, so 6 replicas stay" in said
    assert "frozen until queue can be read again, also for scaling down" in said


def test_a_dead_metric_does_not_stop_another_from_scaling_out(tmp_path: Path) -> None:
    rows = csv([(0, 4, 4, 160, "")], "time,replicas,ready,cpu,queue")

    assert "from 4 to 8 replicas" in ask(tmp_path, "0", rows, hpa(CPU + QUEUE))


@pytest.mark.parametrize(
    ("misplaced", "line", "where"),
    [
        ("behavior:\n  scaleDown: {stabilizationWindowSeconds: 0}\n", 11, "`behavior` beside `spec`"),
        ("  scaleDown: {stabilizationWindowSeconds: 0}\n", 11, "`scaleDown` in `spec`"),
    ],
)
def test_behavior_in_the_wrong_place_is_said_to_be_ignored(
    tmp_path: Path, misplaced: str, line: int, where: str
) -> None:
    rows = csv([(0, 9, 9, 80), (15, 9, 9, 10)])

    said = ask(tmp_path, "15", rows, hpa() + misplaced)

    assert f"hpa.yaml:{line}: {where} is not read by anything and silently ignored" in said
    assert "as it stands, the defaults hold" in said
    assert "[scale down stabilised]" in said


def test_a_rate_is_named_with_what_it_counts_from(tmp_path: Path) -> None:
    slow = "\n  behavior: {scaleUp: {policies: [{type: Pods, value: 2, periodSeconds: 60}]}}"

    said = ask(tmp_path, "30", csv([(0, 4, 4, 200), (30, 6, 6, 200)]), hpa(behavior=slow, most=50))

    assert "[scale up limit]" in said
    assert "15 are wanted, but scaleUp allows 6: +2 pods in 60 s, from 4" in said


def test_the_maximum_is_named_with_what_would_be_wanted(tmp_path: Path) -> None:
    said = ask(tmp_path, "0", csv([(0, 10, 10, 150)]), hpa())

    assert "19 are wanted, but maxReplicas is 10" in said
    assert "more are possible only with a higher maxReplicas" in said


def test_pods_that_start_count_as_idle(tmp_path: Path) -> None:
    said = ask(tmp_path, "0", csv([(0, 8, 4, 150)]), hpa())

    assert "150% over 80% is 1.875; 4 pods not ready count as idle, to be careful" in said
    assert "then it is 0.9375, between 0.9 and 1.1, so 8 replicas stay" in said


def test_whole_percents_are_said_where_they_matter(tmp_path: Path) -> None:
    said = ask(tmp_path, "0", csv([(0, 20, 20, 88.9)]), hpa(most=50))

    assert "utilisation counts in whole percents: exactly it is 1.111 of the target" in said


def test_moments_may_be_written_with_a_zone(tmp_path: Path) -> None:
    rows = csv([("2026-03-01T00:00:00Z", 4, 4, 80), ("2026-03-01T00:00:15Z", 4, 4, 160)])

    said = ask(tmp_path, "2026-03-01T01:00:20+01:00", rows, hpa())

    assert said.startswith("2026-03-01T00:00:15Z: from 4 to 8 replicas")
    assert ask(tmp_path, "15s", rows, hpa()) == said


def test_where_the_record_did_something_else_it_is_said(tmp_path: Path) -> None:
    said = ask(tmp_path, "0", csv([(0, 4, 4, 160), (15, 6, 6, 100)]), hpa())

    assert "the record has 6 replicas in the next row, by these numbers it is 8" in said
    assert "the record does the same in 1 of 2 rows; it differs first at 00:00:00" in said


def test_rows_far_apart_are_a_caution(tmp_path: Path) -> None:
    said = ask(tmp_path, "0", csv([(0, 4, 4, 80), (60, 4, 4, 80)]), hpa())

    assert "rows stand up to 60 s apart (after 00:00:00), the controller decides every 15 s" in said


def test_what_is_wrong_in_the_history_is_said_line_by_line(tmp_path: Path) -> None:
    error = refused(tmp_path, "time,replicas,ready,cpu\n0,4,4,80\n15,four,4,80\n10,4,4,hot\n", hpa())

    assert "history.csv:3: `replicas` is `four`, not a whole number" in error.message
    assert "history.csv:4: `cpu` is `hot`, not a quantity of 0 or more" in error.message


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("time,replicas\n0,4\n", "history.csv:1: the first line does not name `cpu`"),
        ("", "history.csv:1: the first line does not name `time` and `replicas` and `cpu`; it has nothing"),
        ("time,replicas,cpu\n", "history.csv:1: there are no rows below the header"),
        ("time,replicas,cpu\n15,4,80\n15,4,80\n", "history.csv:3: the time is not after the row before"),
        ("time,replicas,cpu\nnoon,4,80\n", "history.csv:2: `noon` is neither seconds nor a moment"),
    ],
)
def test_a_history_that_cannot_be_replayed_is_refused(tmp_path: Path, rows: str, message: str) -> None:
    assert message in refused(tmp_path, rows, hpa()).message


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("kind: Deployment\n", "hpa.yaml:1: `kind` is Deployment, which is no autoscaler"),
        ("kind: HorizontalPodAutoscaler\nspec: {minReplicas: 2}\n", "hpa.yaml:2: `spec.maxReplicas` is missing"),
        ("kind: HorizontalPodAutoscaler\nspec:\n  maxReplicas: many\n", "hpa.yaml:3: `spec.maxReplicas` is 'many'"),
        (hpa("\n    - type: Disk"), "hpa.yaml:9: `spec.metrics[0].type` is 'Disk'"),
        (hpa("\n    - type: External"), "hpa.yaml:9: a metric of type External has no `external`"),
        ("kind: List\nitems: [{kind: A}, {kind: B}]\n", "hpa.yaml:1: the list holds 2 objects"),
        ("kind: [a\nspec: b\n", "hpa.yaml:1: a list that is not closed"),
    ],
)
def test_an_autoscaler_that_cannot_be_read_is_refused_with_its_line(tmp_path: Path, yaml: str, message: str) -> None:
    assert message in refused(tmp_path, csv([(0, 4, 4, 80)]), yaml).message


@pytest.mark.parametrize("at", ["noonish", "99:99", ""])
def test_a_moment_that_is_none_is_refused(tmp_path: Path, at: str) -> None:
    assert refused(tmp_path, csv([(0, 4, 4, 80)]), hpa(), at).message == f"'{at}' is no moment"


def test_a_moment_outside_the_history_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, csv([(0, 4, 4, 80), (15, 4, 4, 80)]), hpa(), "2h5m")

    assert error.message == "02:05:00 is not between 00:00:00 and 00:00:15"


def test_the_only_object_of_a_list_is_taken(tmp_path: Path) -> None:
    body = "".join(f"  {line}\n" for line in hpa().splitlines())
    listed = "apiVersion: v1\nkind: List\nitems:\n- " + body.strip() + "\n"

    assert "from 4 to 8 replicas" in ask(tmp_path, "0", csv([(0, 4, 4, 160)]), listed)
