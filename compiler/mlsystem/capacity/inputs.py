"""Everything that the answer for one endpoint depends on, in parts with a hash each: so that a diagnostic can say which
one moved."""

from __future__ import annotations

from typing import Final, Literal

from mlsystem.system.target import ServingHardware
from mlsystem_runtime.contract.base import Struct, digest
from mlsystem_runtime.contract.run import Slo

SOLVER: Final = "1"
"""Raised with every change after which the same inputs may have another answer."""

Controller = Literal["hpa", "keda", "knative"]
Quantity = Literal["cpu", "requests", "concurrency"]


class Demand(Struct):
    """Requests per second, None: not known. `trace` is the SHA-256 of the file, in hex, None where there is none."""

    mean_rps: float | None
    peak_rps: float | None
    trace: str | None


class Wanted(Struct):
    """`scaling` as it is written: None is free, and found by the search. `max_cost`: dollars a month."""

    controller: Controller
    max_replicas: int
    min_replicas: int | None
    metric: Quantity | None
    target: float | None
    max_cost: float | None


class Machine(Struct):
    """What one replica is: its hardware, and the processes of its server."""

    hardware: ServingHardware
    workers: int


class Speed(Struct):
    """How fast a replica answers and starts: the digest of what was measured, or else what is declared, in
    microseconds."""

    profile: str | None
    service_time_us: int | None
    cold_start_us: int | None


class Price(Struct):
    """Dollars an hour, exact: of a core, and of a GiB of memory. `of` says whose prices they are, and when."""

    cpu: str
    memory: str
    of: str


class Inputs(Struct):
    slo: Slo
    traffic: Demand
    scaling: Wanted
    hardware: Machine
    profile: Speed
    price: Price
    solver: str = SOLVER

    def hashes(self) -> dict[str, str]:
        """By part, in the words of the file where it has them."""
        return {name: digest(getattr(self, name)) for name in self.__struct_fields__}
