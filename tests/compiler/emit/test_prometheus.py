"""The generated rules: what they select exists, and promtool finds that each fires when it should and not before."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from clusters import EXAMPLES, PLATFORM, cluster_of

from mlsystem.emit.alerts import groups
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.emit.prometheus import rule_files, rule_objects
from mlsystem_runtime.contract import names
from mlsystem_runtime.serve.metrics import Metrics

NAMES = ("flights", "seattle", "seattle-two")
GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "alerts.md"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")


@cache
def system(name: str) -> Cluster:
    return declared(name)


def declared(name: str, **settings: Any) -> Cluster:
    return cluster_of(EXAMPLES / name / "mlsystem.yaml", platform={**PLATFORM, "prometheus": True}, **settings)


def written(folder: Path, cluster: Cluster) -> Path:
    for artifact in rule_files(cluster):
        path = folder / artifact.path
        path.parent.mkdir(exist_ok=True)
        path.write_text(artifact.content)
    return folder / "observability"


def promtool(*arguments: str | Path) -> None:
    assert PROMTOOL is not None
    less = {**os.environ, "GOGC": "400"}  # memory, for half of the time
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False, env=less)
    assert done.returncode == 0, done.stdout + done.stderr


def rules(cluster: Cluster) -> Iterator[dict[str, Any]]:
    content = next(one.content for one in rule_files(cluster) if one.path.endswith("/rules.yaml"))
    for group in yaml.safe_load(content)["groups"]:
        yield from group["rules"]


def alerts(cluster: Cluster) -> dict[str, dict[str, Any]]:
    return {f"{one['alert']} {one['labels'].get('model', '')}".strip(): one for one in rules(cluster) if "alert" in one}


@needs_promtool
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_each_alert_fires_at_the_predicted_minute_and_not_before(name: str, tmp_path: Path) -> None:
    folder = written(tmp_path, system(name))

    promtool("check", "rules", folder / "rules.yaml")
    promtool("test", "rules", folder / "rules.test.yaml")


@needs_promtool
@pytest.mark.slow
def test_a_ticket_is_opened_when_it_was_predicted_though_it_takes_days(tmp_path: Path) -> None:
    folder = written(tmp_path, system("flights"))

    promtool("test", "rules", folder / "tickets.test.yaml")


@needs_promtool
@pytest.mark.slow
@pytest.mark.parametrize(
    "slo",
    [
        {"latency": {"p50": "1s"}, "availability": "50%", "window": "7d"},
        {"latency": {"p99": "100ms"}, "availability": "99.99%", "window": "31d"},
    ],
)
def test_the_minute_is_right_for_other_objectives_and_traffic(slo: dict[str, Any], tmp_path: Path) -> None:
    traffic = {"mean": "0.5rps", "peak": "1.5rps"}
    folder = written(tmp_path, declared("seattle", override={"serving": {"slo": slo, "traffic": traffic}}))

    promtool("test", "rules", folder / "rules.test.yaml")


@needs_promtool
def test_a_rule_that_is_wrong_fails_its_test(tmp_path: Path) -> None:
    folder = written(tmp_path, system("seattle"))
    text = (folder / "rules.yaml").read_text()
    assert "[10m])) > 0" in text
    (folder / "rules.yaml").write_text(text.replace("[10m])) > 0", "[10m])) > 1000"))

    with pytest.raises(AssertionError, match="MlsystemReleaseNotFollowed"):
        promtool("test", "rules", folder / "rules.test.yaml")


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_case_and_a_place_in_the_guide(name: str) -> None:
    cluster = system(name)
    contents = [one.content for one in rule_files(cluster) if one.path.endswith(".test.yaml")]
    tests = [test for content in contents for test in yaml.safe_load(content)["tests"]]
    cases = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case["exp_alerts"]}
    headings = set(re.findall(r"^## (\w+)$", GUIDE.read_text(), flags=re.MULTILINE))

    assert cases == {one["alert"] for one in rules(cluster) if "alert" in one}
    assert cases <= headings
    for alert in alerts(cluster).values():
        assert alert["labels"]["severity"] in ("critical", "warning")
        assert (alert["labels"]["system"], alert["labels"]["environment"]) == (cluster.prefix, "staging")
        assert alert["annotations"]["runbook"] == f"docs/guides/alerts.md#{alert['alert'].lower()}"
        assert all(alert["annotations"].values())


@pytest.mark.parametrize("name", NAMES)
def test_every_series_is_the_runtimes_or_recorded_here(name: str) -> None:
    cluster = system(name)
    known = {value for value in vars(names).values() if isinstance(value, str) and value.startswith("mlsystem_")}
    known |= {f"{names.LATENCY}_bucket", "up", "ALERTS"}
    known |= {one["record"] for one in rules(cluster) if "record" in one}

    used = {found for one in rules(cluster) for found in re.findall(r"([a-z_:0-9]+)\{", one["expr"])}
    assert used <= known


@pytest.mark.parametrize("name", NAMES)
def test_the_threshold_of_latency_is_a_bucket_of_the_server(name: str) -> None:
    cluster = declared(name, override={"serving": {"slo": {"latency": {"p95": "37ms"}}}} if name == "flights" else {})

    for model in cluster.system.models:
        exported = Metrics([model.serving.slo])
        exported.latency.labels(model.name)
        bounds = set(re.findall(rf'^{names.LATENCY}_bucket{{.*le="([^"]+)"', exported.text().decode(), re.MULTILINE))
        used = {found for one in rules(cluster) for found in re.findall(r'le="([^"]+)"', one["expr"])}
        assert used <= bounds
        assert len(used) == (model.serving.slo.latency_us is not None)


def test_a_model_without_an_objective_has_no_alert_about_it() -> None:
    found = alerts(system("seattle-two"))
    models = system("seattle-two").system.models

    for model in models:
        assert (f"MlsystemLatencyBurnsFast {model.name}" in found) == (model.serving.slo.latency_us is not None)
        assert (f"MlsystemAvailabilityBurnsFast {model.name}" in found) == (model.serving.slo.availability is not None)
        assert (f"MlsystemDrift {model.name}" in found) == (model.monitoring.drift is not None)


def test_a_refresh_that_is_late_is_one_of_three_periods() -> None:
    found = alerts(system("flights"))

    assert found["MlsystemRefreshLate"]["expr"].endswith('refresh="15m",outcome="done"}) > 2700')


def test_objects_for_the_operator_are_made_only_where_the_platform_has_it() -> None:
    without = cluster_of(EXAMPLES / "flights" / "mlsystem.yaml", platform=PLATFORM)

    assert rule_objects(without) == ()
    assert {one.kind for one in rule_objects(system("flights"))} == {"PrometheusRule", "ServiceMonitor", "PodMonitor"}


def test_the_operators_rules_are_those_of_the_plain_file() -> None:
    cluster = system("seattle-two")
    objects = [one.body for one in rule_objects(cluster) if one.kind == "PrometheusRule"]

    found = [group for body in objects for group in body["spec"]["groups"]]
    content = next(one.content for one in rule_files(cluster) if one.path.endswith("/rules.yaml"))
    assert found == yaml.safe_load(content)["groups"]
    assert [group["name"] for group in found] == [group.name for group in groups(cluster)]


def test_targets_get_the_labels_that_rules_select() -> None:
    monitors = [one.body for one in rule_objects(system("flights")) if one.kind.endswith("Monitor")]
    endpoints = [one for body in monitors for key in ("endpoints", "podMetricsEndpoints")
                 for one in body["spec"].get(key, [])]  # fmt: skip
    scrape = next(one.content for one in rule_files(system("flights")) if one.path.endswith("scrape.yaml"))
    config = yaml.safe_load(scrape)["scrape_configs"][0]

    needed = {"system", "environment", "model", "component"}
    assert len(endpoints) == 2
    for endpoint in endpoints:
        assert {one["targetLabel"] for one in endpoint["relabelings"]} == needed
        assert endpoint["honorLabels"] is True
    assert {one["target_label"] for one in config["relabel_configs"] if "target_label" in one} >= needed
