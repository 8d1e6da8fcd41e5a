"""What rules are made of: what is recorded, what is said, and the cases that prove when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VALUE = "{{ $value | humanizePercentage }}"


@dataclass(frozen=True)
class Case:
    """`input` maps series to values, one a minute; rules are looked at every `every` minutes. The alert fires at minute
    `fires`, not the time before, and is silent at each of `silent`; `fires` None: it never does."""

    input: tuple[tuple[str, str], ...]
    fires: int | None
    value: str = ""
    """What stands for VALUE then."""
    labels: tuple[tuple[str, str], ...] = ()
    """Beside those of the rule."""
    silent: tuple[int, ...] = ()
    every: int = 1


@dataclass(frozen=True)
class Recording:
    record: str
    expression: str


@dataclass(frozen=True)
class Alert:
    """`minutes`: how long it has to be so. `model` None: of the whole system."""

    name: str
    expression: str
    minutes: int
    severity: Literal["critical", "warning"]
    summary: str
    description: str
    cases: tuple[Case, ...]
    model: str | None = None


@dataclass(frozen=True)
class Group:
    """Evaluated in this order, so that alerts see what was recorded, and which alerts fire, before them."""

    name: str
    origin: str
    model: str | None
    recordings: tuple[Recording, ...]
    alerts: tuple[Alert, ...]
