"""What a cluster's engine adds to a plan, in words."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.plan.preview import ObjectChange, Preview
from mlsystem.plan.render.words import counted, value_text

SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-", "forget": "·"}


def preview_lines(preview: Preview | None) -> Iterator[str]:
    """What the cluster's engine says that it would do."""
    if preview is None:
        return
    if preview.drift:
        yield f"Changed in the cluster since the last apply, by somebody else: {counted(len(preview.drift), 'object')}."
        yield from (line for one in preview.drift for line in object_lines(one))
    changes = preview.changes
    yield f"In the cluster: {counted(len(changes), 'object')} of {len(changes) + preview.unchanged} will change."
    yield from (line for one in changes for line in object_lines(one))


def object_lines(one: ObjectChange) -> Iterator[str]:
    stays = ", and stays there" if one.operation == "forget" else ""
    yield f"  {SIGNS[one.operation]} {one.kind} {one.name}: {one.operation}{stays}"
    yield from (f"      {field.path}: {value_text(field.old)} → {value_text(field.new)}" for field in one.fields)
    if one.because:
        yield f"      cannot be changed in place: {', '.join(one.because)}"
