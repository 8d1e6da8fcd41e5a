"""What a cluster's engine adds to a plan, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from mlsystem.plan.preview import ObjectChange, Operation, Preview
from mlsystem.plan.render.budget import Listing, Section
from mlsystem.plan.render.escape import code
from mlsystem.plan.render.words import counted, value_text

SIGNS: Mapping[Operation, str] = {"create": "+", "update": "~", "replace": "±", "delete": "-", "forget": "·"}
MOST_FIELDS = 8


def preview_lines(preview: Preview | None) -> Iterator[str]:
    """What the cluster's engine says that it would do."""
    if preview is None:
        return
    if preview.drift:
        yield f"Changed in the cluster since the last apply, by somebody else: {counted(len(preview.drift), 'object')}."
        yield from (line for one in preview.drift for line in object_lines(one))
    account = [one for one in preview.changes if one.stack is not None]
    if account or preview.unchanged_below:
        all_of = len(account) + preview.unchanged_below
        yield f"In the account: {counted(len(account), 'resource')} of {all_of} will change."
        yield from (line for one in account for line in object_lines(one))
    changes = [one for one in preview.changes if one.stack is None]
    yield f"In the cluster: {counted(len(changes), 'object')} of {len(changes) + preview.unchanged} will change."
    yield from (line for one in changes for line in object_lines(one))


def object_lines(one: ObjectChange) -> Iterator[str]:
    stays = ", and stays there" if one.operation == "forget" else ""
    where = f"{one.stack}: " if one.stack is not None else ""
    yield f"  {SIGNS[one.operation]} {where}{one.kind} {one.name}: {one.operation}{stays}"
    yield from (f"      {field.path}: {value_text(field.old)} → {value_text(field.new)}" for field in one.fields)
    if one.because:
        yield f"      cannot be changed in place: {', '.join(one.because)}"


def object_sections(preview: Preview | None, where: str) -> Iterator[Section]:
    """What the engine would do, folded; first what somebody else has changed, which an apply takes back."""
    if preview is None:
        return
    if preview.drift:
        yield _folded("Changed outside, by somebody else, and taken back", preview.drift, where, rank=1)
    if preview.changes:
        total = len(preview.changes) + preview.unchanged
        yield _folded(f"Objects: {_tally(preview.changes)} of {total:,}", preview.changes, where, rank=8)


def _folded(title: str, objects: Sequence[ObjectChange], where: str, rank: int) -> Section:
    return Listing(
        items=[_item(one) for one in objects],
        more=lambda shown: f"- **and {len(objects) - shown:,} more**: {_tally(objects[shown:])}. {where}",
        share=5_000,
        rank=rank,
        head=f"<details><summary>{title}</summary>\n",
        tail="\n</details>",
    )


def _tally(objects: Sequence[ObjectChange]) -> str:
    counts = Counter(one.operation for one in objects)
    return ", ".join(f"{counts[operation]:,} to {operation}" for operation in SIGNS if counts[operation])


def _item(one: ObjectChange) -> str:
    fields = [f"{code(each.path)}: {code(value_text(each.old))} → {code(value_text(each.new))}" for each in one.fields]
    more = [f"and {len(fields) - MOST_FIELDS} more"] if len(fields) > MOST_FIELDS else []
    stays = ", and stays there" if one.operation == "forget" else ""
    return f"- {one.operation} {code(f'{one.kind} {one.name}')}{stays}" + "".join(
        f"<br>{field}" for field in (*fields[:MOST_FIELDS], *more)
    )
