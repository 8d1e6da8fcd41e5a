"""What an environment costs as it is meant, how that differs from what was applied, and what the trainings cost that a
plan begins. Both sides have the prices and the durations of today, so that only what is used makes a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlsystem.cost.bill import Estimate, Line, Range, Use
from mlsystem.cost.consumption import Consumption, Costs, Training, estimated, training_of
from mlsystem.cost.runs import Durations
from mlsystem_runtime.contract.base import Struct

LISTED = 500
"""Lines that a plan holds: the most expensive ones."""


class LineChange(Struct):
    """`difference` None: the line is as it was, or one side is not known."""

    line: Line
    difference: Range | None = None


class Spending(Struct):
    """Dollars a month. `difference` None: nothing was applied that it could be compared with. `models` are sums of what
    is theirs alone. `gone` is not used any more. `omitted` lines are in the sums and not in `lines`; `limit` is
    `limits.max_cost`."""

    prices: str
    total: Range
    difference: Range | None
    models: dict[str, Range]
    shared: Range
    lines: tuple[LineChange, ...]
    gone: tuple[Line, ...]
    unverified: tuple[str, ...]
    excluded: tuple[str, ...]
    trainings: tuple[Training, ...]
    omitted: int = 0


def spending(
    costs: Costs | None, applied: Consumption | None, steps: Iterable[str], durations: Durations
) -> Spending | None:
    """None where nobody charges for anything, as on one machine."""
    if costs is None:
        return None
    now = estimated(costs.used, costs.prices, durations)
    before = None if applied is None else estimated(applied, costs.prices, durations)
    lines = tuple(changed(now, before))
    return Spending(
        prices=now.prices,
        total=now.total,
        difference=None if before is None else now.total - before.total,
        models=now.by_model,
        shared=now.shared,
        lines=lines[:LISTED],
        gone=() if before is None else tuple(left(now, before)),
        unverified=now.unverified,
        excluded=now.excluded,
        trainings=tuple(begun(costs, steps, durations)),
        omitted=max(len(lines) - LISTED, 0),
    )


def identity(use: Use) -> tuple[str, str]:
    return use.node, use.what


def changed(now: Estimate, before: Estimate | None) -> Iterator[LineChange]:
    """The most expensive first."""
    old = {} if before is None else {identity(line.use): line for line in before.lines}
    for line in now.largest:
        was = old.get(identity(line.use))
        moved = None if before is None or line.amount is None else difference(line.amount, was)
        yield LineChange(line, moved)


def difference(amount: Range, was: Line | None) -> Range | None:
    if was is not None and was.amount is None:
        return None
    moved = (amount - (Range() if was is None or was.amount is None else was.amount)).cents
    return None if moved == Range() else moved


def left(now: Estimate, before: Estimate) -> Iterator[Line]:
    there = {identity(line.use) for line in now.lines}
    return (line for line in before.largest if identity(line.use) not in there)


def begun(costs: Costs, steps: Iterable[str], durations: Durations) -> Iterator[Training]:
    wanted = set(steps)
    for model, task in costs.used.trainings.items():
        if task.step in wanted:
            yield training_of(model, costs.used, costs.prices, durations)
