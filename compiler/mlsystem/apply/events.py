"""What an apply tells whoever watches it. Nothing here prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class StepBegins:
    step: str
    number: int
    total: int


@dataclass(frozen=True)
class StepProgresses:
    """`done` of `total`, in the step's own unit."""

    step: str
    done: float
    total: float
    text: str


@dataclass(frozen=True)
class StepEnds:
    """`status` as in a step's record (done, unchanged, blocked), or `earlier`: done before this run was interrupted."""

    step: str
    status: str
    summary: str
    seconds: float


@dataclass(frozen=True)
class Says:
    """One line worth reading."""

    text: str


@dataclass(frozen=True)
class Waits:
    """Still at work on something that reports nothing by itself, since `seconds`."""

    what: str
    seconds: float


AnyEvent = StepBegins | StepProgresses | StepEnds | Says | Waits
Watch = Callable[[AnyEvent], None]


def nobody(event: AnyEvent) -> None:
    """Watches nothing."""
    del event
