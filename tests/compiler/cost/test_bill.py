"""Sums of what is used, against their definition."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import combinations

import pytest

from mlsystem.cost.bill import Estimate, Line, Range, Use, levers, point, priced, saving, total
from mlsystem.cost.public import Quote

QUOTES = {
    name: Quote(name, "hour", Decimal(price), "a table for tests", None, verified=name != "third")
    for name, price in (("first", "0.1"), ("second", "0.003"), ("third", "7"))
}


def use(what: str = "servers", **fields: object) -> Use:
    given = {
        "each": "1 CPU", "node": "endpoint.main", "models": (), "rate": {"first": Decimal(1)}, "unit": "hour",
        "quantity": point(730), "assumption": "all month",
    }  # fmt: skip
    return Use(what=what, **{**given, **fields})  # type: ignore[arg-type]


def lines(*uses: Use) -> tuple[Line, ...]:
    return tuple(priced(one, QUOTES) for one in uses)


def some_uses(seed: int) -> list[Use]:
    draw = random.Random(seed)
    return [
        use(
            f"use {number}",
            models=draw.choice([(), ("late",), ("rain",), ("late", "rain")]),
            rate={
                name: Decimal(draw.randrange(1, 9)) / 4
                for name in draw.sample(["first", "second", "third", "other"], 2)
            },
            quantity=draw.choice([None, point(draw.randrange(900)), Range(Decimal(draw.randrange(9)), Decimal(900))]),
        )
        for number in range(draw.randrange(1, 12))
    ]


def test_a_unit_costs_what_it_consists_of_without_rounding():
    line = priced(use(rate={"first": Decimal("0.5"), "second": Decimal(3)}), QUOTES)

    assert line.price == Decimal("0.059")
    assert line.amount == point(Decimal("43.07"))


def test_a_range_of_units_is_a_range_of_money():
    line = priced(use(quantity=Range(Decimal(730), Decimal(7300))), QUOTES)

    assert line.amount == Range(Decimal(73), Decimal(730))


def test_an_unknown_price_is_named_and_never_counts_as_nothing():
    line = priced(use(rate={"first": Decimal(1), "gold": Decimal(1)}), QUOTES)

    assert (line.price, line.amount, line.unknown) == (None, None, ("gold",))
    assert Estimate("", (line,)).unknown == (line,)


def test_what_is_not_known_to_be_used_has_a_price_and_no_amount():
    line = priced(use(quantity=None), QUOTES)

    assert (line.price, line.amount, line.unknown) == (Decimal("0.1"), None, ())


def test_prices_that_were_read_in_one_place_only_are_named():
    found = Estimate("", lines(use(), use("others", rate={"third": Decimal(1)})))

    assert found.unverified == ("third",)


@pytest.mark.parametrize("seed", range(40))
def test_sums_are_what_adding_up_gives(seed: int):
    found = Estimate("", lines(*some_uses(seed)))
    low = high = Decimal(0)
    for one in found.lines:
        if one.use.quantity is not None and not set(one.use.rate) - set(QUOTES):
            price = sum(QUOTES[name].dollars * amount for name, amount in one.use.rate.items())
            low, high = low + one.use.quantity.low * price, high + one.use.quantity.high * price
    parts = [*found.by_model.values(), found.shared]

    assert abs(found.total.low - low) <= Decimal("0.005")
    assert abs(found.total.high - high) <= Decimal("0.005")
    assert abs(sum(part.high for part in parts) - found.total.high) <= Decimal("0.005") * (len(parts) + 1)


def test_the_most_expensive_line_comes_first_and_unknown_ones_last():
    small, large, unknown = lines(use("small", quantity=point(1)), use("large"), use("unknown", quantity=None))

    assert Estimate("", (unknown, small, large)).largest == (large, small, unknown)


def test_a_lever_saves_what_is_above_the_least():
    line = priced(use(quantity=point(2190), lever="one zone", least=Decimal(730)), QUOTES)

    assert saving(line) == Decimal(146)
    assert saving(priced(use(), QUOTES)) == 0


@pytest.mark.parametrize("seed", range(40))
def test_levers_bring_a_sum_under_its_limit_wherever_all_of_them_together_can(seed: int):
    draw = random.Random(seed)
    able = [use(f"use {number}", quantity=point(draw.randrange(900)), lever="less") for number in range(5)]
    found = Estimate("", lines(*able, use()))
    limit = Decimal(draw.randrange(60, 300))
    over = found.total.low - limit
    savings = [saving(line) for line in found.lines]
    chosen = sum((saved for _, saved in levers(found, limit)), Decimal(0))

    assert (chosen >= over) == (sum(savings) >= over)
    if over > 0 and any(saved >= over for saved in savings):
        assert chosen == min(saved for saved in savings if saved >= over)
    if over > 0 and sum(savings) >= over:
        fewest = next(size for size in range(1, 7) if any(sum(some) >= over for some in combinations(savings, size)))
        assert len(list(levers(found, limit))) == fewest


def test_a_sum_is_to_the_cent():
    assert total(lines(use(quantity=point("0.04")))) == point("0.00")
    assert total(lines(use(quantity=point("0.05")))) == point("0.01")
