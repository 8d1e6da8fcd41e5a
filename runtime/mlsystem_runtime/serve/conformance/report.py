"""What a run found, as words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby

from mlsystem_runtime.serve.conformance.suite import GROUPS, Outcome, Score, Verdict
from mlsystem_runtime.serve.conformance.table import Severity
from mlsystem_runtime.serve.conformance.target import Target

WIDTH = 32


def as_text(target: Target, outcomes: Sequence[Outcome], address: str) -> str:
    """Groups with their scores, then every failure with what was asked and answered, then the score."""
    head = f"Open Inference Protocol v2: {address}, model {target.model.name}"
    failures = [text for one in outcomes if one.verdict is Verdict.FAILED for text in _failure(one)]
    return "\n".join([head, "", *_groups(outcomes), "", *failures, score_line(outcomes)]) + "\n"


def _groups(outcomes: Sequence[Outcome]) -> list[str]:
    titles = {group.name: group.title for group in GROUPS}
    lines = []
    for name, members in groupby(outcomes, key=lambda one: one.check.group):
        some = list(members)
        absent = sum(one.verdict is Verdict.NOT_APPLICABLE for one in some)
        rest = f"   {absent} not applicable" if absent else ""
        lines.append(f"  {titles[name]:<{WIDTH}}{Score.of(some, *Severity)!s:>10}{rest}")
    return lines


def _failure(one: Outcome) -> list[str]:
    lines = [f"FAILED {one.check.id} ({one.check.severity})", f"  {one.check.promise}", f"  {one.check.where}",
             f"  {one.reason}"]
    if one.exchange is not None:
        lines += [f"  request: {one.exchange.request}", f"  answer:  {one.exchange.answer}"]
    return [*lines, ""]


def score_line(outcomes: Sequence[Outcome]) -> str:
    must, should = Score.of(outcomes, Severity.MUST), Score.of(outcomes, Severity.SHOULD)
    absent = sum(one.verdict is Verdict.NOT_APPLICABLE for one in outcomes)
    return f"{Score.of(outcomes, *Severity)} passed (must {must}, should {should}); {absent} not applicable"


def as_json(target: Target, outcomes: Sequence[Outcome], address: str) -> str:
    score = {name: vars_of(Score.of(outcomes, *which)) for name, which in SCORES.items()}
    checks = [_entry(one) for one in outcomes]
    return json.dumps({"url": address, "model": target.model.name, "score": score, "checks": checks}, indent=1) + "\n"


SCORES = {"all": tuple(Severity), "must": (Severity.MUST,), "should": (Severity.SHOULD,)}


def vars_of(score: Score) -> dict[str, int]:
    return {"passed": score.passed, "applicable": score.applicable}


def _entry(one: Outcome) -> dict[str, object]:
    entry: dict[str, object] = {
        "id": one.check.id, "severity": one.check.severity, "promise": one.check.promise, "where": one.check.where,
        "verdict": one.verdict, "reason": one.reason,
    }  # fmt: skip
    if one.exchange is not None:
        entry |= {"request": one.exchange.request, "answer": one.exchange.answer}
    return entry
