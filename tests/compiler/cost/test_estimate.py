from datetime import date
from decimal import Decimal

import pytest

from mlsystem.cost.estimate import dollars, replica_hour, replicas_month
from mlsystem.cost.prices import REFERENCE, Prices, prices_of
from mlsystem.system.target import DeclaredPrices, ServingHardware

ROUND = Prices(Decimal("0.10"), Decimal("0.01"), "a table for tests", date(2026, 1, 1))
LARGE = ServingHardware(cpu=2.0, memory_bytes=4 * 2**30)


def test_a_replica_costs_what_it_requests():
    assert replica_hour(LARGE, ROUND) == Decimal("0.24")


def test_part_of_a_core_costs_part_of_its_price_without_rounding():
    assert replica_hour(ServingHardware(0.1, 256 * 2**20), ROUND) == Decimal("0.0125")


def test_a_month_has_730_hours_and_any_mean_of_replicas():
    assert replicas_month(3, LARGE, ROUND) == Decimal("525.60")
    assert replicas_month(2.5, LARGE, ROUND) == Decimal("438.00")


@pytest.mark.parametrize(("amount", "shown"), [
    ("0", "$0.00"), ("0.005", "$0.01"), ("9.99", "$9.99"), ("9.995", "$10"), ("38.4", "$38"), ("-38.5", "-$39"),
    ("1234.5", "$1,235"), ("-0.001", "$0.00"),
])  # fmt: skip
def test_money_is_shown_as_precisely_as_it_is_read(amount, shown):
    assert dollars(Decimal(amount)) == shown


def test_prices_of_the_file_are_exactly_what_stands_there_and_have_no_date():
    own = prices_of(DeclaredPrices(cpu=0.04, memory=0.1))

    assert (own.cpu, own.memory, own.dated) == (Decimal("0.04"), Decimal("0.1"), None)
    assert prices_of(None) is REFERENCE


def test_prices_say_whose_they_were_and_when():
    assert REFERENCE.source
    assert REFERENCE.dated is not None
    assert str(REFERENCE).endswith(f", of {REFERENCE.dated.isoformat()}")
