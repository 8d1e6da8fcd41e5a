"""Which controller is simulated for which settings."""

from __future__ import annotations

import pytest

from mlsystem.capacity.candidates import METRICS, Replica, scaler
from mlsystem.capacity.certificate import Settings
from mlsystem.capacity.inputs import Controller, Quantity
from mlsystem.capacity.simulation.autoscalers import Hpa, Keda, Kpa
from mlsystem.capacity.simulation.autoscalers import Quantity as Measure
from mlsystem.spec.serving import COUNTED

ONE = Replica(seconds=0.05, slots=1, cores=1.0)
SIMULATED: dict[tuple[Controller, Quantity], tuple[type, Measure]] = {
    ("hpa", "cpu"): (Hpa, Measure.CPU), ("keda", "cpu"): (Hpa, Measure.CPU),
    ("keda", "requests"): (Keda, Measure.RATE), ("keda", "concurrency"): (Keda, Measure.HELD),
    ("knative", "requests"): (Kpa, Measure.RATE), ("knative", "concurrency"): (Kpa, Measure.HELD),
}  # fmt: skip


@pytest.mark.parametrize(("controller", "metric"), SIMULATED)
def test_what_is_simulated_measures_what_the_cluster_will(controller: Controller, metric: Quantity) -> None:
    found = scaler(Settings(controller, metric, 0.5, 2, 8), ONE)

    assert isinstance(found, Hpa | Keda | Kpa)
    assert (type(found), found.quantity) == SIMULATED[controller, metric]


def test_all_that_can_be_written_is_simulated_and_a_search_chooses_of_it() -> None:
    assert {(controller, metric) for controller, metrics in COUNTED.items() for metric in metrics} == set(SIMULATED)
    assert all(set(metrics) <= set(COUNTED[controller]) for controller, metrics in METRICS.items())
