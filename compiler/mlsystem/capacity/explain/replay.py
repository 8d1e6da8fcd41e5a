"""A recorded history through the controller's function, from its beginning: what it would have decided, and why."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mlsystem.capacity.controllers import kpa
from mlsystem.capacity.controllers.hpa_pods import PER_POD
from mlsystem.capacity.controllers.hpa_types import (
    NO_MEMORY,
    Aggregate,
    HpaConfig,
    Metric,
    Observation,
    PodCount,
    Reading,
    Unavailable,
    Utilisation,
    Values,
)
from mlsystem.capacity.controllers.keda_types import (
    KedaConfig,
    KedaState,
    Poll,
    ResourceTrigger,
    Sync,
    Trigger,
    TriggerReading,
)
from mlsystem.capacity.controllers.kpa_types import KpaConfig, KpaObservation
from mlsystem.capacity.explain import hpa_words, keda_words, kpa_words
from mlsystem.capacity.explain.autoscaler_file import Config
from mlsystem.capacity.explain.history import Cell, History, Row
from mlsystem.capacity.explain.step import Step

REQUEST = 100_000
"""Milli-units that a pod requests where a history has percent alone: any number that a percent is exact of."""


@dataclass(frozen=True)
class Replayed:
    """A step for each row. `record`: what the next row has, None for the last."""

    step: Step
    record: int | None

    @property
    def agrees(self) -> bool:
        return self.record in (None, self.step.desired)


def replay(config: Config, history: History) -> list[Replayed]:
    steps = list(decided(config, history))
    following = [*(row.replicas for row in history.rows[1:]), None]
    return [Replayed(step, record) for step, record in zip(steps, following, strict=True)]


def decided(config: Config, history: History) -> Iterator[Step]:
    match config:
        case HpaConfig():
            yield from by_hpa(config, history)
        case KedaConfig():
            yield from by_keda(replace(config, created=history.start), history)
        case KpaConfig():
            yield from by_kpa(config, history)


def by_hpa(config: HpaConfig, history: History) -> Iterator[Step]:
    state = NO_MEMORY
    for row in history.rows:
        readings = tuple(
            reading(metric, value, row) for metric, value in zip(config.metrics, row.cells, strict=True)
        )
        pods = PodCount(row.existing, row.ready)
        step, state = hpa_words.step(config, state, Observation(row.time, row.replicas, row.existing, readings, pods))
        yield step


def by_keda(config: KedaConfig, history: History) -> Iterator[Step]:
    """The operator polls at the first row after each polling interval."""
    state, polled = KedaState(), -math.inf
    for row in history.rows:
        readings = tuple(
            of_trigger(trigger, value, row) for trigger, value in zip(config.triggers, row.cells, strict=True)
        )
        sync = Sync(row.time, row.replicas, row.existing, readings, PodCount(row.existing, row.ready))
        poll = None
        if row.time >= polled + config.polling:
            poll, polled = Poll(row.time, row.replicas, readings, row.ready), row.time
        step, state = keda_words.step(config, state, poll, sync)
        yield step


def by_kpa(config: KpaConfig, history: History) -> Iterator[Step]:
    state = kpa.start(config, history.rows[0].ready, history.start)
    for row in history.rows:
        stable, panic = (value if isinstance(value, float) else None for value in row.cells)
        seen = KpaObservation(row.time, row.replicas, row.ready, stable, panic, activator_in_path=False)
        step, state = kpa_words.step(config, state, seen)
        yield step


def of_trigger(trigger: Trigger, value: Cell, row: Row) -> TriggerReading:
    return reading(trigger.metric, value, row) if isinstance(trigger, ResourceTrigger) else value


def reading(metric: Metric, value: Cell, row: Row) -> Reading:
    """`value` is in the target's unit: percent, or that of the quantity."""
    if isinstance(value, Unavailable):
        return Unavailable()
    if metric.source not in PER_POD:
        return Values(() if value is None else (in_milli(value),))
    if value is None:
        return Unavailable()
    by_percent = isinstance(metric.target, Utilisation)
    usage = round(value * row.ready * REQUEST / 100) if by_percent else in_milli(value * row.ready)
    return Aggregate(row.ready, usage, REQUEST, row.unready, row.missing)


def in_milli(value: float) -> int:
    """Rounded up; what is less than a billionth above a whole number is that number, as it was meant."""
    return math.ceil(round(value * 1000, 6))
