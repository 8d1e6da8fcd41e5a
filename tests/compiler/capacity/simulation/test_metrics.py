"""What can be seen of a fleet is its past, from scrape to scrape."""

from __future__ import annotations

from mlsystem.capacity.simulation.metrics import History, Scrape
from mlsystem.capacity.simulation.scaling import Usage


def history(lag: float = 0.0) -> History:
    """One pod, ready since 0, that is always half busy; a second one, ready since 25, that is always busy."""
    seen = History(lag, longest_window=60.0)
    for time in range(0, 101, 10):
        first, second = (0.5 * time, 2.0 * time, 3.0 * time), (max(0.0, time - 25.0), 0.0, 0.0)
        pods = {0: (0.0, first)} | ({1: (25.0, second)} if time >= 25 else {})
        seen.add(Scrape(float(time), pods, (first[0] + second[0], first[1], first[2])))
    return seen


def test_a_window_is_what_was_added_between_its_scrapes() -> None:
    assert history().usage(75.0, 20.0) == {0: Usage(0.5, 2.0, 3.0), 1: Usage(1.0, 0.0, 0.0)}


def test_a_young_pod_counts_from_when_it_was_ready() -> None:
    assert history().usage(30.0, 20.0)[1] == Usage(1.0, 0.0, 0.0)


def test_a_lag_hides_what_is_new() -> None:
    assert set(history(lag=10.0).usage(35.0, 20.0)) == {0}
    assert history(lag=10.0).newest(35.0) == 20.0


def test_the_total_is_of_all_pods_together() -> None:
    assert history().total(100.0, 50.0) == Usage(1.5, 2.0, 3.0)


def test_before_two_scrapes_nothing_is_known() -> None:
    seen = history(lag=1000.0)

    assert (seen.usage(100.0, 20.0), seen.total(100.0, 20.0), seen.newest(100.0)) == ({}, None, None)


def test_what_no_window_needs_any_more_is_forgotten() -> None:
    seen = History(0.0, longest_window=60.0)
    for time in range(100_000):
        seen.add(Scrape(float(time), {}, (0.0, 0.0, float(time))))

    assert len(seen._scrapes) < 200
    assert seen.total(99_999.0, 60.0) == Usage(0.0, 0.0, 1.0)
