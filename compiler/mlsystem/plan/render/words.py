"""A plan in words: what it does first, then each change and its reason. Shared by text and Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, assert_never

import msgspec

from mlsystem.plan.change import (
    AnyFileChange,
    AnyNodeChange,
    Because,
    DataChanged,
    FieldChange,
    FileAdded,
    FileChanged,
    FileRemoved,
    NodeAdded,
    NodeAffected,
    NodeChanged,
    NodeRemoved,
    NodeRenamed,
    ProcessStopped,
    WorkspaceLost,
    heaviest,
    node_changes,
)
from mlsystem.plan.consequence import Consequence
from mlsystem.plan.plan import Plan, replaced
from mlsystem.plan.render.cost import headline_part
from mlsystem.system.snapshot import Facet, Kind

WIDEST_VALUE = 80
NAMES = 3

FIRST: Mapping[Kind, str] = {
    Kind.SOURCE: "ingest",
    Kind.GROUP: "compute features",
    Kind.DATASET: "compute features",
    Kind.MODEL: "train",
    Kind.EVALUATION: "evaluate",
    Kind.IMAGE: "build",
    Kind.ENDPOINT: "release",
    Kind.MONITOR: "start",
    Kind.INFRASTRUCTURE: "create",
}
"""What is done for a node that was not there before."""

CAUSE: Mapping[Facet, str] = {
    Facet.DATA: "has other data",
    Facet.FEATURES: "has other features",
    Facet.FIT: "is retrained",
    Facet.EVALUATE: "is evaluated again",
    Facet.OPERATE: "runs differently",
}


Show = Callable[[str], str]
"""How a name or a value stands in a text."""


def headline(plan: Plan) -> str:
    """What the plan does, in one sentence: the work in the order in which it is done, how costs move, what is lost."""
    if plan.empty:
        return f"Nothing to do: {plan.environment} of {plan.system} is as the file says."
    lost = "nothing is deleted" if not plan.deletes else f"deletes data ({len(plan.deletes)})"
    parts = [work(plan), headline_part(plan), lost]
    return f"{plan.environment} of {plan.system}: {'; '.join(filter(None, parts))}."


def work(plan: Plan, show: Show = str) -> str:
    """What is done, in the order in which it is."""
    done = [part for part in _work(plan, show) if part]
    if not done:
        return "records what changed, redoes nothing" if plan.changes else "makes the cluster as the file says again"
    return ", then ".join(done)


def _work(plan: Plan, show: Show) -> Iterable[str]:
    def phrase(verb: str, names: list[str]) -> str:
        return _phrase(verb, [show(name) for name in names])

    cost, first = heaviest(plan.changes), plan.base_serial == 0
    moved = {one.path for one in replaced(plan.changes)}
    if "workspace" in moved:
        yield "starts from nothing in a new place"
    elif "online_store" in moved:
        yield "fills another online store"
    if any(isinstance(change, WorkspaceLost) for change in plan.changes):
        yield "makes everything again, for its workspace is gone"
    if not first:
        renamed = [one.name for one in node_changes(plan.changes) if isinstance(one, NodeRenamed)]
        yield phrase("carries over", list(dict.fromkeys(renamed)))
    images = _named(cost, Kind.IMAGE, Consequence.RECONFIGURE)
    yield phrase("builds images" if len(images) > 1 else "builds image", images)
    yield phrase("ingests" if first else "re-ingests", _named(cost, Kind.SOURCE, Consequence.RE_INGEST))
    yield phrase("checks", _named(cost, Kind.SOURCE, Consequence.RE_EVALUATE))
    groups = _named(cost, Kind.GROUP, Consequence.RECOMPUTE)
    datasets = _named(cost, Kind.DATASET, Consequence.RECOMPUTE)
    verb = "computes" if first else "recomputes"
    yield phrase(f"{verb} feature groups" if len(groups) > 1 else f"{verb} feature group", groups)
    yield "" if groups else phrase(f"{verb} the features of", datasets)
    trained = _named(cost, Kind.MODEL, Consequence.RETRAIN)
    evaluated = [one for one in _named(cost, Kind.EVALUATION, Consequence.RE_EVALUATE) if one not in trained]
    yield phrase("trains" if first else "retrains", trained)
    yield phrase("re-evaluates", evaluated)
    released = _named(cost, Kind.ENDPOINT, Consequence.RELEASE)
    alone = len(released) == 1 and released in (trained, evaluated)
    yield "releases it" if alone else phrase("releases", released)
    removed = (one for one in node_changes(plan.changes) if isinstance(one, NodeRemoved))
    gone = [one.name for one in removed if one.kind is Kind.ENDPOINT]
    yield phrase("takes down endpoints" if len(gone) > 1 else "takes down endpoint", gone)
    yield phrase("replaces the server of", _named(cost, Kind.ENDPOINT, Consequence.REPLACE))
    yield "reconfigures what runs" if any(map(_reconfigures, node_changes(plan.changes))) else ""
    yield _processes(plan)


def _reconfigures(change: AnyNodeChange) -> bool:
    """Whether only settings of a cluster's objects change: bounds, schedules, who may reach them."""
    kinds = (Kind.ENDPOINT, Kind.MODEL, Kind.INFRASTRUCTURE)
    return isinstance(change, NodeChanged) and change.kind in kinds and change.consequence is Consequence.RECONFIGURE


def _processes(plan: Plan) -> str:
    """Servers and monitors that start or restart; a release restarts nothing."""
    kinds: dict[str, None] = {}
    for change in node_changes(plan.changes):
        starts = isinstance(change, NodeAdded | NodeRemoved) or change.consequence is Consequence.RESTART
        if starts and change.kind in (Kind.ENDPOINT, Kind.MONITOR):
            kinds["the server" if change.kind is Kind.ENDPOINT else "the monitor"] = None
    down = [f"the {change.process}" for change in plan.changes if isinstance(change, ProcessStopped)]
    starting = plan.base_serial == 0 or (down and not kinds)
    return _phrase("starts" if starting else "restarts", [*kinds, *(one for one in down if one not in kinds)])


def _named(cost: Mapping[str, Consequence], kind: Kind, consequence: Consequence) -> list[str]:
    return [node.partition(".")[2] for node, one in cost.items() if node.startswith(f"{kind}.") and one is consequence]


def _phrase(verb: str, names: list[str]) -> str:
    if not names:
        return ""
    shown, more = names[:NAMES], len(names) - NAMES
    if more > 0:
        return f"{verb} {', '.join(shown)} and {more} more"
    return f"{verb} {' and '.join([', '.join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)}"


def cost_text(change: AnyNodeChange) -> str:
    """What a change costs; nothing where it costs nothing."""
    if isinstance(change, NodeAdded):
        return FIRST[change.kind]
    if isinstance(change, NodeRemoved):
        return "delete" if change.consequence is Consequence.REPLACE else "remove"
    if change.kind is Kind.IMAGE and change.consequence is Consequence.RECONFIGURE:
        return FIRST[Kind.IMAGE]  # there is no other way to change one
    return "" if change.consequence is Consequence.NOTHING else str(change.consequence)


def sign(change: AnyNodeChange) -> str:
    match change:
        case NodeAdded():
            return "+"
        case NodeRemoved():
            return "-"
        case NodeAffected():
            return ">"
        case NodeRenamed() | NodeChanged() | DataChanged():
            return "!" if change.consequence is Consequence.REPLACE else "~"
        case _:
            assert_never(change)


def details(change: AnyNodeChange, show: Show = str) -> list[str]:
    """Below a node: its old and new values, or why it is affected. `show` is for names and values."""
    match change:
        case NodeAdded() | NodeRemoved():
            return []
        case NodeRenamed():
            return [f"was {show(change.old)}; all that was made for it goes on"]
        case NodeChanged():
            return [field_text(change.facet, one, show) for one in change.fields]
        case DataChanged():
            return [f"the data changed: content {show(change.old[:12])} → {show(change.new[:12])}"]
        case NodeAffected():
            return [because_text(change.because, show)]
        case _:
            assert_never(change)


def field_text(facet: Facet, one: FieldChange, show: Show = str) -> str:
    if isinstance(one.old, list | tuple) and isinstance(one.new, list | tuple) and max(len(one.old), len(one.new)) > 3:
        return f"{show(f'{facet}.{one.path}')}: {_members(one.old, one.new, show)}"
    return f"{show(f'{facet}.{one.path}')}: {show(value_text(one.old))} → {show(value_text(one.new))}"


def _members(old: Sequence[Any], new: Sequence[Any], show: Show) -> str:
    """What a long list loses and gains."""
    gone = [show(value_text(one)) for one in old if one not in new]
    come = [show(value_text(one)) for one in new if one not in old]
    parts = [_phrase(verb, members) for verb, members in (("without", gone), ("with", come)) if members]
    return ", ".join(parts) or "in another order"


def value_text(value: Any) -> str:
    """A value on one line, cut when it is long."""
    if value is msgspec.UNSET:
        return "(none)"
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= WIDEST_VALUE else text[: WIDEST_VALUE - 1] + "…"


def because_text(because: tuple[Because, ...], show: Show = str) -> str:
    """Nearest causes first, at most three of them."""
    nodes: dict[str, str] = {}
    for one in because:
        named = ", ".join(map(show, one.paths[:NAMES]))
        only = f" ({named}{', …' if len(one.paths) > NAMES else ''})" if one.paths else ""
        nodes.setdefault(one.node, f"{show(one.node)} {CAUSE[one.facet]}{only}")
    shown = list(nodes.values())
    more = f", and {len(shown) - NAMES} more" if len(shown) > NAMES else ""
    return f"because {', '.join(shown[:NAMES])}{more}"


def file_text(change: AnyFileChange) -> str:
    match change:
        case FileAdded():
            return f"+ {change.path}"
        case FileRemoved():
            return f"- {change.path}"
        case FileChanged():
            return f"~ {change.path}"
        case _:
            assert_never(change)


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
