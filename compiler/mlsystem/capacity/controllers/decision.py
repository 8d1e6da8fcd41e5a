"""What a controller decided, and which of its rules made the difference."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

S = TypeVar("S")


class Clause(Enum):
    """A rule that took part in a decision; its value is the sentence that `explain` prints."""

    TARGET_RATIO = "the metric over its target, times the pods that are ready"
    TOLERANCE = "the metric is within the tolerance of its target"
    WHOLE_PERCENT = "utilisation counts in whole percents, rounded down"
    UNREADY_AS_ZERO = "pods that are not ready count as idle while scaling up"
    MISSING_AS_ZERO = "pods without a metric count as idle while scaling up"
    MISSING_AS_TARGET = "pods without a metric count as busy while scaling down"
    DIRECTION_KEPT = "with unready and missing pods counted, the direction would turn, so nothing changes"
    FROM_ZERO = "from zero replicas the metric over its target counts alone"
    NO_METRIC = "the metric could not be read"
    NO_SAMPLES = "no pod that counts has a sample of the metric"
    NO_PODS = "the selector finds no pods"
    NO_REQUEST = "a container has no request for the resource, or is not in the pod"
    NO_TARGET = "the metric has no target that fits its source"
    NO_SOURCE = "the kind of the metric is not known"
    ALL_METRICS_FAILED = "no metric could be evaluated"
    SCALE_DOWN_REFUSED = "some metrics failed, and the others would scale down"
    TARGET_UNREADABLE = "the scale of the target could not be read or selects no pods of its own"
    TARGET_UNWRITABLE = "the scale of the target could not be written"
    SCALING_DISABLED = "the target has zero replicas, which disables the autoscaler"
    ABOVE_MAXIMUM = "the replicas stood above the maximum, so no metric was looked at"
    BELOW_MINIMUM = "the replicas stood below the minimum, so no metric was looked at"
    SCALE_UP_STABILISED = "the lowest recommendation of the scale-up window holds"
    SCALE_DOWN_STABILISED = "the highest recommendation of the scale-down window holds"
    SCALE_UP_LIMIT = "replicas may not grow faster"
    SCALE_DOWN_LIMIT = "replicas may not shrink faster"
    MAXIMUM = "the maximum of replicas"
    MINIMUM = "the minimum of replicas"

    ACTIVATED = "a trigger is above its activation threshold, and nothing ran"
    ACTIVATION_FORCED = "an annotation forces activation"
    COOLING_DOWN = "no trigger is active, and the cooldown has not passed"
    DEACTIVATED = "no trigger was active for the whole cooldown"
    RAISED_TO_MINIMUM = "no trigger is active, and fewer than the minimum ran"
    INACTIVE = "no trigger is active, and nothing is left to do"
    ACTIVE = "a trigger is active, so the autoscaler underneath decides"
    PAUSED = "an annotation pauses scaling"
    TRIGGER_FAILED = "a trigger failed, so nothing is scaled to zero"
    AWAITING_FALLBACK = "a trigger failed, and the fallback is waited for"
    READ_BY_SYNC = "the autoscaler asks for the metrics, so the operator takes what it was told"
    NULL_AS_ZERO = "a query without a value counts as zero"
    FALLBACK = "more failures in a row than the threshold: the fallback's replicas"
    FALLBACK_IMPOSSIBLE = "the fallback of a metric of type Value needs a pod that is ready"

    STABLE_WINDOW = "the mean of the stable window over the target"
    PANIC_WINDOW = "the mean of the panic window over the target"
    PANIC_HOLD = "while panicking replicas never shrink"
    MAX_SCALE_UP_RATE = "replicas may not grow by more than the rate"
    MAX_SCALE_DOWN_RATE = "replicas may not shrink by more than the rate"
    ACTIVATION_SCALE = "more than zero means at least the activation scale"
    SCALE_DOWN_DELAY = "the highest of the scale-down delay holds"
    INITIAL_SCALE = "the initial scale was not reached yet"
    NO_DATA = "no metrics were collected in the stable window"
    SCALE_TO_ZERO_DISABLED = "scaling to zero is disabled"
    ACTIVATING = "the revision is still activating"
    ACTIVATION_TIMED_OUT = "the revision did not become ready in time"
    IDLE_HOLD = "active for less than the stable window: one replica is kept"
    DEACTIVATING = "without traffic for a stable window: marked inactive, the replica stays"
    GRACE_PERIOD = "the grace period of scaling to zero has not passed"
    POD_RETENTION = "the last pod is retained"
    ACTIVATOR_ABSENT = "the activator does not stand in the path yet"
    SCALED_TO_ZERO = "inactive for the whole grace period"


@dataclass(frozen=True, slots=True)
class Decision(Generic[S]):
    """`desired` replicas and the state to give to the next call; `clauses` in the order in which they took effect."""

    desired: int
    state: S
    clauses: tuple[Clause, ...]

    @property
    def clause(self) -> Clause:
        """The one that had the last word."""
        return self.clauses[-1]
