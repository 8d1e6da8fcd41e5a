"""What an autoscaler sees of a simulated fleet, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one pod, or of all: means over a window of slots that compute and of requests that are held; requests/s."""

    busy: float
    held: float
    rate: float


@dataclass(frozen=True, slots=True)
class PodView:
    """`ready_since` None: it is starting. Pods that leave are not shown."""

    number: int
    created: float
    ready_since: float | None


@dataclass(frozen=True, slots=True)
class View:
    """`replicas` is what was asked for last, `existing` counts pods that leave too. `usage` of pods by their number,
    over so many seconds up to the newest scrape that can be seen; a pod without one is absent. `total` over all pods,
    those that are gone included. Both are None where the metrics cannot be read; `scraped` is when they last were. An
    `activator` holds requests while no pod is ready."""

    now: float
    replicas: int
    existing: int
    pods: tuple[PodView, ...]
    usage: Callable[[float], dict[int, Usage] | None]
    total: Callable[[float], Usage | None]
    scraped: float | None = None
    activator: bool = False

    @property
    def ready(self) -> int:
        return sum(pod.ready_since is not None for pod in self.pods)


class Scaler(Protocol):
    """`decide` is a pure function: (desired replicas, what to remember). It is asked every `period` seconds, the first
    time with None."""

    @property
    def period(self) -> float: ...

    def decide(self, view: View, memory: Any) -> tuple[int, Any]: ...


@dataclass(frozen=True)
class Fixed:
    """As many replicas as there were at first."""

    period: float = 1e9

    def decide(self, view: View, memory: Any) -> tuple[int, Any]:
        return view.replicas, memory


FIXED: Final = Fixed()
