"""Consequences by node, with reasons and old → new; nodes that change alike stand in one row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from mlsystem.plan.change import (
    AnyNodeChange,
    NodeAdded,
    NodeAffected,
    NodeRemoved,
    ProcessStopped,
    WorkspaceLost,
    told,
)
from mlsystem.plan.consequence import Consequence
from mlsystem.plan.plan import Plan
from mlsystem.plan.render.budget import Listing, Section
from mlsystem.plan.render.escape import code
from mlsystem.plan.render.words import cost_text, details
from mlsystem.system.snapshot import Kind

MOST_REASONS = 6
MOST_NAMES = 5
MOST_LISTED = 20
KINDS = frozenset(map(str, Kind))

MEANINGS = {
    "reconfigure": "its settings change, nothing is redone",
    "restart": "it starts again, one pod after another where there are several",
    "re-evaluate": "it is measured again, and its gates decide again",
    "release": "a new version answers",
    "retrain": "the model is fitted again",
    "recompute features": "training rows and online features are built again",
    "re-ingest": "the source is read again",
    "replace": "it is deleted and made anew",
    "nothing": "what is recorded changes, nothing else",
}


class Row(NamedTuple):
    """Of `nodes` alike: what happens to them, and why."""

    nodes: tuple[str, ...]
    cost: str
    why: str

    def __str__(self) -> str:
        names = ", ".join(map(code, self.nodes[:MOST_NAMES]))
        more = len(self.nodes) - MOST_NAMES
        return f"| {names}{f' **and {more:,} more**' if more > 0 else ''} | {self.cost} | {self.why} |"


def rows(changes: Iterable[AnyNodeChange], *, deletes: bool = True) -> list[Row]:
    """What is replaced or deleted first, then what was changed itself, then what follows from it. `deletes` False: of
    what is removed the data stays."""
    by_node: dict[str, list[AnyNodeChange]] = {}
    for change in changes:
        if told(change):
            by_node.setdefault(change.node, []).append(change)
    alike: dict[tuple[int, str, str, str], list[str]] = {}
    for node, found in by_node.items():
        heaviest = max(found, key=lambda change: change.consequence.weight)
        cost = cost_text(heaviest) or "nothing"
        removed = isinstance(heaviest, NodeRemoved)
        shown = f"**{cost}**" if heaviest.consequence is Consequence.REPLACE else cost
        shown = "remove" if removed and not deletes else shown
        key = (_order(heaviest, found), "" if removed else str(heaviest.kind), shown, _why(found))
        alike.setdefault(key, []).append(node)
    return [Row(tuple(nodes), key[2], key[3]) for key, nodes in sorted(alike.items(), key=lambda one: one[0][0])]


def _order(heaviest: AnyNodeChange, found: Sequence[AnyNodeChange]) -> int:
    if heaviest.consequence is Consequence.REPLACE or isinstance(heaviest, NodeRemoved):
        return 0
    return 2 if all(isinstance(change, NodeAffected) for change in found) else 1


def _why(found: Sequence[AnyNodeChange]) -> str:
    lines: list[str] = []
    for change in found:
        if isinstance(change, NodeAdded | NodeRemoved):
            lines.append("new" if isinstance(change, NodeAdded) else "no longer in the file")
        lines += details(change, partial(_named, change.name))
    more = len(lines) - MOST_REASONS
    return "<br>".join(lines[:MOST_REASONS] + ([f"and {more} more"] if more > 0 else []))


def _named(own: str, text: str) -> str:
    """In code; the model of `main`, where `main` speaks, is its model: what happens to many alike reads alike."""
    kind, _, name = text.partition(".")
    return f"its {kind.replace('_', ' ')}" if name == own and kind in KINDS else code(text)


def legend(shown: Iterable[Row]) -> str:
    """What the words in the table mean."""
    costs = dict.fromkeys(row.cost.strip("*") for row in shown)
    said = [f"**{cost}**: {MEANINGS[cost]}" for cost in costs if cost in MEANINGS]
    return f"<sub>{'; '.join(said)}.</sub>" if said else ""


def node_section(changes: Sequence[AnyNodeChange], plan: Plan, where: str) -> Iterator[Section]:
    """Processes that are down and steps that will run are told with them."""
    found = rows(changes, deletes=bool(plan.deletes))
    if not found and not plan.steps:
        return
    table = "\n| node | consequence | why |\n| --- | --- | --- |" if found else ""
    yield Listing(
        items=[str(row) for row in found],
        more=lambda shown: f"{left_out(found, shown)}\n\n{where}",
        share=15_000,
        rank=1,
        head=f"#### What changes, and why\n{table}".rstrip("\n"),
        tail="\n".join(("", *_below(plan, found))).rstrip("\n"),
    )


def _below(plan: Plan, found: Sequence[Row]) -> Iterator[str]:
    if words := legend(found):
        yield from (words, "")
    for change in plan.changes:
        if isinstance(change, WorkspaceLost):
            yield f"The workspace {code(change.workspace)} is gone: everything is made again.\n"
    down = [code(change.process) for change in plan.changes if isinstance(change, ProcessStopped)]
    if down:
        yield f"Not running, and started: {_some(down)}.\n"
    if plan.steps:
        yield f"Steps that will probably run: {_some([code(step) for step in plan.steps])}.\n"
    unseen = [code(one.source) for one in plan.observations if one.digest is None]
    if unseen:
        yield f"Whether the data of {_some(unseen)} changed was not looked at: it is not on this machine.\n"


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_LISTED
    return ", ".join(names[:MOST_LISTED]) + (f" and {more:,} more" if more > 0 else "")


def left_out(listed: Sequence[Row], shown: int) -> str:
    """The row for those that are not shown: how many of each kind, and what happens to them."""
    counts = Counter((node.partition(".")[0], row.cost) for row in listed[shown:] for node in row.nodes)
    parts = [f"{count:,} {kind.replace('_', ' ')}: {cost}" for (kind, cost), count in counts.items()]
    return f"| **{sum(counts.values()):,} more** | {'<br>'.join(parts)} | |"
