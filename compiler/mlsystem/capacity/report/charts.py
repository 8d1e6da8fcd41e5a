"""What is drawn of a timeline and of a front, each with the numbers that stand beside it as a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mlsystem.capacity.certificate import Choice, Settings
from mlsystem.capacity.report.svg import Band, Chart, Colour, Dot, Level, Line, Point, clock, decades, hours, linear
from mlsystem.capacity.report.timeline import Timeline
from mlsystem.capacity.report.words import money, per_second, seconds, share
from mlsystem.capacity.simulation.fleet import Count
from mlsystem.capacity.simulation.layout import Floats
from mlsystem.capacity.words import described
from mlsystem_runtime.contract.run import Slo

ROWS: Final = 24
"""Of a table beside a chart at most."""


@dataclass(frozen=True)
class Table:
    """`head` names the columns; the first cell of a row names it."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """`legend`: the names of lines with their colours are those of the chart."""

    chart: Chart
    table: Table


def traffic(line: Timeline) -> Figure:
    rates = line.came / line.step
    top = int(np.argmax(rates))
    says = f"From {per_second(rates.min())} to {per_second(rates[top])}, which is reached at {moment(line.times[top])}."
    drawn = Chart(
        "Traffic", says, clock(line.start, line.end), linear(0.0, float(rates.max()), "requests/s", per_tick),
        (Line("requests a second", "a", stairs(line, rates), stepped=True, filled=True),), bands=warming(line),
    )  # fmt: skip
    rows = ((moment(line.times[one]), per_second(float(rates[one:until].mean()))) for one, until in parts(line))
    return Figure(drawn, Table(("from", "requests a second"), tuple(rows)))


def replicas(line: Timeline, most: int) -> Figure:
    """`most`: what `max_replicas` allows."""
    desired, ready = (steps_of(line, name) for name in ("desired", "ready"))
    high = max(value for _, value in desired)
    says = f"Between {min(value for _, value in desired):g} and {high:g} replicas are asked for; at most {most} may be."
    drawn = Chart(
        "Replicas", says, clock(line.start, line.end), linear(0.0, max(float(high), 2.0), "replicas", "{:.0f}".format),
        (
            Line("ready", "a", ready, stepped=True, filled=True),
            Line("asked for", "b", desired, stepped=True),
        ),
        (Level(float(most), f"max_replicas {most}"),) if most <= high * 1.4 else (), bands=warming(line),
    )  # fmt: skip
    rows = (
        (moment(line.times[one]), *(f"{mean_of(points, line, one, until):.1f}" for points in (desired, ready)))
        for one, until in parts(line)
    )
    return Figure(drawn, Table(("from", "asked for, mean", "ready, mean"), tuple(rows)))


def latency(line: Timeline, threshold: float | None, objective: float | None) -> Figure:
    """On a scale where equal factors are equally far apart, as latencies differ by factors."""
    known = np.concatenate([values[np.isfinite(values)] for values in line.quantiles.values()])
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.001, 1.0)
    if threshold is not None:
        low, high = min(low, threshold), max(high, threshold * 1.05)
    names: tuple[tuple[float, Colour], ...] = ((0.5, "c"), (0.95, "a"), (0.99, "b"))
    lines = tuple(
        Line(f"p{percentile * 100:g}", colour, middles(line, line.quantiles[percentile]))
        for percentile, colour in names
    )
    levels = () if threshold is None else (Level(threshold, f"objective {seconds(threshold)}"),)
    worst = float(np.nanmax(line.quantiles[0.95])) if len(known) else 0.0
    says = f"The 95th percentile of a window is at most {seconds(worst)}."
    if threshold is not None and objective is not None:
        says += f" The objective is {seconds(threshold)} for {share(objective)} of the requests."
    drawn = Chart(
        "Latency", says, clock(line.start, line.end), decades(low, high, "latency", seconds), lines, levels,
        bands=warming(line),
    )  # fmt: skip
    rows = (
        (moment(line.times[one]), *(worst_of(line.quantiles[name][one:until]) for name, _ in names))
        for one, until in parts(line)
    )
    return Figure(drawn, Table(("from", *(f"p{name * 100:g}, worst window" for name, _ in names)), tuple(rows)))


def budget(line: Timeline, objective: float | None, availability: float | None) -> Figure:
    """How much of what each promise lets be bad is gone by each moment: beside all of it where that is near."""
    promised: tuple[tuple[str, Colour, Floats, float | None], ...] = (
        ("in time", "d", line.bad, objective), ("answered", "b", line.unanswered, availability),
    )  # fmt: skip
    gone = {name: (colour, line.burnt(bad, share)) for name, colour, bad, share in promised if share is not None}
    spent = {name: float(values[-1]) for name, (_, values) in gone.items()}
    near = max(spent.values()) > 0.3
    high = max(1.0, *spent.values()) if near else max(0.001, *spent.values()) * 1.25
    says = " ".join(f"By the end {share(part)} of what may not be {name} is gone." for name, part in spent.items())
    drawn = Chart(
        "Error budget burnt", says, clock(line.start, line.end), linear(0.0, high, "burnt", share),
        tuple(Line(f"of what may not be {name}", colour, ends(line, values), filled=name == "in time")
              for name, (colour, values) in gone.items()),
        (Level(1.0, "all of it"),) if near else (), bands=warming(line),
    )  # fmt: skip
    rows = (
        (moment(line.times[until - 1] + line.step), *(share(float(values[until - 1])) for _, values in gone.values()))
        for _, until in parts(line)
    )
    return Figure(drawn, Table(("by", *(f"burnt of: {name}" for name in gone)), tuple(rows)))


def front(choices: Sequence[Choice], chosen: Settings, slo: Slo) -> Figure:
    """Cost, and how much of the error budget is spent at most: what is cheaper than a point spends more."""
    ordered = sorted(choices, key=lambda one: one.cost)
    points = tuple((one.cost, spent(one, slo)) for one in ordered)
    costs, shares = [cost for cost, _ in points], [part for _, part in points]
    margin = max((max(costs) - min(costs)) * 0.08, max(costs) * 0.03, 0.01)
    dots = tuple(
        Dot(
            point, "a" if one.certified else "d", f"{described(one.settings)}: {money(one.cost)} a month,"
            f" {share(point[1])} of the error budget", not one.certified,
            "certified" if one.settings == chosen else "",
        )
        for one, point in zip(ordered, points, strict=True)
    )  # fmt: skip
    says = f"{len(ordered)} configurations, from {money(min(costs))} to {money(max(costs))} a month."
    drawn = Chart(
        "Cost and error budget spent", says,
        linear(max(0.0, min(costs) - margin), max(costs) + margin, "cost", money, 6),
        decades(min(*shares, 1.0), max(*shares, 1.0), "spent", share), (Line("front", "c", points, dashed=True),),
        (Level(1.0, "all of it"),), dots,
    )  # fmt: skip
    rows = (
        (
            described(one.settings) + (", the certified one" if one.settings == chosen else ""), money(one.cost),
            share(one.attainment), share(one.availability), share(part), "yes" if one.certified else "no",
        )
        for one, (_, part) in zip(ordered, points, strict=True)
    )  # fmt: skip
    head = ("configuration", "a month", "in time at least", "answered at least", "budget spent", "holds everywhere")
    return Figure(drawn, Table(head, tuple(rows)))


def spent(choice: Choice, slo: Slo) -> float:
    """The share of the error budget, of the promise that has the least left; as much as a logarithmic axis shows."""
    promised = ((choice.attainment, slo.objective), (choice.availability, slo.availability))
    return max(0.001, *((1.0 - kept) / (1.0 - share) for kept, share in promised if share is not None))


def parts(line: Timeline) -> Iterable[tuple[int, int]]:
    """Windows in as many groups as a table has rows."""
    count = len(line.came)
    size = max(1, math.ceil(count / ROWS))
    return [(first, min(first + size, count)) for first in range(0, count, size)]


def warming(line: Timeline) -> tuple[Band, ...]:
    """What counts for nothing."""
    return (Band(line.start, line.since, "warming up"),) if line.since > line.start else ()


def stairs(line: Timeline, values: Floats) -> tuple[Point, ...]:
    return (*zip(line.times.tolist(), values.tolist(), strict=True), (line.end, float(values[-1])))


def ends(line: Timeline, values: Floats) -> tuple[Point, ...]:
    """What is known at the end of each window, from nothing on."""
    return ((line.start, 0.0), *zip((line.times + line.step).tolist(), values.tolist(), strict=True))


def middles(line: Timeline, values: Floats) -> tuple[Point, ...]:
    return tuple(zip((line.times + line.step / 2).tolist(), values.tolist(), strict=True))


def steps_of(line: Timeline, name: str) -> tuple[Point, ...]:
    """Of `desired`, `ready` or `existing`; of a moment the last counts."""
    points = [(one.time, float(number_of(one, name))) for one in line.counts if one.time <= line.end]
    return (*points, (line.end, points[-1][1]))


def number_of(count: Count, name: str) -> int:
    return {"desired": count.desired, "ready": count.ready, "existing": count.existing}[name]


def mean_of(points: Sequence[Point], line: Timeline, first: int, until: int) -> float:
    """Over the time of these windows."""
    begin, end = line.start + first * line.step, line.start + until * line.step
    moments = np.array([at for at, _ in points])
    values = np.array([value for _, value in points])
    inside = np.unique(np.concatenate([[begin, end], moments[(moments > begin) & (moments < end)]]))
    held = values[np.searchsorted(moments, inside[:-1], side="right") - 1]
    return float(np.average(held, weights=np.diff(inside)))


def worst_of(values: Floats) -> str:
    known = values[np.isfinite(values)]
    return seconds(float(known.max())) if len(known) else "none answered"


def moment(at: float) -> str:
    day, rest = divmod(round(at), 86_400)
    return (f"day {day + 1} " if day else "") + hours(rest, 30 if rest % 60 else 60)


def per_tick(value: float) -> str:
    return f"{value:g}"
