"""What a check is, and the groups they stand in: each promise of the protocol once, with the place that makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlsystem_runtime.serve.conformance.target import Target

Run = Callable[["Target"], None]


class Severity(StrEnum):
    """`must`: a client that relies on it gets a wrong answer or none otherwise. `should`: it is served well."""

    MUST = "must"
    SHOULD = "should"


class Violation(Exception):  # noqa: N818 - a finding about the server, not an error of this program
    """The server breaks the promise; the message says what was expected and what came."""


class NotApplicable(Exception):  # noqa: N818 - a finding too
    """The promise says nothing about this model or server; the message says why."""


@dataclass(frozen=True)
class Check:
    """`promise` is a sentence, `where` the place that makes it."""

    group: str
    name: str
    promise: str
    where: str
    severity: Severity
    run: Run

    @property
    def id(self) -> str:
        return f"{self.group}.{self.name}"


@dataclass
class Group:
    """Checks in the order they were declared. The docstring of a check's function is its promise."""

    name: str
    title: str
    checks: list[Check] = field(default_factory=list)

    def must(self, where: str) -> Callable[[Run], Run]:
        return self._declare(where, Severity.MUST)

    def should(self, where: str) -> Callable[[Run], Run]:
        return self._declare(where, Severity.SHOULD)

    def _declare(self, where: str, severity: Severity) -> Callable[[Run], Run]:
        def declared(run: Run) -> Run:
            promise = " ".join((run.__doc__ or "").split())
            assert promise, f"{run.__name__} promises nothing"
            self.checks.append(Check(self.name, run.__name__, promise, where, severity, run))
            return run

        return declared


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Violation(otherwise)


def only_if(applies: bool, otherwise: str) -> None:
    if not applies:
        raise NotApplicable(otherwise)
