"""How fast a budget burns: thresholds are exact, the minute follows from a formula, and one thing is said once."""

from __future__ import annotations

import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from clusters import EXAMPLES, PLATFORM, cluster_of
from hypothesis import given
from hypothesis import strategies as st

from mlsystem.emit.alerts import unlikely_minutes
from mlsystem.emit.burn import bad_when_seen, burn_alerts, cases, detection, objectives, recordings, share_between, step
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.emit.prometheus import rule_files
from mlsystem.emit.promql import exact
from mlsystem.emit.rules import Alert
from mlsystem.emit.timeline import Timeline
from mlsystem.system.burn import beyond, burns

DAY_US = 86_400_000_000
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")


def declared(slo: dict[str, Any]) -> Cluster:
    override = {"serving": {"slo": slo}}
    return cluster_of(EXAMPLES / "seattle" / "mlsystem.yaml", platform={**PLATFORM, "prometheus": True},
                      override=override)  # fmt: skip


def alerts(slo: dict[str, Any]) -> dict[str, Alert]:
    cluster = declared(slo)
    return {one.name.removeprefix("Mlsystem"): one for one in burn_alerts(cluster, cluster.system.models[0])}


def thresholds(alert: Alert) -> list[str]:
    return re.findall(r"> (\S+|\(\d+ / \d+\)) and", alert.expression)[::2]


def test_over_thirty_days_the_rates_are_those_of_the_workbook() -> None:
    found = list(burns(0.999, 30 * DAY_US))

    assert [exact(burn.factor) for burn in found] == ["14.4", "6", "3", "1"]
    assert [exact(burn.threshold) for burn in found] == ["0.0144", "0.006", "0.003", "0.001"]
    assert [(burn.windows.long, burn.windows.short) for burn in found] == [(60, 5), (360, 30), (1440, 120), (4320, 360)]


@pytest.mark.parametrize(
    ("days", "factors"),
    [
        (28, ["13.44", "5.6", "2.8", "1"]),
        (90, ["43.2", "18", "9", "3"]),
        (31, ["14.88", "6.2", "3.1", "(31 / 30)"]),
        (7, ["3.36", "1.4", "1", "1"]),
        (3, ["1.44", "1", "1"]),
        (1, ["1"]),
    ],
)
def test_other_periods_have_rates_by_the_share_of_their_budget(days: int, factors: list[str]) -> None:
    assert [exact(burn.factor) for burn in burns(0.99, days * DAY_US)] == factors


@pytest.mark.parametrize(("objective", "left"), [(0.999, "0.001"), (0.95, "0.05"), (0.99999, "0.00001"), (0.0, "1")])
def test_what_an_objective_leaves_is_exact(objective: float, left: str) -> None:
    assert exact(beyond(objective)) == left


@given(st.integers(0, 10**9 - 1), st.integers(1, 400))
def test_no_number_in_a_rule_is_rounded(billionths: int, days: int) -> None:
    for burn in burns(billionths / 10**9, days * DAY_US):
        text = exact(burn.threshold).strip("()")
        numerator, _, denominator = text.partition(" / ")
        assert Fraction(numerator) / Fraction(denominator or "1") == burn.threshold
        assert burn.factor >= 1


def test_pages_and_tickets_are_one_alert_each_and_nobody_is_woken_twice() -> None:
    found = alerts({"latency": {"p99": "50ms"}, "availability": "99.9%"})

    assert {name: alert.severity for name, alert in found.items()} == {
        "AvailabilityBurnsFast": "critical", "LatencyBurnsFast": "critical",
        "AvailabilityBurnsSlowly": "warning", "LatencyBurnsSlowly": "warning",
    }  # fmt: skip
    quiet = {name: re.findall(r'alertname=~"([^"]+)"', alert.expression) for name, alert in found.items()}
    both = "MlsystemAvailabilityBurnsFast|MlsystemLatencyBurnsFast"
    assert quiet == {
        "AvailabilityBurnsFast": [], "LatencyBurnsFast": ["MlsystemAvailabilityBurnsFast"],
        "AvailabilityBurnsSlowly": ["MlsystemAvailabilityBurnsFast"], "LatencyBurnsSlowly": [both],
    }  # fmt: skip


def test_an_alert_that_could_never_fire_is_left_out() -> None:
    found = alerts({"latency": {"p50": "1s"}, "availability": "90%"})

    assert thresholds(found["AvailabilityBurnsFast"]) == ["0.6"]
    assert thresholds(found["AvailabilityBurnsSlowly"]) == ["0.3", "0.1"]
    assert "LatencyBurnsFast" not in found
    assert thresholds(found["LatencyBurnsSlowly"]) == ["0.5"]


def test_what_no_alert_reads_is_not_recorded() -> None:
    cluster = declared({"availability": "99.9%", "window": "1d"})

    found = [one.record for one in recordings(cluster, cluster.system.models[0])]

    assert found == [f"mlsystem:{kind}:rate{window}" for window in ("5m", "1h", "2h", "1d")
                     for kind in ("requests", "errors")]  # fmt: skip


def test_shares_are_of_sums_and_long_windows_are_made_of_short_ones() -> None:
    cluster = declared({"latency": {"p95": "50ms"}})
    found = {one.record: one.expression for one in recordings(cluster, cluster.system.models[0])}

    assert found["mlsystem:requests:rate6h"].startswith("sum(rate(mlsystem_requests_total{")
    assert 'outcome!~"invalid|cancelled"' in found["mlsystem:late:rate5m"]
    assert 'le="0.05"' in found["mlsystem:late:rate5m"]
    assert found["mlsystem:late:rate3d"].startswith("avg_over_time(mlsystem:late:rate5m{")
    assert not any(" / " in one for one in found.values())


def test_a_page_comes_after_the_long_window_times_threshold_over_share() -> None:
    fast, slower, *_ = burns(0.999, 30 * DAY_US)

    assert detection(fast, Fraction("0.0196")) == 45  # 60 · 14.4 · 0.001 / 0.0196 = 44.1
    assert detection(slower, Fraction("0.0102")) == 212  # 360 · 6 · 0.001 / 0.0102 = 211.8


@given(st.sampled_from((0.5, 0.9, 0.95, 0.99, 0.999, 0.9999)), st.integers(1, 100))
def test_a_case_never_falls_on_the_minute_at_which_the_threshold_is_met(objective: float, days: int) -> None:
    found = tuple(burn for burn in burns(objective, days * DAY_US) if burn.can_fire)
    for burn in found:
        share = share_between(burn.threshold, Fraction(1), (burn,))
        seen = bad_when_seen(burn, share)
        assert seen - share * step(burn) / burn.windows.long < burn.threshold < seen
        assert burn.threshold < share < 1


@given(st.integers(1, 100), st.integers(1, 100), st.integers(1, 50))
def test_counters_of_a_timeline_add_up(history: int, minutes: int, percent: int) -> None:
    line = Timeline(Fraction(percent, 100), history=history).until(minutes)

    good, bad, all_of_them = (expanded(text) for text in (line.good, line.bad, line.all))

    assert [one + other for one, other in zip(good, bad, strict=True)] == all_of_them
    assert bad[history] == 0
    assert bad[history + minutes] == bad[-1] == minutes * 100 * line.share.numerator


def expanded(text: str) -> list[int]:
    """What promtool makes of `first+stepxtimes …`."""
    found: list[int] = []
    for first, growth, times in re.findall(r"(\d+)\+(\d+)x(\d+)", text):
        found += [int(first) + int(growth) * one for one in range(int(times) + 1)]
    return found


def test_each_pair_of_windows_has_its_case_and_nine_tenths_of_the_rate_are_silent() -> None:
    cluster = declared({"availability": "99.9%"})
    model = cluster.system.models[0]
    (objective,) = objectives(model)
    pages = list(cases(cluster, model, objective, objective.burns[:2]))

    assert [case.fires for case in pages] == [360 + 45, 360 + 265, None]
    assert [case.silent for case in pages][:2] == [(360 + 45 + 2 + 1,), (360 + 265 + 8 + 1,)]
    assert pages[0].value == "1.469%"


@pytest.mark.parametrize(("mean", "minutes"), [(40.0, 15), (0.1, 35), (0.003, 1115), (0.001, None)])
def test_silence_is_told_once_it_is_unlikely(mean: float, minutes: int | None) -> None:
    assert unlikely_minutes(mean) == minutes


def firing(tmp_path: Path, **hour: int) -> list[str]:
    """Which burn alerts fire when all was well for six hours, and then so many are counted a minute for one."""
    cluster = declared({"latency": {"p99": "50ms"}, "availability": "99.9%"})
    for artifact in rule_files(cluster):
        (tmp_path / Path(artifact.path).name).write_text(artifact.content)
    labels = 'system="seattle-weather",environment="staging",model="main"'
    names = [one.name for one in burn_alerts(cluster, cluster.system.models[0])]
    well = 6000 * 360
    series = {
        f'mlsystem_requests_total{{{labels},version="1",outcome="ok"}}': f"0+6000x360 {well}+{hour['ok']}x60",
        f'mlsystem_requests_total{{{labels},version="",outcome="error"}}': f"0+0x360 0+{hour['error']}x60",
        f'mlsystem_request_duration_seconds_bucket{{{labels},le="0.05"}}': f"0+6000x360 {well}+{hour['fast']}x60",
    }
    test = {
        "interval": "1m", "input_series": [{"series": key, "values": value} for key, value in series.items()],
        "alert_rule_test": [{"alertname": name, "eval_time": "420m", "exp_alerts": []} for name in names],
    }  # fmt: skip
    (tmp_path / "one.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": [test]}))
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, "test", "rules", str(tmp_path / "one.yaml")], capture_output=True, text=True,
                          check=False)  # fmt: skip
    return [name for name in names if f"alertname:{name}," in (done.stdout + done.stderr).replace(" ", "")]


@needs_promtool
def test_an_outage_is_one_page_though_what_got_no_answer_is_late_too(tmp_path: Path) -> None:
    assert firing(tmp_path, ok=0, error=6000, fast=0) == ["MlsystemAvailabilityBurnsFast"]


@needs_promtool
def test_late_answers_are_a_page_of_their_own(tmp_path: Path) -> None:
    assert firing(tmp_path, ok=6000, error=0, fast=3000) == ["MlsystemLatencyBurnsFast"]
    assert firing(tmp_path, ok=6000, error=0, fast=6000) == []
