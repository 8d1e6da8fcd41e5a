"""Formulas of queues against published values, against their definitions, and against each other."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem.capacity import queueing
from mlsystem.capacity.queueing import Service, Wait


def erlang_c_by_sum(load: Fraction, servers: int) -> Fraction:
    """The definition: the last term of a truncated series over all of it, exactly."""
    terms = [load**number / math.factorial(number) for number in range(servers)]
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(terms) + last)


def mmc_beyond(rate: float, service: float, servers: int, seconds: float) -> float:
    """P(wait + service > seconds) of M/M/c: an exponential service after none or an exponential wait."""
    share, spare, mu = queueing.erlang_c(rate * service, servers), servers / service - rate, 1 / service
    both = (spare * math.exp(-mu * seconds) - mu * math.exp(-spare * seconds)) / (spare - mu)
    return (1 - share) * math.exp(-mu * seconds) + share * both


@pytest.mark.parametrize(
    ("servers", "load"), [(1, 0.0101), (5, 1.36), (10, 4.46), (20, 12.03), (50, 37.90), (100, 84.06)]
)
def test_a_group_of_lines_blocks_one_call_in_a_hundred_at_the_load_of_the_published_table(
    servers: int, load: float
) -> None:
    assert queueing.erlang_b(load, servers) == pytest.approx(0.01, rel=0.01)


def test_ten_erlangs_and_fourteen_agents_are_as_in_every_textbook_of_call_centres() -> None:
    wait = queueing.mmc(rate=200 / 3600, service=180.0, servers=14)

    assert wait.share == pytest.approx(0.174, abs=5e-4)
    assert wait.average() == pytest.approx(7.8, abs=0.05)
    assert 1 - wait.beyond(20.0) == pytest.approx(0.888, abs=5e-4)


@given(st.integers(1, 25), st.integers(1, 99))
def test_the_share_that_waits_is_what_the_direct_sum_says(servers: int, percent: int) -> None:
    load = Fraction(servers * percent, 100)

    assert queueing.erlang_c(float(load), servers) == pytest.approx(float(erlang_c_by_sum(load, servers)), rel=1e-12)


def test_one_server_makes_as_many_wait_as_it_is_busy() -> None:
    assert queueing.erlang_c(0.8, 1) == pytest.approx(0.8)


def test_thousands_of_servers_neither_overflow_nor_vanish() -> None:
    load = 20_000 - 2 * math.sqrt(20_000)
    share = queueing.erlang_c(load, 20_000)

    assert share == pytest.approx(queueing.halfin_whitt(2.0), rel=0.02)


def test_a_queue_that_never_comes_to_rest_waits_for_ever() -> None:
    wait = queueing.mmc(rate=10.0, service=1.0, servers=10)

    assert (wait.share, wait.average(), wait.quantile(0.5)) == (1.0, math.inf, math.inf)


def test_a_quantile_of_the_wait_is_exceeded_by_the_rest() -> None:
    wait = queueing.mmc(rate=9.0, service=1.0, servers=10)

    assert wait.beyond(wait.quantile(0.99)) == pytest.approx(0.01)
    assert wait.quantile(0.1) == 0.0


@given(st.floats(0.05, 0.95))
def test_one_server_of_allen_and_cunneen_is_pollaczek_and_khinchine(utilisation: float) -> None:
    wait = queueing.allen_cunneen(utilisation, 1.0, 1, service_scv=0.0)

    assert wait.average() == pytest.approx(utilisation / (2 * (1 - utilisation)))


@settings(deadline=None)
@given(st.floats(0.05, 0.9))
def test_one_server_of_crommelin_is_pollaczek_and_khinchine(utilisation: float) -> None:
    assert queueing.mdc_wait(utilisation, 1.0, 1) == pytest.approx(utilisation / (2 * (1 - utilisation)), rel=1e-9)


@pytest.mark.parametrize(("servers", "utilisation"), [(2, 0.8), (5, 0.8), (10, 0.9)])
def test_equally_long_services_wait_little_more_than_half_as_long_as_exponential_ones(
    servers: int, utilisation: float
) -> None:
    exponential = queueing.mmc(servers * utilisation, 1.0, servers).average()
    constant = queueing.mdc_wait(servers * utilisation, 1.0, servers)

    assert 0.5 < constant / exponential < 0.6


def test_a_batch_without_arrivals_to_wait_for_takes_the_time_of_one() -> None:
    assert queueing.batching_mean(1e-9, 0.002, 0.01) == pytest.approx(0.012, rel=1e-6)


def test_batches_grow_without_end_when_a_row_takes_longer_than_one_comes() -> None:
    assert queueing.batching_mean(500.0, 0.002, 0.01) == math.inf


def test_square_root_staffing_is_near_the_exact_number_where_there_are_many_servers() -> None:
    exact = next(servers for servers in range(1000, 1200) if queueing.erlang_c(1000.0, servers) <= 0.1)

    assert abs(queueing.square_root_staffing(1000.0, 0.1) - exact) <= 1


def test_square_root_staffing_promises_too_much_where_there_are_few() -> None:
    servers = 5 + 2 * math.sqrt(5)

    assert queueing.halfin_whitt(2.0) < 0.5 * queueing.erlang_c(5.0, math.floor(servers))


def test_the_latency_of_exponential_services_is_the_exact_one_of_their_queue() -> None:
    mean, middles = 0.05, [(number + 0.5) / 20_000 for number in range(20_000)]
    service = Service.of([-mean * math.log(1 - share) for share in middles])
    seconds = service.quantile(queueing.mmc(150.0, mean, 10), 0.95)

    assert mmc_beyond(150.0, mean, 10, seconds) == pytest.approx(0.05, rel=1e-3)


def test_the_fewest_servers_keep_the_promise_and_one_less_does_not() -> None:
    service = Service.of([0.02, 0.03, 0.04, 0.11])
    servers = queueing.servers_within(400.0, service, 0.95, 0.150)

    assert servers is not None
    kept = [
        service.beyond(queueing.allen_cunneen(400.0, service.mean, number, service.scv), 0.150) <= 0.05
        for number in (servers - 1, servers)
    ]
    assert kept == [False, True]


def test_no_number_of_servers_makes_a_single_service_faster() -> None:
    assert queueing.servers_within(1.0, Service.of([0.1, 0.2]), 0.95, 0.150) is None


def test_a_rate_that_servers_carry_wants_as_many_of_them() -> None:
    service = Service.of([0.02, 0.03, 0.04, 0.11])
    rate = queueing.rate_within(service, 24, 0.95, 0.150)

    assert queueing.servers_within(rate * 0.999, service, 0.95, 0.150) == 24
    assert queueing.servers_within(rate * 1.001, service, 0.95, 0.150) == 25


def test_services_that_are_too_slow_alone_carry_no_rate() -> None:
    assert queueing.rate_within(Service.of([0.2]), 100, 0.95, 0.150) == 0.0


def test_services_of_one_length_have_no_variance() -> None:
    assert Service.of([0.05] * 3).scv == pytest.approx(0.0)


def test_nothing_waits_longer_than_a_wait_of_no_length() -> None:
    assert Wait(0.0, 0.0).beyond(0.0) == 0.0
