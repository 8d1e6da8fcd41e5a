"""What a search finds, beside what is commonly set and beside as many replicas all the time.

A day of 60 requests/s on average and 120 at its peak, and an hour with a crowd from 40 to 120 within a minute; 50 ms a
request (give or take a half), 5 s until a new replica answers; promised are 95% within 250 ms and 99% answered. All are
simulated in the same way: on the whole trace, with requests that the search has not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean
from typing import Any

from mlsystem.capacity import traffic
from mlsystem.capacity.certificate import Certificate, Settings
from mlsystem.capacity.inputs import Controller, Demand, Inputs, Machine, Price, Speed, Wanted
from mlsystem.capacity.search import always
from mlsystem.capacity.solve import Case, cheapest_static, solve, whole_day
from mlsystem.capacity.traffic import Trace
from mlsystem.capacity.trials import Outcome
from mlsystem.capacity.words import described
from mlsystem.cost.prices import REFERENCE
from mlsystem.system.target import ServingHardware
from mlsystem_runtime.contract.run import Slo

PROMISED = Slo(250_000, 0.95, 0.99, 30 * 86_400_000_000)
CONTROLLERS: tuple[Controller, ...] = ("hpa", "keda", "knative")
USUAL = Settings("hpa", "cpu", 0.8, 2, 40)
SEED, REPLICATIONS = 4711, 3
TRACES = {
    "a day": traffic.diurnal(mean=60.0, peak=120.0, seed=1, noise=0.1),
    "a flash crowd": traffic.flash_crowd(40.0, 120.0),
}


def main() -> list[dict[str, Any]]:
    return [row for name, trace in TRACES.items() for row in rows(name, trace)]


def rows(name: str, trace: Trace) -> Iterator[dict[str, Any]]:
    static = cheapest_static(case(trace, "hpa").question())
    assert static is not None
    always_there = measured(trace, always(case(trace, "hpa").inputs.scaling, static.settings.min_replicas))
    yield from held(f"{name}, HPA at 80% CPU", measured(trace, USUAL), described(USUAL), promised=False)
    yield from held(f"{name}, static", always_there, described(static.settings))
    for controller in CONTROLLERS:
        settings = found(trace, controller).settings
        outcomes = measured(trace, settings)
        ours, theirs = replicas(outcomes), replicas(always_there)
        yield from held(f"{name}, certified for {controller}", outcomes, described(settings))
        yield row(f"{name}, certified for {controller}: cost against static", ours / theirs,
                  f"x ({ours:.2f} / {theirs:.0f} replicas)", "≤ 0.99", "static")  # fmt: skip


def case(trace: Trace, controller: Controller) -> Case:
    price = Price(str(REFERENCE.cpu), str(REFERENCE.memory), str(REFERENCE))
    inputs = Inputs(
        PROMISED, Demand(None, None, "built in"), Wanted(controller, 40, None, None, None, None),
        Machine(ServingHardware(1.0, 2**31), 1), Speed(None, 50_000, 5_000_000), price,
    )  # fmt: skip
    return Case(inputs, recorded=trace)


def found(trace: Trace, controller: Controller) -> Certificate:
    certificate = solve(case(trace, controller), front=False).certificate
    assert certificate is not None, f"nothing holds with {controller}"
    return certificate


def measured(trace: Trace, settings: Settings) -> list[Outcome]:
    question = case(trace, settings.controller).question()
    return [question.endpoint.run(settings, whole_day(question), SEED, number) for number in range(REPLICATIONS)]


def replicas(outcomes: list[Outcome]) -> float:
    return fmean(one.replicas for one in outcomes)


def held(name: str, outcomes: list[Outcome], reference: str, *, promised: bool = True) -> Iterator[dict[str, Any]]:
    sign = "≥" if promised else "≤"
    for says, shares, least in (
        ("answered", [one.availability for one in outcomes], 99),
        ("answered within 250 ms", [one.attainment for one in outcomes], 95),
    ):
        yield row(f"{name}: {says}", 100 * fmean(shares), "%", f"{sign} {least}", reference)


def row(name: str, value: float, unit: str, target: str, reference: str = "") -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "reference": reference}
