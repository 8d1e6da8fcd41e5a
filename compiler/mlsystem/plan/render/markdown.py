"""A plan as the comment of a pull request: what it means first, what is lost next, at most 60,000 bytes whatever its
size, the same bytes for the same plan. A hidden line at its end lets a program find its comment again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlsystem.plan.plan import Plan, stays
from mlsystem.plan.render.budget import Listing, Section, page, size
from mlsystem.plan.render.capacity import monthly, proven, replicas
from mlsystem.plan.render.cost import cost_markdown, headline_part
from mlsystem.plan.render.escape import address, code, prose
from mlsystem.plan.render.files import file_section
from mlsystem.plan.render.losses import ended, holds_data, losses
from mlsystem.plan.render.nodes import node_section
from mlsystem.plan.render.objects import object_sections
from mlsystem.plan.render.upgrades import upgrade_sections
from mlsystem.plan.render.words import counted, work
from mlsystem.plan.review import Finding, Review
from mlsystem.plan.upgrade import authors, file_changes, of_author

LIMIT = 60_000
MARKER = "<!-- mlsystem plan: {system}/{environment} -->"


def render_markdown(plan: Plan, review: Review | None = None, limit: int = LIMIT) -> str:
    """`limit` in bytes: less where several plans share a comment."""
    review = review or Review()
    lost = losses(plan)
    first = f"### {_headline(plan, lost)}\n"
    last = "\n".join(_last(plan, review)) + "\n"
    room = limit - len(first.encode()) - len(last.encode()) - 2
    return "\n".join(filter(None, (first, page(_sections(plan, review, lost), room), last)))


def marker(plan: Plan) -> str:
    """What a program looks for to find the comment of an environment again."""
    return MARKER.format(system=plan.system, environment=plan.environment)


def _headline(plan: Plan, lost: Sequence[str]) -> str:
    """What the change means, in one sentence."""
    where = f"{code(plan.environment)} of {code(plan.system)}"
    if plan.empty:
        return f"{where}: nothing to do, it is as the file says"
    return "; ".join(filter(None, (f"{where}: {work(plan, code)}", headline_part(plan), _of_data(plan, lost))))


def _of_data(plan: Plan, lost: Sequence[str]) -> str:
    emptied = sum(map(holds_data, ended(plan.preview)))
    if plan.deletes or emptied:
        return f"**deletes data ({len(plan.deletes) + emptied})**"
    return "no data is deleted, but see the warning" if lost else "nothing is deleted"


def _sections(plan: Plan, review: Review, lost: Sequence[str]) -> Iterator[Section]:
    """In the order of the page; `rank` says what matters more where not all fits."""
    where = _whole(review)
    if lost:
        yield _warning(lost, where)
    yield from node_section(authors(plan.changes, plan.upgrade), plan, where)
    told = set(stays(plan.changes))
    if notes := [note for note in plan.notes if note not in told]:
        yield _notes(notes)
    yield from upgrade_sections(plan, review, where)
    yield from object_sections(plan.preview, where)
    before = {**review.before, **review.meant}
    files, new = of_author(plan.changes, plan.upgrade), plan.base_serial == 0
    yield from file_section(files, before, review.after, where, new=new)
    if plan.cost is not None:
        yield _cost(plan)
    if plan.capacity:
        yield _capacity(plan, where)
    if review.findings:
        yield _findings(review.findings, where)


def _whole(review: Review) -> str:
    """Where what is left out can be read."""
    if review.link is not None:
        return f"The whole plan: [{prose(review.saved or 'plan')}]({address(review.link)})."
    if review.saved is not None:
        return f"The whole plan is in {code(review.saved)}."
    return "The whole plan: `mlsystem plan --format json`."


def _warning(lost: Sequence[str], where: str) -> Section:
    return Listing(
        items=[f"> - {sentence}" for sentence in lost],
        more=lambda shown: f"> - **and {len(lost) - shown:,} more**, {len(lost):,} in all. {where}",
        share=12_000,
        rank=0,
        head=f"> [!CAUTION]\n> **This takes away or interrupts {counted(len(lost), 'thing')}:**\n>",
    )


def _notes(notes: Sequence[str]) -> Section:
    return Listing(
        items=[f"- {prose(note)}" for note in notes],
        more=lambda shown: f"- and {len(notes) - shown:,} more notes",
        share=2_000,
        rank=4,
        head="Also:\n",
    )


def _cost(plan: Plan) -> Section:
    """Whole, for it is bounded."""
    text = "\n".join(("#### Cost", "", *cost_markdown(plan, prose)))
    return Listing(items=(), more=str, share=size(text) + 2, rank=2, head=text)


def _capacity(plan: Plan, where: str) -> Section:
    endpoints = plan.capacity
    rows = []
    for one in endpoints:
        cells = (replicas(one).removeprefix("replicas "), monthly(one), proven(one.now, plan.environment))
        rows.append(f"| {code(one.endpoint)} | {' | '.join(map(prose, cells))} |")
    prices = prose(", ".join(dict.fromkeys(one.prices for one in endpoints)))
    return Listing(
        items=rows,
        more=lambda shown: f"| **{len(rows) - shown:,} more** | {where} | | |",
        share=5_000,
        rank=3,
        head="#### Capacity\n\n| endpoint | replicas | dollars a month | promise |\n| --- | --- | --- | --- |",
        tail=f"\n<sub>Prices: {prices}.</sub>",
    )


def _findings(findings: Sequence[Finding], where: str) -> Section:
    return Listing(
        items=[_finding(one) for one in findings],
        more=lambda shown: f"- and {len(findings) - shown:,} more. {where}",
        share=4_000,
        rank=2,
        head=f"#### Findings: {counted(len(findings), 'warning')}\n",
    )


def _finding(one: Finding) -> str:
    place = "" if one.place is None else f" at {code(one.place)}"
    help = "" if one.help is None else f"<br>What to do: {prose(one.help)}"
    return f"- **{one.code}**{place}: {prose(one.message)}{help}"


def _last(plan: Plan, review: Review) -> Iterator[str]:
    """What stays, which plan this is, and the line that nobody sees."""
    said = [f"Unchanged: {counted(plan.unchanged, 'node')}", f"plan `{plan.digest[:12]}`"]
    if plan.upgrade is None or plan.upgrade.before == plan.upgrade.now:
        said.append(f"mlsystem {prose(plan.tool)}")
    if review.saved is not None:
        said.append(_whole(review).removesuffix("."))
    if not plan.empty:
        total = len(file_changes(plan.changes))
        said.insert(1, f"{counted(total, 'generated file')} {'differs' if total == 1 else 'differ'}")
    yield f"<sub>{' · '.join(said)}</sub>"
    yield ""
    yield f"<!-- digest: {plan.digest} -->"
    yield marker(plan)
