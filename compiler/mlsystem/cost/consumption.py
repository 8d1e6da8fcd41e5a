"""What an environment uses, as plain data: kept with what was applied, so that two of them have the same prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from mlsystem.cost.bill import CENT, Estimate, Use, point, priced
from mlsystem.cost.price_list import PriceList
from mlsystem.cost.runs import Durations, Run, Task, hours, scheduled
from mlsystem_runtime.contract.base import Struct


class Consumption(Struct):
    """`trainings` by model; `excluded`: what is needed and not counted, in words."""

    uses: tuple[Use, ...]
    runs: tuple[Run, ...] = ()
    trainings: Mapping[str, Task] = {}
    excluded: tuple[str, ...] = ()

    @property
    def timed(self) -> tuple[str, ...]:
        """The steps whose durations tell something."""
        steps = [task.step for run in self.runs for task in run.tasks]
        return tuple(dict.fromkeys([*steps, *(task.step for task in self.trainings.values())]))


@dataclass(frozen=True)
class Costs:
    """What is meant to be used, and the prices that hold there."""

    used: Consumption
    prices: PriceList


class Training(Struct):
    """One that a plan begins: `hours` None where none of the model has been seen; `cost` in dollars, None where hours
    or a price (`unknown`) are not known."""

    model: str
    hours: Decimal | None
    machines: str
    cost: Decimal | None
    unknown: tuple[str, ...]


def estimated(used: Consumption, prices: PriceList, durations: Durations) -> Estimate:
    """What comes by a schedule has an amount once `durations` has all its steps."""
    uses = (*used.uses, *(scheduled(run, durations) for run in used.runs))
    return Estimate(prices.said, tuple(priced(use, prices.quotes) for use in uses), used.excluded)


def training_of(model: str, used: Consumption, prices: PriceList, durations: Durations) -> Training:
    """As long as the last one took."""
    task = used.trainings[model]
    once = Use(f"training of {model}", task.machines, f"model.{model}", (model,), task.rate, "hour", None, "")
    line, seconds = priced(once, prices.quotes), durations.get(task.step)
    if seconds is None:
        return Training(model, None, task.machines, None, line.unknown)
    took = hours(seconds)
    cost = None if line.price is None else (point(took) * line.price).low.quantize(CENT)
    return Training(model, took, task.machines, cost, line.unknown)
