"""Knative's autoscaler: two windows, panic, rates, bounds, and the way to zero."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.kpa import decide, metric_target, scale, start
from mlsystem.capacity.controllers.kpa_types import (
    Activity,
    KpaConfig,
    KpaDecision,
    KpaObservation,
    KpaState,
    Scaled,
    ScalerState,
    ScalingMetric,
)

CONFIG = KpaConfig(target=7.0, total=10.0, target_burst_capacity=0.0)


def scaled(
    config: KpaConfig, ready: int, stable: float | None, panic: float | None = None, now: float = 1000.0,
    state: ScalerState | None = None,
) -> Scaled:  # fmt: skip
    seen = KpaObservation(now, ready, ready, stable, stable if panic is None else panic)
    return scale(config, state or ScalerState(), seen)


def test_in_peace_the_mean_of_the_stable_window_over_the_target_is_asked_for() -> None:
    decision = scaled(CONFIG, 5, 36.0, 40.0)

    assert decision.desired == 6
    assert decision.clauses == (Clause.STABLE_WINDOW,)


def test_twice_what_is_ready_within_the_panic_window_is_panic() -> None:
    assert scaled(CONFIG, 5, 30.0, 63.0).clause is Clause.STABLE_WINDOW
    assert scaled(CONFIG, 5, 30.0, 63.1).desired == 10
    assert scaled(CONFIG, 5, 30.0, 63.1).clause is Clause.PANIC_WINDOW


def test_panic_never_shrinks_and_ends_a_stable_window_after_its_last_reason() -> None:
    alarmed = scaled(CONFIG, 5, 30.0, 140.0, now=0.0)
    held = scaled(CONFIG, 20, 20.0, 7.0, now=60.0, state=alarmed.state)
    over = scaled(CONFIG, 20, 100.0, 7.0, now=60.1, state=held.state)

    assert alarmed.desired == 20
    assert (held.desired, held.clause) == (20, Clause.PANIC_HOLD)
    assert (over.desired, over.state) == (15, ScalerState())


def test_new_alarm_prolongs_panic() -> None:
    first = scaled(CONFIG, 5, 30.0, 140.0, now=0.0)
    second = scaled(CONFIG, 5, 30.0, 140.0, now=50.0, state=first.state)

    assert scaled(CONFIG, 20, 7.0, 7.0, now=109.0, state=second.state).desired == 20


def test_rates_are_rounded_so_that_something_always_moves() -> None:
    slow = replace(CONFIG, max_scale_up_rate=1.1, max_scale_down_rate=2.0, panic_threshold=100.0)

    assert (scaled(slow, 3, 70.0).desired, scaled(slow, 3, 70.0).clause) == (4, Clause.MAX_SCALE_UP_RATE)
    assert (scaled(slow, 7, 1.0).desired, scaled(slow, 7, 1.0).clause) == (3, Clause.MAX_SCALE_DOWN_RATE)
    assert scaled(slow, 1, 0.0).desired == 0


def test_what_nobody_reaches_may_shrink_at_once() -> None:
    assert scaled(replace(CONFIG, reachable=False), 40, 1.0).desired == 1


def test_more_than_nothing_means_at_least_the_activation_scale() -> None:
    config = replace(CONFIG, activation_scale=3)

    assert scaled(config, 1, 0.0).desired == 0
    assert (scaled(config, 1, 0.1).desired, scaled(config, 1, 0.1).clause) == (3, Clause.ACTIVATION_SCALE)


def test_the_scale_down_delay_holds_its_highest() -> None:
    config = replace(CONFIG, scale_down_delay=30.0)
    high = scaled(config, 5, 35.0, now=0.0)

    held = scaled(config, 5, 14.0, now=28.0, state=high.state)
    released = scaled(config, 5, 14.0, now=30.0, state=held.state)

    assert (held.desired, held.clause) == (5, Clause.SCALE_DOWN_DELAY)
    assert released.desired == 2


@pytest.mark.parametrize(("burst", "excess"), [(0.0, 0), (-1.0, -1), (20.0, 9), (211.0, -182)])
def test_excess_burst_capacity_is_what_is_left_of_the_ready_pods(burst: float, excess: int) -> None:
    assert scaled(replace(CONFIG, target_burst_capacity=burst), 5, 20.0, 20.5).excess_burst_capacity == excess


def test_without_data_nothing_is_asked_for() -> None:
    decision = scaled(CONFIG, 5, None)

    assert (decision.desired, decision.clause) == (-1, Clause.NO_DATA)


@pytest.mark.parametrize(
    ("metric", "concurrency", "annotated", "utilisation", "expected"),
    [
        (ScalingMetric.CONCURRENCY, 0, None, None, (70.0, 100.0)),
        (ScalingMetric.CONCURRENCY, 8, None, None, (5.6, 8.0)),
        (ScalingMetric.CONCURRENCY, 8, 20.0, 0.5, (4.0, 8.0)),
        (ScalingMetric.CONCURRENCY, 0, 20.0, 1.0, (20.0, 20.0)),
        (ScalingMetric.REQUESTS_PER_SECOND, 8, None, None, (140.0, 200.0)),
        (ScalingMetric.REQUESTS_PER_SECOND, 8, 20.0, 0.5, (10.0, 20.0)),
        (ScalingMetric.CONCURRENCY, 0, 0.001, 0.5, (0.01, 0.001)),
    ],
)
def test_a_replica_is_aimed_at_a_share_of_what_it_can_bear(
    metric: ScalingMetric, concurrency: int, annotated: float | None, utilisation: float | None,
    expected: tuple[float, float],
) -> None:  # fmt: skip
    assert metric_target(metric, concurrency, annotated, utilisation) == pytest.approx(expected)


def test_it_starts_in_panic_where_more_than_one_pod_runs() -> None:
    assert start(CONFIG, 1, 5.0).scaler == ScalerState(None, 1)
    assert start(CONFIG, 2, 5.0).scaler == ScalerState(5.0, 2)


def idling(config: KpaConfig, state: KpaState, replicas: int, until: float, now: float = 2.0) -> Iterator[KpaDecision]:
    """Ticks without traffic, everything that is asked for being ready at once."""
    while now <= until:
        decision = decide(config, state, KpaObservation(now, replicas, replicas, 0.0, 0.0))
        yield decision
        state, replicas, now = decision.state, decision.desired, now + 2.0


def served(config: KpaConfig, replicas: int = 1) -> KpaState:
    """The state after a tick with traffic at second zero."""
    return decide(config, start(config, 1, -10.0), KpaObservation(0.0, replicas, replicas, 7.0, 7.0)).state


def test_without_traffic_it_is_inactive_after_a_stable_window_and_gone_after_the_grace_period() -> None:
    ticks = list(idling(CONFIG, served(CONFIG), 1, until=100.0))

    by_clause = {one.clause: place for place, one in reversed(list(enumerate(ticks)))}
    assert [ticks[place].clause for place in sorted(by_clause.values())] == [
        Clause.IDLE_HOLD, Clause.DEACTIVATING, Clause.GRACE_PERIOD, Clause.SCALED_TO_ZERO,
    ]  # fmt: skip
    assert (by_clause[Clause.DEACTIVATING] + 1) * 2 == 60
    assert (by_clause[Clause.SCALED_TO_ZERO] + 1) * 2 == 90
    assert ticks[-1].desired == 0


def test_the_last_pod_is_retained_for_longer_than_the_grace_period() -> None:
    config = replace(CONFIG, pod_retention=50.0)

    ticks = list(idling(config, served(config), 1, until=112.0))

    assert next(place for place, one in enumerate(ticks) if one.desired == 0) * 2 + 2 == 110
    assert Clause.POD_RETENTION in {one.clause for one in ticks}


def test_scaling_to_zero_can_be_forbidden_or_prevented_by_a_minimum() -> None:
    forbidden, least = replace(CONFIG, scale_to_zero=False), replace(CONFIG, min_scale=2)

    assert {one.desired for one in idling(forbidden, served(forbidden), 1, 200.0)} == {1}
    assert {one.desired for one in idling(least, served(least, 2), 2, 200.0)} == {2}


def test_the_activator_must_stand_in_the_path_before_the_last_pod_goes() -> None:
    state = KpaState(ScalerState(), Activity.INACTIVE, 0.0, initialised=True, proxied_since=0.0)
    seen = KpaObservation(500.0, 1, 1, 0.0, 0.0, activator_in_path=False)

    assert decide(CONFIG, state, seen).clause is Clause.ACTIVATOR_ABSENT
    assert decide(replace(CONFIG, target_burst_capacity=-1.0), state, seen).desired == 0


def test_the_initial_scale_is_the_minimum_until_it_was_reached_once() -> None:
    config = replace(CONFIG, initial_scale=4)
    first = decide(config, start(config, 0, 0.0), KpaObservation(2.0, 0, 0, 7.0, 7.0))
    reached = decide(config, first.state, KpaObservation(4.0, 4, 4, 7.0, 7.0))
    after = decide(config, reached.state, KpaObservation(80.0, 4, 4, 7.0, 7.0))

    assert (first.desired, first.clause) == (4, Clause.INITIAL_SCALE)
    assert first.state.activity is Activity.ACTIVATING
    assert reached.state.activity is Activity.ACTIVE
    assert after.desired == 2


def test_a_revision_that_never_becomes_ready_is_given_up() -> None:
    config = replace(CONFIG, progress_deadline=100.0)
    state = start(config, 0, 0.0)

    waiting = decide(config, state, KpaObservation(130.0, 1, 0, 0.0, 0.0))
    over = decide(config, state, KpaObservation(130.5, 1, 0, 0.0, 0.0))

    assert (waiting.desired, waiting.clause) == (1, Clause.ACTIVATING)
    assert (over.desired, over.clause) == (0, Clause.ACTIVATION_TIMED_OUT)


def test_the_activator_leaves_the_path_while_the_pods_can_bear_a_burst() -> None:
    config = replace(CONFIG, target_burst_capacity=20.0)

    enough = decide(config, start(config, 3, 0.0), KpaObservation(2.0, 3, 3, 7.0, 7.0))
    short = decide(config, enough.state, KpaObservation(4.0, 3, 3, 12.0, 12.0))

    assert enough.state.proxied_since is None
    assert short.state.proxied_since == 4.0


LOADS = st.lists(st.tuples(st.floats(0, 500), st.floats(0, 500)), min_size=1, max_size=60)


@settings(max_examples=100, deadline=None)
@given(loads=LOADS, least=st.integers(0, 3), most=st.integers(3, 20), delay=st.sampled_from((0.0, 20.0)))
def test_with_traffic_replicas_stay_within_bounds_and_never_shrink_in_panic(
    loads: list[tuple[float, float]], least: int, most: int, delay: float
) -> None:
    config = replace(CONFIG, min_scale=least, max_scale=most, scale_down_delay=delay)
    state, replicas = start(config, 1, 0.0), 1
    for tick, (stable, panic) in enumerate(loads, start=1):
        seen = KpaObservation(tick * 2.0, replicas, replicas, stable, panic)

        decision = decide(config, state, seen)

        assert least <= decision.desired <= most or decision.desired == replicas
        if decision.state.scaler.panicking_since is not None and state.scaler.panicking_since is not None:
            assert decision.scaled.desired >= state.scaler.max_panic_pods
        state, replicas = decision.state, decision.desired


@settings(max_examples=100, deadline=None)
@given(ready=st.integers(0, 30), loads=st.tuples(st.floats(0, 1000), st.floats(0, 1000)))
def test_more_load_never_asks_for_fewer_pods(ready: int, loads: tuple[float, float]) -> None:
    less, more = (scaled(CONFIG, ready, load) for load in sorted(loads))

    assert less.desired <= more.desired
