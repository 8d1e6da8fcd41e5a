"""Prices by their names: public ones by region, the file's own before them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mlsystem.cost.price_list import NAMES, named, price_list
from mlsystem.cost.public import REGIONS, ROWS, quotes
from mlsystem.system.target import DeclaredPrices


@pytest.mark.parametrize("region", REGIONS)
def test_every_public_price_has_a_source_with_region_and_date_and_says_whether_it_was_verified(region: str):
    for name, quote in quotes(region).items():
        assert quote.source.endswith(region), name
        assert quote.dated is not None, name
        assert isinstance(quote.verified, bool)
        assert quote.dollars > 0, name


def test_every_row_has_a_price_or_a_gap_for_every_region():
    assert {len(row.prices.split()) for row in ROWS.values()} == {len(REGIONS)}


def test_every_price_of_the_first_region_is_known():
    assert set(quotes(REGIONS[0])) == set(ROWS)


def test_a_gap_is_no_price_at_all():
    assert "rds.postgres.db.t4g.micro" in quotes("us-east-1")
    assert "rds.postgres.db.t4g.micro" not in quotes("eu-central-1")


def test_of_a_region_that_nobody_knows_there_are_only_the_prices_of_the_file():
    found = price_list(DeclaredPrices(None, None, {"nat.hour": 0.05}), "ap-south-1")

    assert found.quotes["nat.hour"].dollars == Decimal("0.05")
    assert "eks.cluster" not in found.quotes


def test_the_file_goes_before_the_public_list_and_is_named():
    found = price_list(DeclaredPrices(None, None, {"nat.hour": 0.01}), "eu-west-1")

    assert (found.quotes["nat.hour"].dollars, found.quotes["nat.hour"].dated) == (Decimal("0.01"), None)
    assert found.quotes["nat.data"].dollars == Decimal("0.048")
    assert found.said == "AWS price list, eu-west-1, of 2026-04-30; the file's own prices"


def test_requests_in_a_cluster_somewhere_have_the_prices_of_the_reference_or_of_the_file():
    reference, own = price_list(None, None), price_list(DeclaredPrices(0.03, 0.002), None)

    assert reference.quotes["pod.cpu"].dollars == Decimal("0.04048")
    assert reference.said == "AWS Fargate, us-east-1, Linux on x86, of 2026-03-31"
    assert (own.quotes["pod.cpu"].dollars, own.quotes["pod.memory"].dollars) == (Decimal("0.03"), Decimal("0.002"))


def test_a_price_of_gpus_is_nobodys_but_the_files():
    assert "pod.gpu.a10g" not in price_list(None, None).quotes
    assert price_list(DeclaredPrices(None, None, {"pod.gpu.a10g": 1.1}), None).quotes[
        "pod.gpu.a10g"
    ].dollars == Decimal("1.1")


def test_names_of_prices_are_those_of_the_table_and_of_pods():
    assert all(named(name) for name in (*NAMES, "pod.gpu.h100"))
    assert not named("nat.hours")
