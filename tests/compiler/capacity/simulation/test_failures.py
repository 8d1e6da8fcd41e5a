"""What goes wrong: who notices, who is lost, and how the fleet comes back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem.capacity import traffic
from mlsystem.capacity.simulation.result import Result
from mlsystem.capacity.simulation.scaling import View
from mlsystem.capacity.simulation.service_times import Linear
from mlsystem.capacity.simulation.setting import (
    Failure,
    NodeDrain,
    Objective,
    PodLoss,
    Pods,
    RollingUpdate,
    Routing,
    Server,
    Setting,
    ZoneLoss,
)
from mlsystem.capacity.simulation.simulate import simulate

SECONDS = 600
TRAFFIC = traffic.steady(60.0, SECONDS)
MOMENTS = st.floats(1.0, SECONDS - 1.0)
FAILURES: st.SearchStrategy[Failure] = st.one_of(
    st.builds(PodLoss, MOMENTS, st.integers(1, 4), st.sampled_from([0.0, 30.0])),
    st.builds(ZoneLoss, MOMENTS, st.integers(0, 2), st.floats(1.0, 300.0), st.sampled_from([0.0, 30.0])),
    st.builds(NodeDrain, MOMENTS, st.integers(1, 4), st.integers(1, 3)),
    st.builds(RollingUpdate, MOMENTS, st.integers(1, 3), st.integers(0, 2)),
)


class Wave:
    """From four replicas to nine and back, over and over."""

    period = 40.0

    def decide(self, view: View, memory: int | None) -> tuple[int, int]:
        step = 0 if memory is None else memory + 1
        return (4, 9, 6)[step % 3], step


def run(*failures: Failure, pods: int = 6, **changes: Any) -> Result:
    """Six pods, each two thirds busy at 60 requests/s of 66 ms; new ones need 20 s."""
    server = Server(Linear(0.0, 0.066), timeout=2.0)
    case = Setting(server, Objective(0.3, 10.0), Pods(pods, (20.0,), zones=3), failures=failures, **changes)
    return simulate(case, TRAFFIC, seed=5)


def least_ready(result: Result) -> int:
    return min(count.ready for count in result.counts)


def test_nothing_goes_wrong_where_nothing_does() -> None:
    result = run()

    assert (result.failed, result.timed_out, result.refused) == (0, 0, 0)
    assert result.replica_seconds == pytest.approx(6 * SECONDS)
    assert len(result.counts) == 1


def test_a_lost_pod_takes_what_it_held_and_is_replaced_after_a_cold_start() -> None:
    result = run(PodLoss(100.0, pods=3))

    assert 0 < result.failed <= 10
    assert [(count.time, count.ready) for count in result.counts] == [(0.0, 6), (100.0, 3), (120.0, 6)]
    assert result.replica_seconds == pytest.approx(6 * SECONDS)


def test_a_dead_pod_that_nobody_noticed_swallows_requests() -> None:
    """Where the fewest are held most are sent; at random a sixth of 30 s at 60 requests/s."""
    attracted, evenly = run(PodLoss(100.0, unnoticed=30.0)), run(PodLoss(100.0, unnoticed=30.0), routing=Routing.RANDOM)

    assert attracted.failed > 2 * evenly.failed
    assert evenly.failed == pytest.approx(300, rel=0.25)
    assert 70.0 <= attracted.worst(60.0).start <= 100.0


def test_a_lost_zone_is_made_up_for_in_the_others() -> None:
    result = run(ZoneLoss(100.0, 1, 400.0))

    assert [(count.time, count.ready) for count in result.counts] == [(0.0, 6), (100.0, 4), (120.0, 6)]


def test_a_drain_goes_one_pod_after_the_other_and_loses_nobody() -> None:
    result = run(NodeDrain(100.0, pods=3, unavailable=1))

    assert result.failed == 0
    assert least_ready(result) == 5
    assert result.counts[-1].time == pytest.approx(160.0, abs=0.5)


def test_a_drain_with_a_larger_budget_is_sooner_done() -> None:
    assert least_ready(run(NodeDrain(100.0, pods=3, unavailable=3))) == 3


def test_a_rolling_update_with_a_surge_never_has_fewer_ready() -> None:
    result = run(RollingUpdate(100.0, surge=2))

    assert result.failed == 0
    assert least_ready(result) == 6
    assert 8 <= max(count.existing for count in result.counts) <= 10  # two may still finish what they have
    assert result.counts[-1].time == pytest.approx(160.0, abs=0.5)
    assert result.replica_seconds == pytest.approx(6 * SECONDS + 2 * 60, abs=5)


def test_a_rolling_update_without_a_surge_goes_below() -> None:
    result = run(RollingUpdate(100.0, surge=0, unavailable=1))

    assert least_ready(result) == 5
    assert max(count.existing for count in result.counts) <= 7  # one may still finish what it has


def test_with_no_pod_left_requests_fail_until_one_is_ready() -> None:
    result = run(PodLoss(100.0, pods=6))

    assert result.failed == pytest.approx(20 * 60, rel=0.1)
    assert result.worst(20.0).attainment == 0.0
    assert result.availability == pytest.approx(1 - 20 / SECONDS, abs=0.01)


def test_pods_that_leave_finish_what_they_have() -> None:
    result = run(scaler=Wave())

    assert result.failed == 0
    assert result.counts[-1].desired in (4, 6, 9)


@settings(deadline=None, max_examples=40)
@given(st.lists(FAILURES, max_size=5), st.integers(0, 99))
def test_whatever_goes_wrong_every_request_is_counted_once_and_the_fleet_comes_back(
    failures: list[Failure], seed: int
) -> None:
    server = Server(Linear(0.0, 0.066, (0.5, 1.5)), slots=2, largest_batch=3, queue_limit=20, timeout=2.0)
    pods = Pods(6, (20.0, 45.0), zones=3)
    case = Setting(server, Objective(0.3, 10.0), pods, failures=tuple(failures), scaler=Wave())
    result = simulate(case, TRAFFIC, seed=seed)

    assert result.left_over == 0
    assert result.came == pytest.approx(60 * SECONDS, rel=0.05)
    assert all(0 <= count.ready <= count.existing for count in result.counts)
    assert result.replica_seconds <= 20 * SECONDS
    again = simulate(case, TRAFFIC, seed=seed)
    assert (result.windows == again.windows).all()
    assert result.counts == again.counts
