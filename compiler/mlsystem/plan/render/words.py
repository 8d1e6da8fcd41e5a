"""A plan in words: what it does first, then each change and its reason. Shared by text and Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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


def headline(plan: Plan) -> str:
    """What the plan does, in one sentence: the work in the order in which it is done, then what is lost."""
    done = [part for part in _work(plan) if part]
    if plan.empty:
        return f"Nothing to do: {plan.environment} of {plan.system} is as the file says."
    if not done:
        done = ["records what changed, redoes nothing" if plan.changes else "makes the cluster as the file says again"]
    lost = "nothing is deleted" if not plan.deletes else f"deletes data ({len(plan.deletes)})"
    return f"{plan.environment} of {plan.system}: {', then '.join(done)}; {lost}."


def _work(plan: Plan) -> Iterable[str]:
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
        yield _phrase("carries over", list(dict.fromkeys(renamed)))
    images = _named(cost, Kind.IMAGE, Consequence.RECONFIGURE)
    yield _phrase("builds images" if len(images) > 1 else "builds image", images)
    yield _phrase("ingests" if first else "re-ingests", _named(cost, Kind.SOURCE, Consequence.RE_INGEST))
    yield _phrase("checks", _named(cost, Kind.SOURCE, Consequence.RE_EVALUATE))
    groups = _named(cost, Kind.GROUP, Consequence.RECOMPUTE)
    datasets = _named(cost, Kind.DATASET, Consequence.RECOMPUTE)
    verb = "computes" if first else "recomputes"
    yield _phrase(f"{verb} feature groups" if len(groups) > 1 else f"{verb} feature group", groups)
    yield "" if groups else _phrase(f"{verb} the features of", datasets)
    trained = _named(cost, Kind.MODEL, Consequence.RETRAIN)
    evaluated = [one for one in _named(cost, Kind.EVALUATION, Consequence.RE_EVALUATE) if one not in trained]
    yield _phrase("trains" if first else "retrains", trained)
    yield _phrase("re-evaluates", evaluated)
    released = _named(cost, Kind.ENDPOINT, Consequence.RELEASE)
    alone = len(released) == 1 and released in (trained, evaluated)
    yield "releases it" if alone else _phrase("releases", released)
    yield _phrase("replaces the server of", _named(cost, Kind.ENDPOINT, Consequence.REPLACE))
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


def details(change: AnyNodeChange) -> list[str]:
    """Below a node: its old and new values, or why it is affected."""
    match change:
        case NodeAdded() | NodeRemoved():
            return []
        case NodeRenamed():
            return [f"was {change.old}; all that was made for it goes on"]
        case NodeChanged():
            return [field_text(change.facet, one) for one in change.fields]
        case DataChanged():
            return [f"the data changed: content {change.old[:12]} → {change.new[:12]}"]
        case NodeAffected():
            return [because_text(change.because)]
        case _:
            assert_never(change)


def field_text(facet: Facet, one: FieldChange) -> str:
    return f"{facet}.{one.path}: {value_text(one.old)} → {value_text(one.new)}"


def value_text(value: Any) -> str:
    """A value on one line, cut when it is long."""
    if value is msgspec.UNSET:
        return "(none)"
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= WIDEST_VALUE else text[: WIDEST_VALUE - 1] + "…"


def because_text(because: tuple[Because, ...]) -> str:
    """Nearest causes first, at most three of them."""
    nodes: dict[str, str] = {}
    for one in because:
        only = f" ({', '.join(one.paths[:NAMES])}{', …' if len(one.paths) > NAMES else ''})" if one.paths else ""
        nodes.setdefault(one.node, f"{one.node} {CAUSE[one.facet]}{only}")
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
