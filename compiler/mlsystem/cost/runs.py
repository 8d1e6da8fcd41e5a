"""Runs of the pipeline, which cost what their pods had for as long as they ran: known when one has been."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from mlsystem.cost.bill import Use, point
from mlsystem.source.schedule import runs_a_month
from mlsystem_runtime.contract.base import Struct

SECONDS = Decimal(3600)
UNSEEN = "no run of it has been seen yet"
THOUSANDTH = Decimal("0.001")


class Task(Struct):
    """One step: `rate` is what its pods have together, by the name of a price, for an hour."""

    step: str
    rate: Mapping[str, Decimal]
    machines: str


class Run(Struct):
    """`times` a month by `schedule`, None where nothing says when."""

    what: str
    node: str
    models: tuple[str, ...]
    tasks: tuple[Task, ...]
    schedule: str | None
    assumption: str


Durations = Mapping[str, float]
"""Of a step, in seconds: as long as it took when it last did its work."""


def a_month(schedule: str) -> Decimal:
    """How often a schedule comes, on average."""
    exact = runs_a_month(schedule)
    return (Decimal(exact.numerator) / exact.denominator).quantize(THOUSANDTH, ROUND_HALF_UP)


def hours(seconds: float) -> Decimal:
    return (Decimal(str(seconds)) / SECONDS).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def scheduled(run: Run, durations: Durations) -> Use:
    """One unit is a run; it is not priced while one of its steps has never run."""
    assert run.schedule is not None, "its caller has looked"
    times = a_month(run.schedule)
    known = all(task.step in durations for task in run.tasks)
    rate: dict[str, Decimal] = {}
    for task in run.tasks:
        for name, amount in task.rate.items():
            rate[name] = rate.get(name, Decimal(0)) + amount * hours(durations.get(task.step, 0.0))
    return Use(
        what=run.what,
        each=", ".join(sorted({task.machines for task in run.tasks})),
        node=run.node,
        models=run.models,
        rate=rate,
        unit="run",
        quantity=point(times) if known else None,
        assumption=f"{run.assumption}, {times.normalize():f} runs a month as long as the last one" if known else UNSEEN,
    )
