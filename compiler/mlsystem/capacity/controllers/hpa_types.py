"""What the HorizontalPodAutoscaler is told, sees, and remembers.

Quantities are whole milli-units, as the controller compares them: 250 is a quarter of a core, 20_000 is 20 requests/s,
a byte of memory is 1000. `milli` makes them. Times and windows are seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Final, NamedTuple, TypeAlias

from mlsystem.capacity.controllers.decision import Clause, Decision

LONG_AGO = -1e9
"""When pods whose age does not matter were started."""


def milli(quantity: float) -> int:
    """A quantity in milli-units, rounded up as `resource.Quantity.MilliValue` does."""
    return math.ceil(quantity * 1000)


class Source(Enum):
    """Where a metric comes from; the value stands in the reason `FailedGet…Metric` of a condition."""

    RESOURCE = "Resource"
    CONTAINER_RESOURCE = "ContainerResource"
    PODS = "Pods"
    OBJECT = "Object"
    EXTERNAL = "External"
    UNKNOWN = ""
    """A kind that the controller does not know; the API server refuses it."""


@dataclass(frozen=True, slots=True)
class Utilisation:
    """Percent of what the pods request."""

    percent: int


@dataclass(frozen=True, slots=True)
class AverageValue:
    """Milli-units for each pod."""

    milli: int


@dataclass(frozen=True, slots=True)
class Value:
    """Milli-units of the whole metric, with the replicas that run now."""

    milli: int


Target: TypeAlias = Utilisation | AverageValue | Value


@dataclass(frozen=True, slots=True)
class Metric:
    """`name` is the resource's or the metric's; a `container` belongs to CONTAINER_RESOURCE alone."""

    source: Source
    target: Target | None
    name: str = "cpu"
    container: str = ""


class PolicyKind(Enum):
    PODS = auto()
    PERCENT = auto()


class Select(Enum):
    """Which of several policies holds: the one that allows most change, least change, or none."""

    MAX = auto()
    MIN = auto()
    DISABLED = auto()


class Policy(NamedTuple):
    """At most `value` pods or percent of change in any `period` seconds."""

    kind: PolicyKind
    value: int
    period: float


@dataclass(frozen=True, slots=True)
class Rules:
    """One direction of `behavior`; None is what the object leaves out and the API server or the controller fills in."""

    policies: tuple[Policy, ...] | None = None
    select: Select | None = None
    window: float | None = None
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Behaviour:
    up: Rules = Rules()
    down: Rules = Rules()


@dataclass(frozen=True, slots=True)
class Flags:
    """Flags and gates of the kube-controller-manager and their defaults in 1.36."""

    tolerance: float = 0.1
    downscale_stabilisation: float = 300.0
    cpu_initialisation: float = 300.0
    initial_readiness_delay: float = 30.0
    tolerance_of_behaviour: bool = True
    scale_to_zero: bool = False
    scale_up_factor: float = 2.0
    scale_up_minimum: float = 4.0


DEFAULT_FLAGS: Final = Flags()


@dataclass(frozen=True, slots=True)
class HpaConfig:
    """An autoscaler's spec; `behaviour` None is the controller's older rules, without policies."""

    metrics: tuple[Metric, ...]
    max_replicas: int
    min_replicas: int = 1
    behaviour: Behaviour | None = None
    flags: Flags = DEFAULT_FLAGS


class Phase(Enum):
    PENDING = auto()
    RUNNING = auto()
    SUCCEEDED = auto()
    FAILED = auto()
    UNKNOWN = auto()


class Readiness(Enum):
    """The status of a pod's condition Ready; ABSENT where the pod has no such condition."""

    TRUE = auto()
    FALSE = auto()
    UNKNOWN = auto()
    ABSENT = auto()


@dataclass(frozen=True, slots=True)
class Pod:
    """`requests`: container → resource → milli-units, restartable init containers among them; `pod_requests` are those
    of the pod itself where its spec has any. `transitioned`: when Ready last changed."""

    name: str
    requests: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    phase: Phase = Phase.RUNNING
    ready: Readiness = Readiness.TRUE
    started: float | None = LONG_AGO
    transitioned: float = LONG_AGO
    deleted: bool = False
    pod_requests: Mapping[str, int] | None = None


class PodCount(NamedTuple):
    """Pods in aggregate: how many the selector finds, and how many of them run and are ready."""

    listed: int
    ready: int


class Sample(NamedTuple):
    """A pod's metric: milli-units, collected `at` over the `window` before."""

    value: int
    at: float = math.inf
    window: float = 60.0


class Usage(NamedTuple):
    """A pod's resource metric by container, milli-units; None where a container does not report the resource."""

    containers: Mapping[str, int | None]
    at: float = math.inf
    window: float = 60.0


@dataclass(frozen=True, slots=True)
class PodSamples:
    """For a source PODS, by the pod's name."""

    samples: Mapping[str, Sample]


@dataclass(frozen=True, slots=True)
class PodUsages:
    """For the sources RESOURCE and CONTAINER_RESOURCE, by the pod's name."""

    usages: Mapping[str, Usage]


class Aggregate(NamedTuple):
    """For RESOURCE, CONTAINER_RESOURCE and PODS in place of pods one by one, all of them alike: `ready` have samples
    that sum to `usage`, `unready` are starting or not ready yet, `missing` run without a sample; each requests
    `request` (of a resource with a target of utilisation; of no meaning elsewhere)."""

    ready: int
    usage: int
    request: int = 0
    unready: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Values:
    """For OBJECT (one) and EXTERNAL (one for each series)."""

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The metrics API answers with an error or with nothing."""


Reading: TypeAlias = PodSamples | PodUsages | Aggregate | Values | Unavailable


class Fault(Enum):
    """What can be wrong with the target itself."""

    SCALE_UNREADABLE = auto()
    SELECTOR_MISSING = auto()
    SELECTOR_INVALID = auto()
    SELECTOR_AMBIGUOUS = auto()
    SCALE_UNWRITABLE = auto()


@dataclass(frozen=True, slots=True)
class Observation:
    """One sync: `readings` in the order of the config's metrics; `pods` are those of the selector, needed where a
    reading is by pod and for a target of type Value."""

    now: float
    spec_replicas: int
    status_replicas: int
    readings: tuple[Reading, ...]
    pods: tuple[Pod, ...] | PodCount = ()
    fault: Fault | None = None


class Reason(StrEnum):
    """Reasons of the conditions, as the object's status has them."""

    FAILED_GET_SCALE = "FailedGetScale"
    SUCCEEDED_GET_SCALE = "SucceededGetScale"
    SUCCEEDED_RESCALE = "SucceededRescale"
    FAILED_UPDATE_SCALE = "FailedUpdateScale"
    READY_FOR_NEW_SCALE = "ReadyForNewScale"
    SCALE_UP_STABILISED = "ScaleUpStabilized"
    SCALE_DOWN_STABILISED = "ScaleDownStabilized"
    VALID_METRIC_FOUND = "ValidMetricFound"
    INVALID_SELECTOR = "InvalidSelector"
    AMBIGUOUS_SELECTOR = "AmbiguousSelector"
    SCALING_DISABLED = "ScalingDisabled"
    FAILED_GET_RESOURCE_METRIC = "FailedGetResourceMetric"
    FAILED_GET_CONTAINER_RESOURCE_METRIC = "FailedGetContainerResourceMetric"
    FAILED_GET_PODS_METRIC = "FailedGetPodsMetric"
    FAILED_GET_OBJECT_METRIC = "FailedGetObjectMetric"
    FAILED_GET_EXTERNAL_METRIC = "FailedGetExternalMetric"
    INVALID_METRIC_SOURCE_TYPE = "InvalidMetricSourceType"
    SCALE_UP_LIMIT = "ScaleUpLimit"
    SCALE_DOWN_LIMIT = "ScaleDownLimit"
    TOO_MANY_REPLICAS = "TooManyReplicas"
    TOO_FEW_REPLICAS = "TooFewReplicas"
    DESIRED_WITHIN_RANGE = "DesiredWithinRange"
    SCALED_TO_ZERO = "ScaledToZero"
    NOT_SCALED_TO_ZERO = "NotScaledToZero"


class Condition(NamedTuple):
    status: bool
    reason: Reason


class Conditions(NamedTuple):
    """Conditions of the object's status; one that was never set is None."""

    able_to_scale: Condition | None = None
    scaling_active: Condition | None = None
    scaling_limited: Condition | None = None
    scaled_to_zero: Condition | None = None


NO_CONDITIONS: Final = Conditions()


Recommendation: TypeAlias = tuple[float, int]
"""When, and how many replicas the metrics asked for, before anything limited it."""

ScaleEvent: TypeAlias = tuple[float, int]
"""When, and how many replicas were added, or removed."""


@dataclass(frozen=True, slots=True)
class HpaState:
    """What the controller remembers between syncs; `recommendations` None before the first."""

    recommendations: tuple[Recommendation, ...] | None = None
    ups: tuple[ScaleEvent, ...] = ()
    downs: tuple[ScaleEvent, ...] = ()
    conditions: Conditions = NO_CONDITIONS


NO_MEMORY: Final = HpaState()


class Proposal(NamedTuple):
    """What one metric asks for; `replicas` None where it failed. `utilisation` (percent) and `value` (milli-units, of a
    pod on average or of the whole) are what the object's status shows as the metric's current values."""

    replicas: int | None
    clauses: tuple[Clause, ...]
    utilisation: int | None = None
    value: int | None = None


@dataclass(frozen=True, slots=True)
class HpaDecision(Decision[HpaState]):
    """`proposals` in the order of the metrics, none where no metric was looked at; `metric` is the place of the one
    that was followed."""

    proposals: tuple[Proposal, ...] = ()
    metric: int | None = None
