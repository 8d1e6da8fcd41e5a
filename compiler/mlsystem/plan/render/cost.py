"""What things cost, in words: the section of a plan, the same for text and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from mlsystem.cost.bill import Line, Range
from mlsystem.cost.consumption import Training
from mlsystem.cost.estimate import dollars
from mlsystem.plan.cost import LineChange, Spending
from mlsystem.plan.plan import Plan

LINES: Final = 6
"""Those that a person reads: what changed, then what costs most."""
ROWS: Final = 40
LONGEST: Final = 1000
SHARED: Final = "shared"


def cost_lines(plan: Plan) -> Iterator[str]:
    """The sum, the lines that matter, whose money it is, what nobody knows, what trainings cost."""
    cost = plan.cost
    if cost is None:
        return
    yield f"{sum_line(cost)}, at the prices of {cost.prices}."
    shown, rest = most_telling(cost)
    yield from (f"  {line_text(one)}" for one in shown)
    if rest:
        yield f"  and {len(rest)} more: {money(total_of(rest))}"
    yield from (f"  not used any more: {line.use.what}{_worth(line)}" for line in cost.gone[:LINES])
    yield from (f"  {sentence}" for sentence in (*owners(cost), *reservations(cost)))
    yield from training_lines(cost)


def cost_markdown(plan: Plan, safe: Callable[[str], str]) -> Iterator[str]:
    """The sum, then the lines in a table under a fold; a bounded number of bytes. `safe` makes text fit into a cell."""
    cost = plan.cost
    if cost is None:
        return
    yield from (f"**{safe(sum_line(cost))}**, at the prices of {safe(cost.prices)}.", "")
    yield from (f"- {safe(sentence)}" for sentence in training_lines(cost))
    yield from (f"- {safe(cut(sentence))}" for sentence in owners(cost))
    yield from (f"- {safe(cut(sentence))}" for sentence in reservations(cost))
    rows = sorted((one for one in cost.lines if one.line.amount is not None), key=lambda one: one.difference is None)
    yield from ("", "<details><summary>What costs how much a month</summary>", "")
    yield from ("| what | dollars | change | because |", "| --- | --- | --- | --- |")
    for one in rows[:ROWS]:
        assert one.line.amount is not None, "of those that are known"
        moved = "" if one.difference is None else signed(one.difference)
        cells = (f"{one.line.use.what} ({one.line.use.each})", money(one.line.amount), moved, one.line.use.assumption)
        yield f"| {' | '.join(safe(cell) for cell in cells)} |"
    yield from (f"| {safe(line.use.what)} | gone |{_worth(line).removeprefix(',')} | |" for line in cost.gone[:ROWS])
    yield from [f"| and {len(rows) - ROWS} more | {money(total_of(rows[ROWS:]))} | | |"] if len(rows) > ROWS else []
    yield from ("", "</details>")


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def sum_line(cost: Spending) -> str:
    """`Cost: $412 a month (+$38)`."""
    return f"Cost: {'at least ' if nobody_knows(cost) else ''}{money(cost.total)} a month{_moved(cost.difference)}"


def headline_part(plan: Plan) -> str:
    """How the costs of what is applied move; nothing where they do not."""
    moved = None if plan.cost is None else plan.cost.difference
    return "" if moved is None or moved == Range() else f"{signed(moved)} a month"


def most_telling(cost: Spending) -> tuple[tuple[LineChange, ...], tuple[LineChange, ...]]:
    """Lines that moved, then the most expensive ones; and those that are left out. Of unknown ones, see below."""
    known = [one for one in cost.lines if one.line.amount is not None]
    ordered = sorted(known, key=lambda one: one.difference is None)
    shown = set(map(id, ordered[:LINES]))
    return tuple(one for one in known if id(one) in shown), tuple(one for one in known if id(one) not in shown)


def line_text(one: LineChange) -> str:
    """`servers of main (1 CPU, 2 GiB): $72 to $360 (+$36), from 2 to 10 replicas all month`."""
    use = one.line.use
    assert one.line.amount is not None, "of those that are known"
    return f"{use.what} ({use.each}): {money(one.line.amount)}{_moved(one.difference)}, {use.assumption}"


def owners(cost: Spending) -> Iterator[str]:
    """Per model what is its alone, where there is any: of the most expensive ones."""
    if cost.models:
        dearest = sorted(cost.models.items(), key=lambda one: -one[1].high)
        parts = [f"{model} {money(amount)}" for model, amount in dearest[:LINES]]
        parts += [f"and {len(dearest) - LINES} more"] if len(dearest) > LINES else []
        yield f"by model: {', '.join(parts)}; {SHARED} {money(cost.shared)}"


def reservations(cost: Spending) -> Iterator[str]:
    """What is not in the sum, and what of it rests on prices that were read in one place only."""
    unknown = list(nobody_knows(cost))
    if unknown:
        yield f"not known: {'; '.join(unknown)}"
    if cost.unverified:
        yield f"prices read in one place only: {', '.join(cost.unverified)}"
    if cost.excluded:
        yield f"not counted: {', '.join(cost.excluded)}"


def nobody_knows(cost: Spending) -> tuple[str, ...]:
    """Lines without an amount, and why."""
    return tuple(_why(one.line) for one in cost.lines if one.line.amount is None)


def _why(line: Line) -> str:
    if line.unknown:
        return f"{line.use.what} (no price of {', '.join(line.unknown)}: give it under `prices.items`)"
    return f"{line.use.what} ({line.use.assumption})"


def training_lines(cost: Spending) -> Iterator[str]:
    yield from (training_line(one) for one in cost.trainings[:LINES])
    if len(cost.trainings) > LINES:
        yield f"Trainings of {len(cost.trainings) - LINES} more models: --format json."


def training_line(one: Training) -> str:
    """`Training of main: about 0.4 h of 4 CPU, 8 GiB, $0.11, from the last run.`"""
    if one.hours is None:
        return f"Training of {one.model}: not known yet how long it takes on {one.machines}."
    price = f"no price of {', '.join(one.unknown)}" if one.cost is None else dollars(one.cost)
    return f"Training of {one.model}: about {hours_text(one.hours)} of {one.machines}, {price}, from the last run."


def hours_text(hours: Decimal) -> str:
    """With two digits that count: `0.4 h`, `12 h`; minutes below a tenth of an hour."""
    if hours < Decimal("0.1"):
        return f"{max(round(hours * 60), 1)} min"
    return f"{float(hours):.2g} h" if hours < 10 else f"{round(hours)} h"


def money(amount: Range) -> str:
    low, high = dollars(amount.low), dollars(amount.high)
    return low if low == high else f"{low} to {high}"


def signed(moved: Range) -> str:
    low, high = _signed(moved.low), _signed(moved.high)
    if low == high:
        return low
    none = _signed(Decimal(0))
    return f"up to {high}" if low == none else f"up to {low}" if high == none else f"{low} to {high}"


def _signed(amount: Decimal) -> str:
    return f"{'+' if amount >= 0 else ''}{dollars(amount)}"


def _moved(moved: Range | None) -> str:
    return "" if moved is None or moved == Range() else f" ({signed(moved)})"


def _worth(line: Line) -> str:
    return "" if line.amount is None else f", -{money(line.amount)}"


def total_of(lines: Sequence[LineChange]) -> Range:
    return sum((one.line.amount for one in lines if one.line.amount is not None), Range()).cents
