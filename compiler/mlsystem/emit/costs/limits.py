"""`limits.max_cost` of an environment: hard where even the least of its costs is more, a warning where the most is."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from mlsystem.cost.bill import Estimate, Line, Range, levers
from mlsystem.cost.consumption import Costs, estimated
from mlsystem.cost.estimate import dollars
from mlsystem.passes.draft import Path, Problems
from mlsystem.system.target import KubernetesTarget

NAMED: Final = 3
"""Of the most expensive lines."""


def check_limit(costs: Costs, target: KubernetesTarget, environment: str, problems: Problems) -> None:
    if target.max_cost is None:
        return
    limit, found = Decimal(str(target.max_cost)), estimated(costs.used, costs.prices, {})
    place: Path = ("environments", environment, "limits", "max_cost")
    said = f"a month in {environment}, {{}} than `max_cost` allows: {dollars(limit)}"
    if found.total.low > limit:
        message = f"{worth(found.total.low, found)} {said.format('more')}"
        problems.error("MLS670", message, place, f"{largest(found)}; {under(found, limit)}")
        return
    check_known(found, place, problems)
    if found.total.high > limit:
        message = f"with the most replicas all the time {worth(found.total.high, found)} {said.format('more')}"
        solve = "`mlsystem capacity solve` says how many there are on average"
        problems.warning("MLS671", message, place, f"{largest(found)}; {solve}")


def check_known(found: Estimate, place: Path, problems: Problems) -> None:
    """A limit holds nothing back whose price nobody knows."""
    without = [line for line in found.lines if line.unknown]
    if without:
        names = listed(sorted({name for line in without for name in line.unknown})[:NAMED])
        message = f"{len(without)} of {len(found.lines)} lines have no price that is known, and are under no limit"
        problems.warning("MLS673", message, place, f"give what they cost under `prices.items`: {names}")


def worth(amount: Decimal, found: Estimate) -> str:
    return f"{'at least ' if found.unknown else ''}{dollars(amount)}"


def largest(found: Estimate) -> str:
    """Which lines cost most, at whose prices."""
    lines = [line for line in found.largest if line.amount is not None][:NAMED]
    return f"most are {listed([f'{line.use.what}, {span(line)}' for line in lines])}, at the prices of {found.prices}"


def span(line: Line) -> str:
    assert line.amount is not None, "its caller has looked"
    return between(line.amount)


def between(amount: Range) -> str:
    low, high = dollars(amount.low), dollars(amount.high)
    return low if low == high else f"{low} to {high}"


def under(found: Estimate, limit: Decimal) -> str:
    """What would bring it under the limit, as somebody would write it."""
    chosen = list(levers(found, limit))
    saved = sum((one for _, one in chosen), Decimal(0))
    if found.total.low - saved > limit:
        return f"no setting of the file brings it under: allow {dollars(found.total.low)}, or ask for less"
    return f"to come under it write {listed([f'{line.use.lever} (-{dollars(one)})' for line, one in chosen])}"


def listed(words: list[str]) -> str:
    *some, last = words
    return f"{'; '.join(some)}; and {last}" if some else last
