"""Numbers as the page says them."""

from __future__ import annotations

from decimal import Decimal

from mlsystem.capacity.certificate import Behaviour, Direction
from mlsystem.cost.estimate import dollars


def money(amount: float) -> str:
    return dollars(Decimal(str(round(amount, 4))))


def seconds(value: float) -> str:
    if value < 0.001:
        return f"{value * 1e6:.3g} µs"
    return f"{value * 1000:.3g} ms" if value < 1.0 else f"{value:.3g} s"


def share(value: float) -> str:
    """A percentage; near 100% with as many digits as it takes to see what is missing."""
    percent = value * 100.0
    rest = 100.0 - percent
    if percent >= 99.0 and rest > 1e-9:
        digits = 2 if rest >= 0.05 else 3 if rest >= 0.005 else 4
        return f"{percent:.{digits}f}".rstrip("0").rstrip(".") + "%"
    return f"{percent:.3g}%" if percent < 1000 else f"{percent:,.0f}%"


def per_second(value: float) -> str:
    return f"{value:.3g} rps" if value < 1000 else f"{value:,.0f} rps"


def behaviour_in_words(behaviour: Behaviour | None) -> str:
    if behaviour is None:
        return "the controller's own"
    return f"up: {direction_in_words(behaviour.up, '+')}; down: {direction_in_words(behaviour.down, '-')}"


def direction_in_words(direction: Direction, sign: str) -> str:
    unit = {"pods": " pods", "percent": "%"}
    policies = " or ".join(f"{sign}{one.value}{unit[one.kind]} in {one.period} s" for one in direction.policies)
    return f"{policies}, of the last {direction.window} s" if direction.window else policies
