"""What a plan takes away or interrupts, worst first: data, then what answers, then objects that go or are replaced."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.plan.change import NodeRemoved, node_changes
from mlsystem.plan.plan import Plan, stays
from mlsystem.plan.preview import ObjectChange, Preview
from mlsystem.plan.render.escape import code, prose
from mlsystem.system.snapshot import Kind

HOLDS_DATA = (
    "PersistentVolume", "StatefulSet", "Namespace", "aws.s3", "aws.rds", "aws.dynamodb", "aws.elasticache", "aws.ecr",
    "aws.kms", "aws:s3", "aws:rds", "aws:dynamodb", "aws:elasticache", "aws:ecr", "aws:kms",
)  # fmt: skip
"""How the kinds of objects begin, or end with their name, that data lies in."""


def losses(plan: Plan) -> tuple[str, ...]:
    """In Markdown, a sentence each."""
    return tuple(_losses(plan))


def _losses(plan: Plan) -> Iterator[str]:
    yield from (f"**Data is deleted:** {prose(sentence)}" for sentence in plan.deletes)
    ending = ended(plan.preview)
    yield from (_object(one) for one in ending if holds_data(one))
    told = set(plan.notes)
    yield from (prose(sentence) for sentence in stays(plan.changes) if sentence in told)
    yield from (_stopped(name) for name in stopped(plan) if not any(f" {name} stops" in note for note in told))
    yield from (_object(one) for one in ending if not holds_data(one))


def ended(preview: Preview | None) -> tuple[ObjectChange, ...]:
    """What the engine would delete, for good or to make it anew."""
    changes = () if preview is None else preview.changes
    return tuple(one for one in changes if one.operation in ("delete", "replace"))


def stopped(plan: Plan) -> tuple[str, ...]:
    """The endpoints that answer no more."""
    removed = (one for one in node_changes(plan.changes) if isinstance(one, NodeRemoved))
    return tuple(one.name for one in removed if one.kind is Kind.ENDPOINT)


def holds_data(one: ObjectChange) -> bool:
    name = one.kind.rpartition("/")[2]
    return any(name.startswith(known) or one.kind.startswith(known) for known in HOLDS_DATA)


def _stopped(name: str) -> str:
    return f"**Stops answering:** endpoint {code(name)}"


def _object(one: ObjectChange) -> str:
    what = "Deletes" if one.operation == "delete" else "Replaces"
    because = f": {', '.join(map(code, one.because))} cannot be changed in place" if one.because else ""
    mark = f"**{what}, with what is in it:**" if holds_data(one) else f"**{what}:**"
    return f"{mark} {code(f'{one.kind} {one.name}')}{because}"
