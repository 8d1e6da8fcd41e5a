"""What a simulation says of itself, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mlsystem.capacity.simulation.result import Log, Result, Stretch
from mlsystem.capacity.simulation.service_times import Linear
from mlsystem.capacity.simulation.setting import Objective, Pods, Server, Setting
from mlsystem.capacity.simulation.simulate import simulate_arrivals


def result(windows: list[list[int]], since: float = 0.0) -> Result:
    nothing = Log(np.empty(0), np.empty(0), np.empty(0, np.int64), np.empty(0, np.int8))
    return Result(
        60.0, since, np.array(windows), np.zeros(10, np.int64), np.zeros(2), 0.0, (), nothing,
        np.zeros((0, 0), np.int64),
    )  # fmt: skip


def one_pod(moments: list[float], **changes: float) -> Result:
    """Each request takes a second; at most two wait."""
    server = Server(Linear(0.0, 1.0), queue_limit=2, timeout=1.75)
    setting = Setting(server, Objective(1.5, 1.0, **changes), Pods(1))
    return simulate_arrivals(setting, [np.array(moments)], 10.0, key=1, log=len(moments))


def test_answers_waits_and_refusals_of_one_pod_are_what_a_pencil_finds() -> None:
    seen = one_pod([0.0, 0.25, 0.5, 0.75, 5.0])

    assert seen.log.start.tolist()[:2] == [0.0, 1.0]
    assert seen.log.end.tolist() == [1.0, 2.0, 3.0, 0.75, 6.0]
    assert (seen.answered, seen.refused, seen.timed_out, seen.within) == (4, 1, 0, 2)
    assert seen.mean_latency == pytest.approx((1.0 + 1.75 + 2.5 + 1.0) / 4)
    assert seen.mean_wait == pytest.approx((0.75 + 1.5) / 4)


def test_patience_ends_at_its_moment() -> None:
    seen = one_pod([0.0, 0.1, 0.2])

    assert seen.log.end.tolist() == [1.0, 2.0, pytest.approx(1.95)]
    assert (seen.answered, seen.timed_out) == (2, 1)


def test_what_came_before_the_fleet_found_its_size_does_not_count() -> None:
    seen = one_pod([0.0, 5.0], since=5.0)

    assert (seen.came, seen.answered, seen.replica_seconds) == (1, 1, 5.0)


def test_a_quantile_is_within_a_bin() -> None:
    assert one_pod([0.0, 3.0, 6.0]).quantile(0.5) == pytest.approx(1.0, rel=0.011)


def test_the_worst_stretch_is_the_one_with_the_smallest_share() -> None:
    good, bad = [10, 10, 10, 0, 0, 0], [100, 50, 100, 0, 0, 0]
    seen = result([good] * 7 + [bad] + [good] * 12)

    assert seen.worst(60.0) == Stretch(420.0, 0.5)
    assert seen.worst(300.0).attainment == pytest.approx(90 / 140)
    assert seen.attainment == pytest.approx((190 + 50) / (190 + 100))


def test_a_time_without_requests_is_not_bad() -> None:
    assert result([[0] * 6, [4, 3, 4, 0, 0, 0]]).worst(60.0) == Stretch(60.0, 0.75)
    assert result([[0] * 6]).attainment == 1.0


def test_a_stretch_longer_than_all_is_all() -> None:
    assert result([[4, 3, 4, 0, 0, 0]] * 2).worst(3600.0) == Stretch(0.0, 0.75)


def test_latencies_by_window_are_those_of_its_arrivals() -> None:
    """A pod that takes a second: alone a request takes one, of two at once the other takes two."""
    setting = Setting(Server(Linear(0.0, 1.0)), Objective(1.5, 5.0), Pods(1))
    moments = [np.array([0.0, 3.0, 6.0, 6.0, 18.0])]

    seen = simulate_arrivals(setting, moments, 20.0, key=1, detailed=True)

    assert seen.quantiles(0.5) == pytest.approx([1.0, 1.0, np.nan, 1.0], rel=0.044, nan_ok=True)
    assert seen.quantiles(1.0) == pytest.approx([1.0, 2.0, np.nan, 1.0], rel=0.044, nan_ok=True)


def test_latencies_by_window_are_not_kept_unless_asked_for() -> None:
    assert one_pod([0.0]).latencies.size == 0
