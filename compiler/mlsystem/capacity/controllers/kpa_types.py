"""What Knative's pod autoscaler is told, sees, and remembers. Times and windows are seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from mlsystem.capacity.controllers.decision import Decision


class ScalingMetric(Enum):
    CONCURRENCY = auto()
    REQUESTS_PER_SECOND = auto()


@dataclass(frozen=True, slots=True)
class KpaConfig:
    """Annotations of a revision over the defaults of `config-autoscaler`.

    `target` is what a replica is aimed at, `total` what it can bear at most (see `kpa.metric_target`); `max_scale` 0
    is without a bound; `target_burst_capacity` -1 keeps the activator in the path for ever. `progress_deadline` comes
    from `config-deployment`.
    """

    target: float
    total: float
    min_scale: int = 0
    max_scale: int = 0
    initial_scale: int = 1
    activation_scale: int = 0
    stable_window: float = 60.0
    panic_window: float = 6.0
    panic_threshold: float = 2.0
    max_scale_up_rate: float = 1000.0
    max_scale_down_rate: float = 2.0
    target_burst_capacity: float = 211.0
    scale_down_delay: float = 0.0
    scale_to_zero: bool = True
    scale_to_zero_grace_period: float = 30.0
    pod_retention: float = 0.0
    progress_deadline: float = 600.0
    reachable: bool = True
    weighted: bool = False


@dataclass(frozen=True, slots=True)
class KpaObservation:
    """One tick (2 s): replicas the target asks for, pods that are ready, and the means over the two windows, of all
    replicas together; both None where nothing was collected in the stable window.

    `activator_in_path`: the probe finds the activator before the revision. `service`: the revision has its Service.
    """

    now: float
    replicas: int
    ready: int
    stable: float | None
    panic: float | None
    activator_in_path: bool = True
    service: bool = True


class Activity(Enum):
    """The condition Active of the pod autoscaler."""

    ACTIVATING = auto()
    ACTIVE = auto()
    INACTIVE = auto()


@dataclass(frozen=True, slots=True)
class Delayed:
    """The scale-down delay's memory: (index of the tick, replicas), falling; empty before the first."""

    entries: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ScalerState:
    """What `autoscaler.go` remembers: since when it panics (None: it does not) and the most it asked for since."""

    panicking_since: float | None = None
    max_panic_pods: int = 0
    delayed: Delayed = Delayed()


@dataclass(frozen=True, slots=True)
class KpaState:
    """`activity` since `activity_since`; `initialised` once the initial scale was reached; `proxied_since` is when the
    activator entered the path (None: it is not in it)."""

    scaler: ScalerState
    activity: Activity | None = None
    activity_since: float = 0.0
    initialised: bool = False
    proxied_since: float | None = None
    desired: int = -1
    excess_burst_capacity: int = 0


@dataclass(frozen=True, slots=True)
class Scaled(Decision[ScalerState]):
    """What the windows ask for; `desired` -1 where they hold nothing."""

    excess_burst_capacity: int = 0


@dataclass(frozen=True, slots=True)
class KpaDecision(Decision[KpaState]):
    """`scaled` is what the windows asked for before bounds and scaling to zero."""

    scaled: Scaled
