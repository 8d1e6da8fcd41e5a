"""Configurations that may be tried, the controllers that they stand for, and what they cost by arithmetic alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from mlsystem.capacity.certificate import STANDARD, Behaviour, Direction, ScalingPolicy, Settings
from mlsystem.capacity.controllers import hpa_types, keda_types, kpa_types
from mlsystem.capacity.inputs import Quantity, Wanted
from mlsystem.capacity.simulation.autoscalers import Hpa, Keda, Kpa
from mlsystem.capacity.simulation.autoscalers import Quantity as Measure
from mlsystem.capacity.simulation.scaling import FIXED, Scaler
from mlsystem.capacity.simulation.setting import Metrics
from mlsystem.capacity.traffic import MINUTE, Floats, Trace

STEEP: Final = Behaviour(
    up=Direction(0, (ScalingPolicy("percent", 900, 15), ScalingPolicy("pods", 10, 15))), down=STANDARD.down
)
PATIENT: Final = Behaviour(up=STANDARD.up, down=Direction(900, STANDARD.down.policies))
BEHAVIOURS: Final = (STANDARD, STEEP, PATIENT)  # in the order in which they are preferred

METRICS: Final[dict[str, tuple[Quantity, ...]]] = {
    "hpa": ("cpu",), "keda": ("cpu", "requests"), "knative": ("concurrency", "requests"),
}  # fmt: skip
SHARES: Final = tuple(share / 100 for share in range(20, 95, 5))
QUERY_WINDOW = 60.0  # of the generated queries
LEAST_SAFE = 2  # of replicas where anything is promised: with one, nobody answers while its node is drained


@dataclass(frozen=True)
class Replica:
    """What one can do: a request alone takes `seconds` on one of `slots`, each of which is a core; it has `cores`."""

    seconds: float
    slots: int
    cores: float

    @property
    def rate(self) -> float:
        """Requests a second with nothing to spare and nothing gained from batches."""
        return self.slots / self.seconds

    def wanted(self, settings: Settings, rate: Floats) -> Floats:
        """Replicas at which the autoscaler comes to rest, at these requests a second."""
        match settings.metric:
            case "cpu":
                load = rate * self.seconds / max(self.cores, self.slots)
            case "concurrency":
                load = rate * self.seconds
            case "requests":
                load = rate
        wanted: Floats = np.clip(np.ceil(load / settings.target - 1e-9), settings.min_replicas, settings.max_replicas)
        return wanted


def targets(metric: Quantity, replica: Replica) -> Iterator[float]:
    """The safest first, which is preferred where it costs nothing; each a number that somebody could have written."""
    for share in SHARES:
        match metric:
            case "cpu":
                yield share
            case "concurrency":
                yield float(f"{share * replica.slots:.2g}")
            case "requests":
                yield float(f"{share * replica.rate:.2g}")


def families(wanted: Wanted, replica: Replica) -> Iterator[Settings]:
    """With everything but `min_replicas` chosen, which is the least here."""
    least = wanted.min_replicas or min(LEAST_SAFE, wanted.max_replicas)
    behaviours = (None,) if wanted.controller == "knative" else BEHAVIOURS
    metrics = METRICS[wanted.controller] if wanted.metric is None else (wanted.metric,)
    for metric in metrics:
        chosen = dict.fromkeys(targets(metric, replica)) if wanted.target is None else (wanted.target,)
        for target in chosen:
            for behaviour in behaviours:
                yield Settings(wanted.controller, metric, target, least, wanted.max_replicas, behaviour)


def mean_replicas(settings: Settings, replica: Replica, day: Trace) -> float:
    """On average over the traffic, were there no tolerance and no cold start: what candidates are ordered by. The
    stabilisation window keeps what was needed within it."""
    minute = np.add.reduceat(day.rates, np.arange(0, day.seconds, MINUTE))
    seconds = np.minimum(MINUTE, day.seconds - np.arange(0, day.seconds, MINUTE))
    wanted = replica.wanted(settings, minute / seconds)
    kept = 0 if settings.behaviour is None else settings.behaviour.down.window // MINUTE
    padded = np.concatenate([np.full(kept, wanted[0]), wanted])
    held = np.lib.stride_tricks.sliding_window_view(padded, kept + 1).max(axis=1)
    return float(np.average(held, weights=seconds))


def scaler(settings: Settings, replica: Replica) -> Scaler:
    """The controller's own algorithm with these settings; nothing to decide where there is only one number."""
    if settings.min_replicas == settings.max_replicas:
        return FIXED
    measure = Measure.HELD if settings.metric == "concurrency" else Measure.RATE
    if settings.controller == "knative":
        return Kpa(knative(settings), measure)
    if settings.metric != "cpu":
        return Keda(keda(settings), measure, QUERY_WINDOW)
    used = min(1000, math.floor(1000 * replica.cores / replica.slots))  # its limit is what it requests
    return Hpa(hpa(settings), slot_milli=used, request_milli=math.ceil(replica.cores * 1000))


def hpa(settings: Settings) -> hpa_types.HpaConfig:
    """The percentage is a whole one; KEDA's trigger of type cpu makes the same autoscaler."""
    target = hpa_types.Utilisation(max(1, math.floor(settings.target * 100 + 0.5)))
    return hpa_types.HpaConfig(
        (hpa_types.Metric(hpa_types.Source.RESOURCE, target),), settings.max_replicas, settings.min_replicas,
        rules(settings.behaviour),
    )  # fmt: skip


def keda(settings: Settings) -> keda_types.KedaConfig:
    """Nothing where the query finds nothing is an error, not zero; errors keep what there is."""
    kept = keda_types.Fallback(3, settings.min_replicas, keda_types.FallbackBehaviour.CURRENT_REPLICAS_IF_HIGHER)
    return keda_types.KedaConfig(
        (keda_types.QueryTrigger(settings.target, ignore_nulls=False),), settings.min_replicas, settings.max_replicas,
        polling=15.0, fallback=kept, behaviour=rules(settings.behaviour),
    )  # fmt: skip


def knative(settings: Settings) -> kpa_types.KpaConfig:
    return kpa_types.KpaConfig(
        settings.target, settings.target, settings.min_replicas, settings.max_replicas,
        initial_scale=settings.min_replicas,
    )  # fmt: skip


def rules(behaviour: Behaviour | None) -> hpa_types.Behaviour | None:
    return None if behaviour is None else hpa_types.Behaviour(direction(behaviour.up), direction(behaviour.down))


def direction(written: Direction) -> hpa_types.Rules:
    policies = tuple(
        hpa_types.Policy(hpa_types.PolicyKind[policy.kind.upper()], policy.value, float(policy.period))
        for policy in written.policies
    )
    return hpa_types.Rules(policies, hpa_types.Select.MAX, float(written.window))


def metrics(settings: Settings) -> Metrics:
    """Knative asks its pods every second; others see what was scraped every 15 s."""
    return Metrics(scrape=1.0 if settings.controller == "knative" else 15.0)
