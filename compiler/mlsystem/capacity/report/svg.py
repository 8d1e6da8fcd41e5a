"""A line chart as SVG: drawn by hand, without scripts, in the colours of the page that it stands in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final, Literal, TypeAlias

WIDTH, HEIGHT = 760, 230
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 12, 34

Point: TypeAlias = tuple[float, float]
Colour = Literal["a", "b", "c", "d"]
"""Of the page's four; `d` is for what is bad."""
TIME_STEPS: Final = (
    30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000,
)  # fmt: skip


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, which `ticks` (value, label) divide; `log` where equal factors are equally far apart."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    title: str
    log: bool = False

    def share(self, value: float) -> float:
        """Where on it a value is, 0 at its beginning and 1 at its end; what lies beyond is at the end."""
        low, high, value = (math.log(max(one, 1e-9)) if self.log else one for one in (self.low, self.high, value))
        return min(1.0, max(0.0, (value - low) / (high - low)))


@dataclass(frozen=True)
class Line:
    """`points` in order; a NaN leaves a gap. `stepped`: a value holds until the next point; `filled` down to zero."""

    name: str
    colour: Colour
    points: tuple[Point, ...]
    stepped: bool = False
    filled: bool = False
    dashed: bool = False


@dataclass(frozen=True)
class Level:
    """A horizontal line that means something."""

    value: float
    label: str


@dataclass(frozen=True)
class Band:
    """A stretch of the horizontal axis that is to be seen otherwise."""

    low: float
    high: float
    label: str


@dataclass(frozen=True)
class Dot:
    """A point of its own; `says` is shown where a pointer rests."""

    at: Point
    colour: Colour
    says: str
    hollow: bool = False
    label: str = ""


@dataclass(frozen=True)
class Chart:
    """`says` is what a reader who does not see it is told."""

    title: str
    says: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...] = ()
    levels: tuple[Level, ...] = ()
    dots: tuple[Dot, ...] = ()
    bands: tuple[Band, ...] = ()


def draw(chart: Chart, key: str) -> str:
    """`key` is unique on the page."""
    parts = [
        *(band(chart, one) for one in chart.bands), *grid(chart.x, chart.y),
        *(shape(chart, line) for line in chart.lines if line.filled),
        *(level(chart, one) for one in chart.levels), *(path(chart, line) for line in chart.lines),
        *(dot(chart, one) for one in chart.dots),
    ]  # fmt: skip
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{key}-t {key}-d">'
        f'<title id="{key}-t">{escape(chart.title)}</title><desc id="{key}-d">{escape(chart.says)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def place(chart: Chart, point: Point) -> tuple[float, float]:
    x = LEFT + chart.x.share(point[0]) * (WIDTH - LEFT - RIGHT)
    y = HEIGHT - BOTTOM - chart.y.share(point[1]) * (HEIGHT - TOP - BOTTOM)
    return round(x, 1), round(y, 1)


def grid(x: Axis, y: Axis) -> Iterator[str]:
    empty = Chart("", "", x, y)
    for value, label in y.ticks:
        _, at = place(empty, (x.low, value))
        yield f'<path class="grid" d="M{LEFT} {at}H{WIDTH - RIGHT}"/>'
        yield f'<text class="tick" x="{LEFT - 8}" y="{at + 4:g}" text-anchor="end">{escape(label)}</text>'
    for value, label in x.ticks:
        at, _ = place(empty, (value, y.low))
        yield f'<path class="axis" d="M{at} {HEIGHT - BOTTOM}v5"/>'
        anchor = "end" if at > WIDTH - RIGHT - 20 else "middle"
        yield f'<text class="tick" x="{at}" y="{HEIGHT - BOTTOM + 18}" text-anchor="{anchor}">{escape(label)}</text>'
    yield f'<path class="axis" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>'


def path(chart: Chart, line: Line) -> str:
    drawn = "".join(stroke(chart, run, line.stepped) for run in runs(line.points))
    dashed = " dashed" if line.dashed else ""
    return f'<path class="line {line.colour}{dashed}" d="{drawn}"/>' if drawn else ""


def shape(chart: Chart, line: Line) -> str:
    """The area below a line."""
    drawn = ""
    for run in runs(line.points):
        (first, _), (last, _) = place(chart, run[0]), place(chart, run[-1])
        drawn += f"{stroke(chart, run, line.stepped)}L{last:g} {HEIGHT - BOTTOM}L{first:g} {HEIGHT - BOTTOM}Z"
    return f'<path class="area {line.colour}" d="{drawn}"/>'


def runs(points: Iterable[Point]) -> Iterator[list[Point]]:
    """What lies between gaps."""
    run: list[Point] = []
    for point in points:
        if math.isnan(point[1]):
            if run:
                yield run
            run = []
        else:
            run.append(point)
    if run:
        yield run


def stroke(chart: Chart, run: Sequence[Point], stepped: bool) -> str:
    spots = [place(chart, point) for point in run]
    drawn = f"M{spots[0][0]:g} {spots[0][1]:g}"
    for (_, before), (x, y) in pairwise(spots):
        drawn += (f"H{x:g}" if stepped else f"L{x:g} {y:g}") + (f"V{y:g}" if stepped and y != before else "")
    return drawn if len(spots) > 1 else f"{drawn}h1"


def level(chart: Chart, one: Level) -> str:
    _, y = place(chart, (chart.x.low, one.value))
    beside = y + 14 if y < TOP + 16 else y - 6
    return (
        f'<path class="level" d="M{LEFT} {y:g}H{WIDTH - RIGHT}"/>'
        f'<text class="mark" x="{WIDTH - RIGHT - 4}" y="{beside:g}" text-anchor="end">{escape(one.label)}</text>'
    )


def band(chart: Chart, one: Band) -> str:
    (left, top), (right, bottom) = place(chart, (one.low, chart.y.high)), place(chart, (one.high, chart.y.low))
    return (
        f'<rect class="band" x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}"/>'
        f'<text class="tick" x="{left + 6:g}" y="{top + 14:g}">{escape(one.label)}</text>'
    )


def dot(chart: Chart, one: Dot) -> str:
    x, y = place(chart, one.at)
    hollow = " hollow" if one.hollow else ""
    shown = f"<title>{escape(one.says)}</title>"
    drawn = f'<circle class="dot {one.colour}{hollow}" cx="{x:g}" cy="{y:g}" r="5">{shown}</circle>'
    if not one.label:
        return drawn
    beside = y - 10 if y > HEIGHT - BOTTOM - 26 else y + 18
    at, anchor = (x - 6, "end") if x > WIDTH / 2 else (x - 4, "start")
    return f'{drawn}<text class="mark" x="{at:g}" y="{beside:g}" text-anchor="{anchor}">{escape(one.label)}</text>'


def linear(low: float, high: float, title: str, label: Callable[[float], str], count: int = 4) -> Axis:
    """Ticks at 1, 2 or 5 times a power of ten; the axis ends at the first that covers `high`."""
    step = nice((high - low) / count or 1.0)
    first = math.floor(low / step + 1e-9)
    last = max(first + 1, math.ceil(high / step - 1e-9))
    ticks = tuple((number * step, label(number * step)) for number in range(first, last + 1))
    return Axis(ticks[0][0], ticks[-1][0], ticks, title)


def nice(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if step <= factor * power * (1 + 1e-9))


def decades(low: float, high: float, title: str, label: Callable[[float], str]) -> Axis:
    """With equal factors equally far apart; ticks at 1, 2 and 5 times powers of ten, over many decades only the powers.
    """
    factors = (1, 2, 5) if high / low < 300 else (1,)
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    marks = [factor * 10.0**power for power in powers for factor in factors]
    first = max((mark for mark in marks if mark <= low * 1.001), default=marks[0])
    last = min((mark for mark in marks if mark >= high * 0.999 and mark > first), default=marks[-1])
    ticks = tuple((mark, label(mark)) for mark in marks if first <= mark <= last)
    return Axis(first, last, ticks, title, log=True)


def clock(low: float, high: float) -> Axis:
    """Seconds since the traffic began, as hours and minutes."""
    step = next((step for step in TIME_STEPS if (high - low) / step <= 9), TIME_STEPS[-1])
    first = math.ceil(low / step - 1e-9)
    marks = range(first, math.floor(high / step + 1e-9) + 1)
    return Axis(low, high, tuple((mark * step, hours(mark * step, step)) for mark in marks), "time")


def hours(seconds: float, step: int) -> str:
    day, rest = divmod(int(seconds), 86_400)
    if step >= 86_400:
        return f"day {day + 1}"
    shown = f"{rest // 3600:02}:{rest % 3600 // 60:02}" + (f":{rest % 60:02}" if step < 60 else "")
    if rest == 0 and day:
        return "24:00" if day == 1 else f"day {day + 1}"
    return shown
