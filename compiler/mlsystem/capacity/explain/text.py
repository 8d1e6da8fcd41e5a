"""An explanation as text: the decision, what was seen, clause by clause, and what came before and after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from mlsystem.capacity.explain.moment import Clock
from mlsystem.capacity.explain.replay import Replayed
from mlsystem.capacity.explain.step import Step, counted, replicas
from mlsystem.capacity.trace_rows import Problem
from mlsystem.errors import MlsystemError

AROUND = 4
"""So many steps before and after are listed."""


def at(steps: Sequence[Step], moment: float, clock: Clock) -> int:
    """The place of the last step at or before `moment`. Raises MlsystemError for one outside them."""
    place = max((number for number, step in enumerate(steps) if step.now <= moment), default=None)
    if place is None or moment > steps[-1].now + tick(steps):
        first, last = clock(steps[0].now), clock(steps[-1].now)
        raise MlsystemError(f"{clock(moment)} is not between {first} and {last}", "choose a moment between them")
    return place


def tick(steps: Sequence[Step]) -> float:
    """Seconds that the last step lasts: as long as the longest."""
    return max((later.now - one.now for one, later in pairwise(steps)), default=15.0)


def explained(steps: Sequence[Step], place: int, columns: Sequence[str], clock: Clock) -> str:
    """The whole answer for one step among all of them."""
    step = steps[place]
    account = step.account(clock)
    outlook = [*account.outlook, *lasting(steps, place, clock)]
    parts = [
        f"{clock(step.now)}: {verdict(step)}\n  because {step.clause.value} [{name(step)}]",
        section("what it saw", account.seen),
        section("clause by clause", [one.sentence for one in account.clauses], numbered=True),
        section("and so", outlook) if outlook else "",
        around(steps, place, columns, clock),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def verdict(step: Step) -> str:
    if step.desired == step.replicas:
        return f"{replicas(step.replicas)}, and so it stays"
    return f"from {step.replicas} to {replicas(step.desired)}"


def name(step: Step) -> str:
    return step.clause.name.lower().replace("_", " ")


def lasting(steps: Sequence[Step], place: int, clock: Clock) -> list[str]:
    """Since when the same clause has the last word and nothing moved."""
    step, first = steps[place], place
    while first and (steps[first - 1].clause, steps[first - 1].desired) == (step.clause, step.desired):
        first -= 1
    number = place - first + 1
    if number < 3:
        return []
    return [f"it has been so since {clock(steps[first].now)}: at {counted(number, 'sync')} in a row"]


def section(title: str, lines: Iterable[str], *, numbered: bool = False) -> str:
    return "\n".join([title, *(f"  {f'{n}.' if numbered else '-'} {line}" for n, line in enumerate(lines, start=1))])


def around(steps: Sequence[Step], place: int, columns: Sequence[str], clock: Clock) -> str:
    near = range(max(0, place - AROUND), min(len(steps), place + AROUND + 1))
    rows = [["", "time", "replicas", "ready", *columns, "desired", "decided by"]]
    for number in near:
        step = steps[number]
        rows.append([
            ">" if number == place else "", clock(step.now), str(step.replicas), str(step.ready), *step.cells,
            str(step.desired), name(step),
        ])  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(["around it", *lines])


def agreement(replayed: Sequence[Replayed], place: int, clock: Clock) -> list[str]:
    """What the record did instead, where it did something else."""
    notes = []
    one = replayed[place]
    if not one.agrees:
        notes.append(f"the record has {replicas(one.record or 0)} in the next row, by these numbers it is"
                     f" {one.step.desired}: something else scaled, or the record misses what the controller saw")
    others = [other for other in replayed if not other.agrees]
    if others:
        share = f"{len(replayed) - len(others)} of {counted(len(replayed), 'row')}"
        notes.append(f"the record does the same in {share}; it differs first at {clock(others[0].step.now)}")
    return notes


def noted(file: str, notes: Iterable[Problem]) -> list[str]:
    return [f"{file}:{note.line}: {note.message}" + (f"; {note.help}" if note.help else "") for note in notes]
