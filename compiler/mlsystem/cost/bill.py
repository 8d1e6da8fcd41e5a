"""What an environment uses in a month, what that costs, and where nobody knows.

Amounts are exact decimals in dollars; quantities may be ranges. Nothing that is not known counts as nothing: it stands
beside the sum by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal

from mlsystem.cost.public import Quote
from mlsystem_runtime.contract.base import Struct

ZERO = Decimal(0)
CENT = Decimal("0.01")


class Range(Struct):
    """From `low` to `high`, both included; a point where they are the same."""

    low: Decimal = ZERO
    high: Decimal = ZERO

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Range) -> Range:
        """End by end: how each of them moves."""
        return Range(self.low - other.low, self.high - other.high)

    def __mul__(self, factor: Decimal) -> Range:
        return Range(self.low * factor, self.high * factor)

    @property
    def is_point(self) -> bool:
        return self.low == self.high

    @property
    def cents(self) -> Range:
        return Range(self.low.quantize(CENT, ROUND_HALF_UP), self.high.quantize(CENT, ROUND_HALF_UP))


def point(value: Decimal | int | str) -> Range:
    return Range(Decimal(value), Decimal(value))


class Use(Struct):
    """Something that is paid for. `what` names it, the same from one plan to the next, and `each` says of what kind.
    `node` is what of the graph it comes from, `models` whose alone it is (none: all share it). One `unit` consists of
    `rate`: amounts by the name of a price. `quantity` a month; None: not known yet, and `assumption` says why. With
    `lever`, which says what somebody would write, `least` units are enough."""

    what: str
    each: str
    node: str
    models: tuple[str, ...]
    rate: Mapping[str, Decimal]
    unit: str
    quantity: Range | None
    assumption: str
    lever: str = ""
    least: Decimal = ZERO


class Line(Struct):
    """A use with its price: dollars of a unit, None where one of the prices `unknown` names is not known. `amount` is
    dollars a month, None where price or quantity is not known."""

    use: Use
    price: Decimal | None
    amount: Range | None
    unknown: tuple[str, ...]
    unverified: tuple[str, ...]


class Estimate(Struct):
    """`prices` says whose they are, and when; `excluded` what nobody counted, in words."""

    prices: str
    lines: tuple[Line, ...]
    excluded: tuple[str, ...] = ()

    @property
    def total(self) -> Range:
        """Of the lines whose amount is known."""
        return total(self.lines)

    @property
    def unknown(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.amount is None)

    @property
    def unverified(self) -> tuple[str, ...]:
        """Names of prices that count here and were read in one place only."""
        return tuple(sorted({name for line in self.lines for name in line.unverified}))

    @property
    def largest(self) -> tuple[Line, ...]:
        """Most expensive first; those that nobody knows at the end."""
        return tuple(sorted(self.lines, key=_rank))

    @property
    def by_model(self) -> dict[str, Range]:
        """Of lines that are one model's alone; what several share is `shared`."""
        models = sorted({line.use.models[0] for line in self.lines if len(line.use.models) == 1})
        return {model: total(line for line in self.lines if line.use.models == (model,)) for model in models}

    @property
    def shared(self) -> Range:
        return total(line for line in self.lines if len(line.use.models) != 1)


def _rank(line: Line) -> tuple[Decimal, Decimal, str]:
    amount = line.amount or Range(Decimal(-1), Decimal(-1))
    return -amount.high, -amount.low, line.use.what


def total(lines: Iterable[Line]) -> Range:
    """To the cent, of what is known."""
    return sum((line.amount for line in lines if line.amount is not None), Range()).cents


def priced(use: Use, quotes: Mapping[str, Quote]) -> Line:
    unknown = tuple(name for name in use.rate if name not in quotes)
    price = None if unknown else sum((quotes[name].dollars * amount for name, amount in use.rate.items()), ZERO)
    amount = None if price is None or use.quantity is None else use.quantity * price
    unverified = tuple(name for name in use.rate if name in quotes and not quotes[name].verified)
    return Line(use, price, amount, unknown, unverified)


def levers(found: Estimate, limit: Decimal) -> Iterator[tuple[Line, Decimal]]:
    """The fewest lines that somebody could lower, and by how much each, so that the least of the sum is within `limit`:
    the smallest one that is enough alone, else the greatest first; all of them where they are not enough together."""
    over = found.total.low - limit
    able = [(line, saved) for line in found.lines if (saved := saving(line)) > 0]
    able.sort(key=lambda one: (one[1], one[0].use.least == 0))  # rather less of something than doing without
    alone = next((one for one in able if one[1] >= over), None)
    if alone is not None:
        yield alone
        return
    for line, saved in reversed(able):
        if over <= 0:
            return
        yield line, saved
        over -= saved


def saving(line: Line) -> Decimal:
    """What the lever of a line takes from its least amount."""
    use = line.use
    if not use.lever or use.quantity is None or line.price is None:
        return ZERO
    return max(use.quantity.low - use.least, ZERO) * line.price
