"""A plan for a review: at most 60,000 bytes whatever its size, what is lost first, the same bytes twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from mlsystem.plan.change import heaviest, node_changes, told
from mlsystem.plan.plan import Plan
from mlsystem.plan.render.capacity import monthly, proven, replicas
from mlsystem.plan.render.text import render_text
from mlsystem.plan.render.words import cost_text, counted, headline, sign

LIMIT = 60_000
MOST_DELETES = 50
MOST_ENDPOINTS = 50
WHOLE = "The whole plan: `mlsystem plan --format json`, or `mlsystem plan --out FILE`."


def render_markdown(plan: Plan) -> str:
    """The most detailed form that fits: every change folded under a table, then the table alone, then counts."""
    for body in (_folded, _nodes, _counts):
        text = _page(plan, body)
        if len(text.encode()) <= LIMIT:
            return text
    return text.encode()[: LIMIT - 4].decode(errors="ignore") + "…\n"


def _page(plan: Plan, body: Callable[[Plan], Iterator[str]]) -> str:
    lines = [f"### {_safe(headline(plan))}", ""]
    if plan.deletes:
        more = len(plan.deletes) - MOST_DELETES
        lines += ["> [!CAUTION]", *(f"> - {_safe(sentence)}" for sentence in plan.deletes[:MOST_DELETES])]
        lines += [f"> - and {more} more"] if more > 0 else []
        lines += [""]
    if plan.capacity:
        lines += [*_capacity(plan), ""]
    if not plan.empty:
        lines += [*body(plan), f"Unchanged: {counted(plan.unchanged, 'node')}. Plan `{plan.digest[:12]}`."]
    return "\n".join(lines).rstrip() + "\n"


def _folded(plan: Plan) -> Iterator[str]:
    yield from _table(plan)
    fence = "```" + "`" * max((len(run) for run in _ticks(render_text(plan))), default=0)
    yield from ("<details><summary>Every change and its reason</summary>", "", f"{fence}text")
    yield from (render_text(plan).rstrip(), fence, "", "</details>", "")


def _nodes(plan: Plan) -> Iterator[str]:
    yield from _table(plan)
    yield from (WHOLE, "")


def _table(plan: Plan) -> Iterator[str]:
    lightest_first = sorted(filter(told, node_changes(plan.changes)), key=lambda change: change.consequence.weight)
    shown = {change.node: change for change in lightest_first}
    if not shown:
        return
    nodes = {node: cost for node, cost in heaviest(plan.changes).items() if node in shown}
    yield from ("| | node | consequence |", "| --- | --- | --- |")
    for node in sorted(nodes, key=lambda node: -nodes[node].weight):
        yield f"| {sign(shown[node])} | {_safe(node)} | {cost_text(shown[node]) or 'nothing'} |"
    yield ""


def _capacity(plan: Plan) -> Iterator[str]:
    yield from ("| endpoint | replicas | dollars a month | |", "| --- | --- | --- | --- |")
    for one in plan.capacity[:MOST_ENDPOINTS]:
        cells = (one.endpoint, replicas(one), monthly(one), proven(one.now, plan.environment))
        yield f"| {' | '.join(_safe(cell) for cell in cells)} |"
    more = len(plan.capacity) - MOST_ENDPOINTS
    yield from [f"| and {more} more | | | |"] if more > 0 else []
    yield from ("", f"Prices: {_safe(', '.join(dict.fromkeys(one.prices for one in plan.capacity)))}.")


def _counts(plan: Plan) -> Iterator[str]:
    counts = Counter((cost, node.partition(".")[0]) for node, cost in heaviest(plan.changes).items())
    yield from ("| consequence | of | nodes |", "| --- | --- | --- |")
    for (cost, kind), count in sorted(counts.items(), key=lambda item: (-item[0][0].weight, item[0][1])):
        yield f"| {cost} | {kind} | {count} |"
    yield from ("", WHOLE, "")


def _safe(text: str) -> str:
    """Names are the user's: nothing in them may end a cell or start markup."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


def _ticks(text: str) -> list[str]:
    """Runs of three or more backticks, which a fence has to outdo."""
    runs = "".join(sign if sign == "`" else " " for sign in text).split()
    return [run for run in runs if len(run) >= 3]
