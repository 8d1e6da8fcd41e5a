"""A plan for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.plan.change import (
    AnyNodeChange,
    FileAdded,
    FileChanged,
    FileRemoved,
    ProcessStopped,
    WorkspaceLost,
    node_changes,
    told,
)
from mlsystem.plan.plan import Plan
from mlsystem.plan.render.capacity import capacity_lines
from mlsystem.plan.render.cost import cost_lines
from mlsystem.plan.render.objects import preview_lines
from mlsystem.plan.render.words import cost_text, counted, details, file_text, headline, sign

UNSEEN = 5


def render_text(plan: Plan) -> str:
    """Headline, what is lost, each node with old → new and its reason, then what stays."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield headline(plan)
    if plan.deletes:
        yield ""
        yield from (f"  ! {sentence}" for sentence in plan.deletes)
    if plan.empty:
        yield from capacity_lines(plan)
        yield from cost_lines(plan)
        yield from plan.notes
        yield from preview_lines(plan.preview)
        return
    nodes = [change for change in node_changes(plan.changes) if told(change)]
    if nodes:
        yield ""
        width = max(len(change.node) for change in nodes)
        for change in nodes:
            yield from _node(change, width)
    stopped = [change.process for change in plan.changes if isinstance(change, ProcessStopped)]
    lost = [change.workspace for change in plan.changes if isinstance(change, WorkspaceLost)]
    if stopped or lost:
        yield ""
        yield from (f"  > the workspace {workspace} is gone: make everything again" for workspace in lost)
        yield from (f"  > {process} is not running: start" for process in stopped)
    yield from _rest(plan)


def _node(change: AnyNodeChange, width: int) -> Iterator[str]:
    yield f"  {sign(change)} {change.node:<{width}}  {cost_text(change)}".rstrip()
    yield from (f"      {detail}" for detail in details(change))


def _rest(plan: Plan) -> Iterator[str]:
    files = [change for change in plan.changes if isinstance(change, FileAdded | FileRemoved | FileChanged)]
    unseen = [one.source for one in plan.observations if one.digest is None]
    yield ""
    if plan.steps:
        yield f"Steps that will probably run: {', '.join(plan.steps)}."
    if files:
        shown = "; ".join(file_text(change) for change in files[:UNSEEN])
        yield f"Files: {shown}{f'; and {len(files) - UNSEEN} more' if len(files) > UNSEEN else ''}."
    if unseen:
        yield f"Not observed (remote): {', '.join(unseen)}."
    yield from capacity_lines(plan)
    yield from cost_lines(plan)
    yield from plan.notes
    yield from preview_lines(plan.preview)
    yield f"Unchanged: {counted(plan.unchanged, 'node')}."
