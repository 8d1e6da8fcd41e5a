"""Each controller, at a simulated fleet, brings it to where its target is met."""

from __future__ import annotations

from mlsystem.capacity import traffic
from mlsystem.capacity.controllers import hpa_types, keda_types, kpa_types
from mlsystem.capacity.simulation.autoscalers import Hpa, Keda, Kpa, Quantity
from mlsystem.capacity.simulation.result import Result
from mlsystem.capacity.simulation.scaling import Scaler
from mlsystem.capacity.simulation.service_times import Linear
from mlsystem.capacity.simulation.setting import Metrics, MetricsOutage, Objective, Pods, Server, Setting
from mlsystem.capacity.simulation.simulate import simulate

CPU = hpa_types.Metric(hpa_types.Source.RESOURCE, hpa_types.Utilisation(50))
PER_POD = hpa_types.Metric(hpa_types.Source.PODS, hpa_types.AverageValue(500), "held")
QUERY = keda_types.QueryTrigger(threshold=10.0)
FAST = Metrics(scrape=1.0)
TRAFFIC = traffic.flash_crowd(20.0, 80.0, 1800, at=300, rise=10, hold=600, fall=30)


def run(scaler: Scaler, metrics: Metrics = FAST, **changes: object) -> Result:
    """50 ms a request: 20 requests/s keep one slot busy, 80 four of them."""
    server = Server(Linear(0.0, 0.05), timeout=5.0)
    setting = Setting(server, Objective(0.25), Pods(2, (5.0,)), metrics=metrics, scaler=scaler, **changes)  # type: ignore[arg-type]
    return simulate(setting, TRAFFIC, seed=3)


def replicas_at(result: Result, time: float) -> int:
    return [count.desired for count in result.counts if count.time <= time][-1]


def test_hpa_keeps_half_of_the_cpu_free() -> None:
    result = run(Hpa(hpa_types.HpaConfig((CPU,), max_replicas=20)))

    assert replicas_at(result, 295) == 2
    assert replicas_at(result, 900) == 8
    assert replicas_at(result, 1790) <= 3


def test_hpa_keeps_the_requests_of_a_pod_at_their_target() -> None:
    result = run(Hpa(hpa_types.HpaConfig((PER_POD,), max_replicas=20, min_replicas=2), Quantity.HELD, 60.0))

    assert 8 <= replicas_at(result, 900) <= 10


def test_keda_divides_the_requests_of_all_by_the_threshold() -> None:
    result = run(Keda(keda_types.KedaConfig((QUERY,), min_replicas=2, max_replicas=20)))

    assert replicas_at(result, 295) == 2
    assert 8 <= replicas_at(result, 900) <= 9


def test_knative_panics_into_a_crowd_and_lets_go_after_it() -> None:
    config = kpa_types.KpaConfig(target=0.7, total=1.0, min_scale=2, max_scale=30)
    result = run(Kpa(config))

    assert max(count.desired for count in result.counts if count.time < 320) >= 5
    assert 6 <= replicas_at(result, 900) <= 9
    assert replicas_at(result, 1790) == 2
    assert result.attainment > 0.98


def test_nothing_is_scaled_while_nothing_is_measured() -> None:
    """The crowd comes while the metrics are gone."""
    scalers: list[Scaler] = [
        Hpa(hpa_types.HpaConfig((CPU,), max_replicas=20)), Keda(keda_types.KedaConfig((QUERY,), min_replicas=2)),
    ]  # fmt: skip
    for scaler in scalers:
        result = run(scaler, failures=(MetricsOutage(290.0, 300.0),))

        assert {count.desired for count in result.counts if 290.0 <= count.time <= 589.0} == set()
        assert replicas_at(result, 900) >= 8


def test_late_metrics_scale_late() -> None:
    scaler = Hpa(hpa_types.HpaConfig((CPU,), max_replicas=20))
    soon, late = run(scaler), run(scaler, Metrics(scrape=1.0, lag=60.0))

    assert soon.attainment > late.attainment + 0.03


def test_the_same_seed_gives_the_same_answer() -> None:
    config = kpa_types.KpaConfig(target=0.7, total=1.0, min_scale=2, max_scale=30)
    first, again = run(Kpa(config)), run(Kpa(config))

    assert first.counts == again.counts
    assert (first.windows == again.windows).all()
    assert (first.histogram == again.histogram).all()
