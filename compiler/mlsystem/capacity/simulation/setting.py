"""What is simulated: a server, how requests are spread, what its pods and its metrics are like, what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from mlsystem.capacity.simulation import layout
from mlsystem.capacity.simulation.scaling import FIXED, Scaler
from mlsystem.capacity.simulation.service_times import ServiceTimes
from mlsystem.capacity.traffic import RequestClass

PATIENCE = 10.0  # of the runtime's serve/call.py


class Routing(IntEnum):
    """`LEAST_REQUESTS` knows all pods; `RANDOM` is what a Service of Kubernetes does with new connections."""

    LEAST_REQUESTS = layout.LEAST_REQUESTS
    RANDOM = layout.RANDOM
    POWER_OF_TWO = layout.POWER_OF_TWO
    ROUND_ROBIN = layout.ROUND_ROBIN


@dataclass(frozen=True)
class Server:
    """One pod. It computes `slots` batches at once, each of what waited when it began, up to `largest_batch` rows.

    A request that still waits after `timeout` is given up. `queue_limit` requests may wait, None for any number.
    `budget`: the seconds that the SLO leaves; requests that would take more than 85% of it are refused, those
    that are late already are computed last, and batches stay so small that they fit (the runtime's admission).
    """

    service: ServiceTimes
    slots: int = 1
    largest_batch: int = 1
    queue_limit: int | None = None
    timeout: float = PATIENCE
    budget: float | None = None


@dataclass(frozen=True)
class Pods:
    """`initial` of them are ready at 0; later ones need one of the `cold_starts`, from creation to the first request.

    They are spread over `zones` in turn.
    """

    initial: int = 1
    cold_starts: tuple[float, ...] = (30.0,)
    zones: int = 1


@dataclass(frozen=True)
class Activator:
    """Knative's: while no pod is ready it holds requests, at most `limit` and each for up to `patience` seconds; the
    first pod that is ready gets them in order. What it holds is in the metrics of all pods together."""

    patience: float = 300.0
    limit: int = 10_000


@dataclass(frozen=True)
class Metrics:
    """Counters are read every `scrape` seconds and can be seen `lag` seconds later."""

    scrape: float = 15.0
    lag: float = 0.0
    longest_window: float = 60.0


@dataclass(frozen=True)
class Objective:
    """Requests should be answered within `threshold`. They are counted by `window` of their arrival, and in all from
    `since` on, when the fleet has found its size."""

    threshold: float
    window: float = 60.0
    since: float = 0.0


@dataclass(frozen=True)
class PodLoss:
    """So many ready pods die. For `unnoticed` seconds requests are still sent there, and fail; then come new ones."""

    at: float
    pods: int = 1
    unnoticed: float = 0.0


@dataclass(frozen=True)
class ZoneLoss:
    """All pods of a zone die; for `seconds` none is started there."""

    at: float
    zone: int
    seconds: float
    unnoticed: float = 0.0


@dataclass(frozen=True)
class NodeDrain:
    """So many ready pods have to leave: as a disruption budget lets them, at most `unavailable` short of what is
    desired at any time. They finish what they have."""

    at: float
    pods: int = 1
    unavailable: int = 1


@dataclass(frozen=True)
class RollingUpdate:
    """Every pod is replaced by a new one, with up to `surge` more than desired, and `unavailable` fewer ready."""

    at: float
    surge: int = 1
    unavailable: int = 0


@dataclass(frozen=True)
class MetricsOutage:
    """For so long nothing is scraped, and nothing can be read."""

    at: float
    seconds: float


Failure: TypeAlias = PodLoss | ZoneLoss | NodeDrain | RollingUpdate | MetricsOutage


@dataclass(frozen=True)
class Setting:
    """Without an `activator` requests fail while no pod is ready."""

    server: Server
    objective: Objective
    pods: Pods = Pods()
    routing: Routing = Routing.LEAST_REQUESTS
    metrics: Metrics = Metrics()
    scaler: Scaler = FIXED
    failures: tuple[Failure, ...] = ()
    classes: tuple[RequestClass, ...] = (RequestClass("all", 1.0),)
    activator: Activator | None = None
