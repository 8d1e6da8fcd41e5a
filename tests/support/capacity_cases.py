"""Small endpoints, whose searches take a second or two."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mlsystem.capacity.inputs import Demand, Inputs, Machine, Price, Speed, Wanted
from mlsystem.capacity.simulation.setting import Routing
from mlsystem.capacity.solve import Case
from mlsystem.system.target import ServingHardware
from mlsystem_runtime.contract.run import Slo

SLO = Slo(latency_us=1_000_000, objective=0.95, availability=0.98, window_us=30 * 86_400_000_000)
WANTED = Wanted("hpa", max_replicas=8, min_replicas=None, metric=None, target=None, max_cost=None)
INPUTS = Inputs(
    slo=SLO,
    traffic=Demand(4.0, 12.0, None),
    scaling=WANTED,
    hardware=Machine(ServingHardware(1.0, 2**31), 1),
    profile=Speed(None, service_time_us=200_000, cold_start_us=10_000_000),
    price=Price("0.04", "0.005", "a list for tests"),
)


def case(slo: dict[str, Any] | None = None, **scaling: Any) -> Case:
    inputs = replace(INPUTS, slo=replace(SLO, **(slo or {})), scaling=replace(WANTED, **scaling))
    return Case(inputs, routing=Routing.LEAST_REQUESTS)
