"""One decision of an autoscaler, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.explain.moment import Clock


class Worded(NamedTuple):
    """A clause and its numbers at this moment."""

    clause: Clause
    sentence: str


@dataclass(frozen=True)
class Account:
    """`seen`: what the controller knew. `clauses` in the order in which they took effect, those of metrics that were
    not followed too. `outlook`: what would have to happen for another decision."""

    seen: tuple[str, ...]
    clauses: tuple[Worded, ...]
    outlook: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """From `replicas` to `desired`. `cells`: the metrics in short, in the order of the configuration."""

    now: float
    replicas: int
    existing: int
    ready: int
    cells: tuple[str, ...]
    desired: int
    clauses: tuple[Clause, ...]
    account: Callable[[Clock], Account]

    @property
    def clause(self) -> Clause:
        """The one that had the last word."""
        return self.clauses[-1]


def pods(count: int) -> str:
    return counted(count, "pod")


def replicas(count: int) -> str:
    return counted(count, "replica")


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def short(value: float) -> str:
    """Four digits."""
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
