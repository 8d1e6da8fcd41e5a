"""All checks, and one run of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from http.client import HTTPException

from mlsystem_runtime.serve.conformance.groups import (
    agreement,
    binary,
    bodies,
    bytes_refused,
    compression,
    concurrency,
    elements,
    grpc_calls,
    grpc_refused,
    health,
    inference,
    tensors,
    transport,
    versions,
)
from mlsystem_runtime.serve.conformance.table import Check, Group, NotApplicable, Severity, Violation
from mlsystem_runtime.serve.conformance.target import Target
from mlsystem_runtime.serve.conformance.wire import Exchange, Trail

GROUPS: tuple[Group, ...] = (
    health.GROUP, versions.GROUP, inference.GROUP, bodies.GROUP, tensors.GROUP, elements.GROUP, transport.GROUP,
    binary.GROUP, bytes_refused.GROUP, compression.GROUP, concurrency.GROUP, grpc_calls.GROUP, grpc_refused.GROUP,
    agreement.GROUP,  # last: it also looks whether the server is still as it was
)  # fmt: skip
CHECKS: tuple[Check, ...] = tuple(check for group in GROUPS for check in group.checks)


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Outcome:
    """`reason` says what was expected and what came, or why the check does not apply; `exchange` is the last one."""

    check: Check
    verdict: Verdict
    reason: str = ""
    exchange: Exchange | None = None


@dataclass(frozen=True)
class Score:
    """Not applicable checks count nowhere."""

    passed: int
    applicable: int

    @classmethod
    def of(cls, outcomes: Sequence[Outcome], *severities: Severity) -> Score:
        counted = [one for one in outcomes if one.check.severity in severities]
        verdicts = [one.verdict for one in counted if one.verdict is not Verdict.NOT_APPLICABLE]
        return cls(verdicts.count(Verdict.PASSED), len(verdicts))

    @property
    def full(self) -> bool:
        return self.passed == self.applicable

    def __str__(self) -> str:
        return f"{self.passed} of {self.applicable}"


def run(target: Target, checks: Sequence[Check] = CHECKS) -> Iterator[Outcome]:
    """One check after the other, in order. Whatever a server does, each has an outcome."""
    for check in checks:
        yield carry_out(check, target)


def carry_out(check: Check, target: Target) -> Outcome:
    trail = Trail()
    calls = None if target.calls is None else replace(target.calls, trail=trail)
    watched = replace(target, http=replace(target.http, trail=trail), calls=calls)
    try:
        check.run(watched)
    except NotApplicable as why:
        return Outcome(check, Verdict.NOT_APPLICABLE, str(why))
    except Violation as why:
        return Outcome(check, Verdict.FAILED, str(why), _last(trail))
    except (OSError, HTTPException) as why:
        return Outcome(check, Verdict.FAILED, f"no complete answer: {type(why).__name__} {why}", _last(trail))
    return Outcome(check, Verdict.PASSED)


def _last(trail: Trail) -> Exchange | None:
    return trail.exchanges[-1] if trail.exchanges else None
