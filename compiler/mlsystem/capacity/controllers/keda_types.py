"""What a ScaledObject of KEDA says, and what its two loops see and remember.

`advanced.scalingModifiers` is not modelled: neither a formula nor the fallback behaviour of that name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TypeAlias

from mlsystem.capacity.controllers import hpa_types as hpa
from mlsystem.capacity.controllers.decision import Decision


class MetricKind(Enum):
    """`metricType` of a trigger: the target counts for each replica, or for the whole."""

    AVERAGE_VALUE = auto()
    VALUE = auto()


@dataclass(frozen=True, slots=True)
class QueryTrigger:
    """A trigger of type prometheus: its value is compared with `threshold`, and for waking up with `activation`.

    `ignore_nulls`: no series, NaN or infinity count as zero instead of as an error. `cached`: the autoscaler is given
    the value of the last poll (`useCachedMetrics`).
    """

    threshold: float
    activation: float = 0.0
    kind: MetricKind = MetricKind.AVERAGE_VALUE
    ignore_nulls: bool = True
    cached: bool = False


@dataclass(frozen=True, slots=True)
class ResourceTrigger:
    """A trigger of type cpu or memory: the autoscaler alone sees it, and it wakes nothing up."""

    metric: hpa.Metric


Trigger: TypeAlias = QueryTrigger | ResourceTrigger


class FallbackBehaviour(Enum):
    STATIC = auto()
    CURRENT_REPLICAS = auto()
    CURRENT_REPLICAS_IF_HIGHER = auto()
    CURRENT_REPLICAS_IF_LOWER = auto()


@dataclass(frozen=True, slots=True)
class Fallback:
    """Replicas in force once a trigger failed more than `failure_threshold` times in a row."""

    failure_threshold: int
    replicas: int
    behaviour: FallbackBehaviour = FallbackBehaviour.STATIC


@dataclass(frozen=True, slots=True)
class KedaConfig:
    """`polling` is the period at which the caller gives a `Poll`; `created` is when the object was. `paused_replicas`
    pauses too, at that many. The rest follows: `autoscaler` is the one that KEDA makes, `asked` are the places of the
    triggers in the order of its metrics, `polls_ask` says whether polls put queries while the autoscaler does."""

    triggers: tuple[Trigger, ...]
    min_replicas: int = 0
    max_replicas: int = 100
    idle_replicas: int | None = None
    polling: float = 30.0
    cooldown: float = 300.0
    initial_cooldown: float = 0.0
    created: float = 0.0
    fallback: Fallback | None = None
    behaviour: hpa.Behaviour | None = None
    flags: hpa.Flags = hpa.DEFAULT_FLAGS
    paused: bool = False
    paused_replicas: int | None = None
    paused_scale_in: bool = False
    paused_scale_out: bool = False
    force_activation: bool = False
    autoscaler: hpa.HpaConfig = field(init=False, repr=False, compare=False)
    asked: tuple[int, ...] = field(init=False, repr=False, compare=False)
    polls_ask: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        metrics = tuple(metric_of(trigger) for trigger in self.triggers)
        asked = tuple(sorted(range(len(metrics)), key=lambda place: metrics[place].source.value))
        cached = any(isinstance(trigger, QueryTrigger) and trigger.cached for trigger in self.triggers)
        object.__setattr__(self, "autoscaler", autoscaler_of(self, tuple(metrics[place] for place in asked)))
        object.__setattr__(self, "asked", asked)
        object.__setattr__(self, "polls_ask", cached or self.min_replicas == 0 or self.idle_replicas is not None)


def autoscaler_of(config: KedaConfig, metrics: tuple[hpa.Metric, ...]) -> hpa.HpaConfig:
    """Never of fewer than one replica; a paused direction is one whose policies are disabled."""
    behaviour = config.behaviour
    if config.paused_scale_in:
        behaviour = behaviour or hpa.Behaviour()
        behaviour = replace(behaviour, down=replace(behaviour.down, select=hpa.Select.DISABLED))
    if config.paused_scale_out:
        behaviour = behaviour or hpa.Behaviour()
        behaviour = replace(behaviour, up=replace(behaviour.up, select=hpa.Select.DISABLED))
    return hpa.HpaConfig(metrics, config.max_replicas, max(1, config.min_replicas), behaviour, config.flags)


def metric_of(trigger: Trigger) -> hpa.Metric:
    if isinstance(trigger, ResourceTrigger):
        return trigger.metric
    threshold = in_milli(trigger.threshold)
    average = trigger.kind is MetricKind.AVERAGE_VALUE
    target = hpa.AverageValue(threshold) if average else hpa.Value(threshold)
    return hpa.Metric(hpa.Source.EXTERNAL, target, "prometheus")


def in_milli(value: float) -> int:
    """Rounded to three digits as they are printed; what is below zero or no number is zero."""
    return int(f"{value:.3f}".replace(".", "")) if 0.0 <= value < math.inf else 0


TriggerReading: TypeAlias = float | hpa.Reading | None
"""A query's value, None where it has no series, `hpa.Unavailable` where it failed; of a resource, what the autoscaler
reads."""


@dataclass(frozen=True, slots=True)
class Poll:
    """The operator's loop, every `polling` seconds; readings in the order of the triggers."""

    now: float
    replicas: int
    readings: tuple[TriggerReading, ...]
    ready: int = 0


@dataclass(frozen=True, slots=True)
class Sync:
    """The autoscaler's loop (15 s by default), which asks KEDA's adapter for the queries' values."""

    now: float
    spec_replicas: int
    status_replicas: int
    readings: tuple[TriggerReading, ...]
    pods: tuple[hpa.Pod, ...] | hpa.PodCount = ()


KedaObservation: TypeAlias = Poll | Sync


@dataclass(frozen=True, slots=True)
class Record:
    """What one loop read and left for the other: milli-units, or None where it failed; a fallback is active."""

    value: int | None
    active: bool


Counts: TypeAlias = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class KedaState:
    """`failures` in a row by trigger, as the object's status has them (None: no entry); `records` by trigger, of the
    loop that asks; `last_active` is when a trigger last was, in whole seconds. What is empty holds nothing yet.

    Syncs count on a copy of the object, and write what changed there to the status: `held` are the failures in it. A
    query that fails without a fallback drops the copy (None). A sync then makes its own of the status, which no poll
    changes; a poll makes one that is `shared`, so that syncs count on what polls read.
    """

    autoscaler: hpa.HpaState = hpa.NO_MEMORY
    failures: Counts = ()
    records: tuple[Record | None, ...] = ()
    last_active: float | None = None
    held: Counts | None = ()
    shared: bool = False


@dataclass(frozen=True, slots=True)
class KedaDecision(Decision[KedaState]):
    """`active`: a trigger was above its activation; `autoscaler` is what the one underneath decided at a sync."""

    active: bool | None = None
    autoscaler: hpa.HpaDecision | None = None
