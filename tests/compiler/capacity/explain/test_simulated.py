"""A simulated autoscaler is recorded as it decides, and decides the same as without a record."""

from __future__ import annotations

import pytest

from mlsystem.capacity import traffic
from mlsystem.capacity.controllers import hpa_types, keda_types, kpa_types
from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.explain.moment import since_start
from mlsystem.capacity.explain.simulated import columns, record
from mlsystem.capacity.explain.text import at, explained
from mlsystem.capacity.simulation.autoscalers import Hpa, Keda, Kpa
from mlsystem.capacity.simulation.scaling import FIXED, Scaler
from mlsystem.capacity.simulation.service_times import Linear
from mlsystem.capacity.simulation.setting import Metrics, MetricsOutage, Objective, Pods, Server, Setting
from mlsystem.capacity.simulation.simulate import simulate

CPU = hpa_types.Metric(hpa_types.Source.RESOURCE, hpa_types.Utilisation(50))
HPA = Hpa(hpa_types.HpaConfig((CPU,), max_replicas=20))
KEDA = Keda(keda_types.KedaConfig((keda_types.QueryTrigger(threshold=10.0),), min_replicas=2, max_replicas=20))
KPA = Kpa(kpa_types.KpaConfig(target=0.7, total=1.0, min_scale=2, max_scale=30))
CROWD = traffic.flash_crowd(20.0, 80.0, 700, at=300, rise=10, hold=100, fall=30)


def setting(scaler: Scaler, **changes: object) -> Setting:
    server = Server(Linear(0.0, 0.05), timeout=5.0)
    return Setting(server, Objective(0.25), Pods(2, (5.0,)), metrics=Metrics(scrape=1.0), scaler=scaler, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("scaler", [HPA, KEDA, KPA], ids=["hpa", "keda", "knative"])
def test_the_steps_are_those_of_the_simulation_without_a_record(scaler: Scaler) -> None:
    steps = record(setting(scaler), CROWD, seed=3)

    counts = simulate(setting(scaler), CROWD, seed=3).counts
    changes = [one.desired for one, before in zip(counts[1:], counts, strict=False) if one.desired != before.desired]
    assert [step.desired for step in steps if step.desired != step.replicas] == changes
    assert changes


def test_what_never_decides_has_no_steps() -> None:
    assert record(setting(FIXED), CROWD, seed=3) == []


def test_a_moment_of_the_crowd_is_explained() -> None:
    steps = record(setting(HPA), CROWD, seed=3)

    said = explained(steps, at(steps, 335.0, since_start), columns(HPA), since_start)

    assert "00:05:" in said.splitlines()[0]
    assert "over 50% is" in said
    assert "decided by" in said


def test_an_outage_of_the_metrics_is_what_decides_in_it() -> None:
    steps = record(setting(HPA, failures=(MetricsOutage(300.0, 200.0),)), CROWD, seed=3)

    inside = [step for step in steps if 300.0 <= step.now < 500.0]
    assert {step.clause for step in inside} == {Clause.ALL_METRICS_FAILED}
    place = steps.index(inside[-1])
    assert f"at {len(inside)} syncs in a row" in explained(steps, place, columns(HPA), since_start)
