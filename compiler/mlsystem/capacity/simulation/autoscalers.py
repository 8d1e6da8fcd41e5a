"""The controllers at the simulated fleet: what they would be told of it, and what they answer."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum

from mlsystem.capacity.controllers import hpa, hpa_types, keda, keda_types, kpa, kpa_types
from mlsystem.capacity.controllers.hpa_types import Aggregate, PodCount, Unavailable
from mlsystem.capacity.simulation.scaling import PodView, Usage, View


class Quantity(Enum):
    """What is measured: slots that compute, as CPU; requests that a pod holds; requests that come in a second."""

    CPU = "cpu"
    HELD = "held"
    RATE = "rate"

    def of(self, usage: Usage) -> float:
        match self:
            case Quantity.CPU:
                return usage.busy
            case Quantity.HELD:
                return usage.held
            case Quantity.RATE:
                return usage.rate


@dataclass(frozen=True)
class Hpa:
    """A HorizontalPodAutoscaler whose one metric is of pods. `window` is what a sample is the mean of.

    Of CPU: a slot that computes uses `slot_milli` of a core, and a pod requests `request_milli`.
    """

    config: hpa_types.HpaConfig
    quantity: Quantity = Quantity.CPU
    window: float = 15.0
    slot_milli: int = 1000
    request_milli: int = 1000
    period: float = 15.0

    def decide(self, view: View, memory: hpa_types.HpaState | None) -> tuple[int, hpa_types.HpaState]:
        decision = hpa.decide(self.config, memory or hpa_types.NO_MEMORY, self.observe(view))
        return decision.desired, decision.state

    def observe(self, view: View) -> hpa_types.Observation:
        pods = PodCount(len(view.pods), view.ready)
        return hpa_types.Observation(view.now, view.replicas, len(view.pods), (self._reading(view),), pods)

    def _reading(self, view: View) -> Aggregate | Unavailable:
        usage = view.usage(self.window)
        if not usage:
            return Unavailable()
        unready = {pod.number for pod in view.pods if self._unready(pod, view)}
        known = [usage[pod.number] for pod in view.pods if pod.number in usage and pod.number not in unready]
        scale = self.slot_milli if self.quantity is Quantity.CPU else 1000
        used = sum(math.ceil(self.quantity.of(one) * scale) for one in known)
        missing = len(view.pods) - len(known) - len(unready)
        return Aggregate(len(known), used, self.request_milli, len(unready), missing)

    def _unready(self, pod: PodView, view: View) -> bool:
        """A young pod's CPU counts only once it was measured for a whole window after the pod was ready."""
        if pod.ready_since is None:
            return True
        young = view.now < pod.created + self.config.flags.cpu_initialisation
        scraped = -math.inf if view.scraped is None else view.scraped
        return self.quantity is Quantity.CPU and young and scraped < pod.ready_since + self.window


@dataclass(frozen=True)
class Keda:
    """A ScaledObject with one query: the sum over all pods of requests a second, or of requests held, in `window`."""

    config: keda_types.KedaConfig
    quantity: Quantity = Quantity.RATE
    window: float = 60.0
    period: float = 15.0

    def decide(
        self, view: View, memory: tuple[keda_types.KedaState, float] | None
    ) -> tuple[int, tuple[keda_types.KedaState, float]]:
        state, polled = memory or (keda_types.KedaState(), -math.inf)
        poll, sync = self.observe(view, polled)
        if poll is not None:
            woken = keda.decide(self.config, state, poll)
            sync, state, polled = replace(sync, spec_replicas=woken.desired), woken.state, view.now
        decision = keda.decide(self.config, state, sync)
        return decision.desired, (decision.state, polled)

    def observe(self, view: View, polled: float) -> tuple[keda_types.Poll | None, keda_types.Sync]:
        """The operator polls at the first sync after each `polling` seconds; `polled` is when it last did."""
        reading, pods = (self._reading(view),), PodCount(len(view.pods), view.ready)
        sync = keda_types.Sync(view.now, view.replicas, len(view.pods), reading, pods)
        if view.now < polled + self.config.polling:
            return None, sync
        return keda_types.Poll(view.now, view.replicas, reading, view.ready), sync

    def _reading(self, view: View) -> keda_types.TriggerReading:
        if view.usage(self.window) is None:
            return Unavailable()
        total = view.total(self.window)
        return None if total is None else self.quantity.of(total)


@dataclass(frozen=True)
class Kpa:
    """Knative's autoscaler, by requests that pods hold or that come in a second."""

    config: kpa_types.KpaConfig
    quantity: Quantity = Quantity.HELD
    period: float = 2.0

    def decide(self, view: View, memory: kpa_types.KpaState | None) -> tuple[int, kpa_types.KpaState]:
        state = kpa.start(self.config, view.ready, view.now) if memory is None else memory
        decision = kpa.decide(self.config, state, self.observe(view))
        return decision.desired, decision.state

    def observe(self, view: View) -> kpa_types.KpaObservation:
        return kpa_types.KpaObservation(
            view.now, view.replicas, view.ready, self._mean(view, self.config.stable_window),
            self._mean(view, self.config.panic_window), view.activator,
        )  # fmt: skip

    def _mean(self, view: View, window: float) -> float | None:
        total = view.total(window)
        return None if total is None else self.quantity.of(total)

