"""One sync of the HorizontalPodAutoscaler: what is decided, which clause decided it, and what the object then says."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa import decide
from mlsystem.capacity.controllers.hpa_types import (
    Aggregate,
    AverageValue,
    Behaviour,
    Condition,
    Fault,
    Flags,
    HpaConfig,
    HpaDecision,
    HpaState,
    Metric,
    Observation,
    PodCount,
    Policy,
    PolicyKind,
    Reading,
    Reason,
    Rules,
    Select,
    Source,
    Unavailable,
    Utilisation,
    Value,
    Values,
)

CPU: Final = Metric(Source.RESOURCE, Utilisation(60))
QUEUE: Final = Metric(Source.EXTERNAL, AverageValue(20_000), "queue")
ONE_CORE: Final = 1000


def cpu(pods: int, percent: float, unready: int = 0, missing: int = 0) -> Aggregate:
    return Aggregate(pods, round(pods * percent * 10), ONE_CORE, unready, missing)


def sync(
    config: HpaConfig, replicas: int, *readings: Reading, now: float = 1000.0, state: HpaState | None = None,
    fault: Fault | None = None,
) -> HpaDecision:  # fmt: skip
    seen = Observation(now, replicas, replicas, readings, PodCount(replicas, replicas), fault)
    return decide(config, state or HpaState(), seen)


@pytest.mark.parametrize(("percent", "desired"), [(120, 10), (30, 3), (63, 6), (66, 5), (54, 5), (67, 6), (53, 5)])
def test_replicas_follow_the_ratio_to_the_target_rounded_up_unless_it_is_within_a_tenth(
    percent: float, desired: int
) -> None:
    quick = HpaConfig((CPU,), 100, flags=Flags(downscale_stabilisation=0))

    assert sync(quick, 5, cpu(5, percent)).desired == (5 if 54 <= percent <= 66 else desired)


def test_a_utilisation_counts_in_whole_percents_and_so_may_stay_within_tolerance() -> None:
    decision = sync(HpaConfig((CPU,), 100), 10, cpu(10, 66.9))

    assert decision.desired == 10
    assert decision.clauses == (Clause.TOLERANCE, Clause.WHOLE_PERCENT)


def test_the_ratio_multiplies_the_pods_that_are_ready_and_not_the_replicas_of_the_spec() -> None:
    decision = sync(HpaConfig((CPU,), 100), 10, cpu(8, 90))

    assert decision.desired == 12


def test_a_behaviour_may_tolerate_more_in_one_direction_than_in_the_other() -> None:
    config = HpaConfig((CPU,), 100, behaviour=Behaviour(up=Rules(tolerance=0.5), down=Rules(tolerance=0.0, window=0)))

    assert sync(config, 10, cpu(10, 89)).desired == 10
    assert sync(config, 10, cpu(10, 59)).desired == 10
    assert sync(config, 10, cpu(10, 54)).desired == 9
    assert sync(replace(config, flags=Flags(tolerance_of_behaviour=False)), 10, cpu(10, 89)).desired == 15


def test_pods_that_start_hold_back_growth_as_if_they_were_idle() -> None:
    decision = sync(HpaConfig((CPU,), 100), 6, cpu(4, 120, unready=2))

    assert decision.desired == 8
    assert decision.clauses == (Clause.UNREADY_AS_ZERO, Clause.TARGET_RATIO)


def test_pods_that_start_do_not_hold_back_shrinking() -> None:
    config = HpaConfig((CPU,), 100, flags=Flags(downscale_stabilisation=0))

    assert sync(config, 6, cpu(4, 30, unready=2)).desired == 2


def test_pods_without_a_sample_count_as_busy_while_shrinking_and_as_idle_while_growing() -> None:
    config = HpaConfig((CPU,), 100, flags=Flags(downscale_stabilisation=0))

    down, up = sync(config, 6, cpu(4, 15, missing=2)), sync(config, 6, cpu(4, 150, missing=2))

    assert (down.desired, down.clauses[0]) == (5, Clause.MISSING_AS_TARGET)
    assert (up.desired, up.clauses[0]) == (10, Clause.MISSING_AS_ZERO)


def test_pods_that_are_filled_in_never_turn_the_direction() -> None:
    decision = sync(HpaConfig((CPU,), 100), 6, cpu(3, 100, missing=3))

    assert decision.desired == 6
    assert decision.clause is Clause.DIRECTION_KEPT


def test_of_several_metrics_the_one_that_asks_for_most_is_followed() -> None:
    decision = sync(HpaConfig((CPU, QUEUE), 100), 5, cpu(5, 90), Values((220_000,)))

    assert decision.desired == 10
    assert decision.metric == 1
    assert [one.replicas for one in decision.proposals] == [8, 11]
    assert decision.clause is Clause.SCALE_UP_LIMIT


def test_a_metric_that_fails_lets_the_others_scale_up_but_not_down() -> None:
    config = HpaConfig((CPU, QUEUE), 100, flags=Flags(downscale_stabilisation=0))

    up, down = sync(config, 5, cpu(5, 90), Unavailable()), sync(config, 5, cpu(5, 20), Unavailable())

    assert up.desired == 8
    assert down.desired == 5
    assert down.clauses == (Clause.NO_METRIC, Clause.SCALE_DOWN_REFUSED)
    assert down.state.conditions.scaling_active == Condition(False, Reason.FAILED_GET_EXTERNAL_METRIC)


def test_with_no_metric_at_all_nothing_changes() -> None:
    decision = sync(HpaConfig((CPU,), 100), 5, Unavailable())

    assert decision.desired == 5
    assert decision.clause is Clause.ALL_METRICS_FAILED
    assert decision.state.conditions.able_to_scale == Condition(True, Reason.SUCCEEDED_GET_SCALE)
    assert decision.state.conditions.scaling_active == Condition(False, Reason.FAILED_GET_RESOURCE_METRIC)


def test_the_average_of_an_external_metric_is_over_the_replicas_of_the_status() -> None:
    config = HpaConfig((QUEUE,), 100, flags=Flags(downscale_stabilisation=0))
    surging = Observation(0.0, 10, 13, (Values((250_000,)),))

    decision = decide(config, HpaState(), surging)

    assert decision.desired == 13, "a rolling update's surge is within tolerance and leaks into the spec"
    assert decision.clauses == (Clause.TOLERANCE,)


def test_the_value_of_an_external_metric_is_for_the_pods_that_are_ready_and_sums_its_series() -> None:
    config = HpaConfig((Metric(Source.EXTERNAL, Value(100_000), "queue"),), 100)
    seen = Observation(0.0, 6, 6, (Values((150_000, 50_000)),), PodCount(6, 4))

    assert decide(config, HpaState(), seen).desired == 8


def test_a_target_of_zero_replicas_is_left_alone() -> None:
    decision = sync(HpaConfig((QUEUE,), 100), 0, Values((900_000,)))

    assert decision.desired == 0
    assert decision.clause is Clause.SCALING_DISABLED
    assert decision.state.conditions.scaling_active == Condition(False, Reason.SCALING_DISABLED)


def test_with_the_gate_it_wakes_up_what_it_put_to_sleep_itself() -> None:
    by_value = Metric(Source.EXTERNAL, Value(20_000), "queue")
    config = HpaConfig((by_value,), 100, 0, flags=Flags(scale_to_zero=True, downscale_stabilisation=0))
    asleep = sync(config, 1, Values((0,)))

    awake = sync(config, 0, Values((50_000,)), now=1100.0, state=asleep.state)

    assert asleep.desired == 0
    assert asleep.state.conditions.scaled_to_zero == Condition(True, Reason.SCALED_TO_ZERO)
    assert (awake.desired, awake.clauses) == (3, (Clause.FROM_ZERO,))
    assert sync(config, 0, Values((50_000,))).desired == 0, "one that was put to sleep by hand stays asleep"


@pytest.mark.parametrize(
    ("replicas", "desired", "clause"), [(12, 9, Clause.ABOVE_MAXIMUM), (1, 3, Clause.BELOW_MINIMUM)]
)
def test_replicas_out_of_bounds_are_brought_back_without_a_look_at_the_metrics(
    replicas: int, desired: int, clause: Clause
) -> None:
    decision = sync(HpaConfig((CPU,), 9, 3), replicas, Unavailable())

    assert decision.desired == desired
    assert decision.clauses == (clause,)
    assert decision.state.conditions.able_to_scale == Condition(True, Reason.SUCCEEDED_RESCALE)


def test_without_a_behaviour_replicas_at_most_double_or_become_four() -> None:
    config = HpaConfig((CPU,), 100)

    assert sync(config, 1, cpu(1, 900)).desired == 4
    assert sync(config, 7, cpu(7, 900)).desired == 14
    assert sync(config, 7, cpu(7, 900)).state.conditions.scaling_limited == Condition(True, Reason.SCALE_UP_LIMIT)


def test_the_maximum_is_named_where_it_binds_before_the_rate_does() -> None:
    decision = sync(HpaConfig((CPU,), 10), 7, cpu(7, 900))

    assert decision.desired == 10
    assert decision.clause is Clause.MAXIMUM
    assert decision.state.conditions.scaling_limited == Condition(True, Reason.TOO_MANY_REPLICAS)


def test_five_minutes_hold_the_highest_recommendation() -> None:
    config = HpaConfig((CPU,), 100)
    high = sync(config, 10, cpu(10, 60), now=0.0)

    held = sync(config, 10, cpu(10, 12), now=300.0, state=high.state)
    released = sync(config, 10, cpu(10, 12), now=300.5, state=high.state)

    assert (held.desired, held.clause) == (10, Clause.SCALE_DOWN_STABILISED)
    assert held.state.conditions.able_to_scale == Condition(True, Reason.SCALE_DOWN_STABILISED)
    assert (released.desired, released.clause) == (2, Clause.TARGET_RATIO)


def test_the_window_for_scaling_up_waits_until_all_of_it_asks_for_more() -> None:
    config = HpaConfig((CPU,), 100, behaviour=Behaviour(up=Rules(window=60)))
    low = sync(config, 10, cpu(10, 60), now=0.0)

    held = sync(config, 10, cpu(10, 90), now=59.0, state=low.state)
    released = sync(config, 10, cpu(10, 90), now=60.0, state=held.state)

    assert (held.desired, held.clause) == (10, Clause.SCALE_UP_STABILISED)
    assert released.desired == 15


def test_a_direction_can_be_disabled() -> None:
    config = HpaConfig((CPU,), 100, behaviour=Behaviour(down=Rules(select=Select.DISABLED, window=0)))

    assert (decision := sync(config, 10, cpu(10, 12))).desired == 10
    assert decision.clause is Clause.SCALE_DOWN_LIMIT


def test_what_was_done_counts_against_the_rate_until_its_period_is_over() -> None:
    two_a_minute = Rules((Policy(PolicyKind.PODS, 2, 60),))
    config = HpaConfig((CPU,), 100, behaviour=Behaviour(up=two_a_minute))
    first = sync(config, 10, cpu(10, 66.7 + 6), now=0.0)

    limited = sync(config, 12, cpu(12, 120), now=59.0, state=first.state)
    allowed = sync(config, 12, cpu(12, 120), now=60.0, state=first.state)

    assert first.desired == 12
    assert (limited.desired, limited.clause) == (12, Clause.SCALE_UP_LIMIT)
    assert allowed.desired == 14


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.SELECTOR_MISSING, Reason.INVALID_SELECTOR),
        (Fault.SELECTOR_INVALID, Reason.INVALID_SELECTOR),
        (Fault.SELECTOR_AMBIGUOUS, Reason.AMBIGUOUS_SELECTOR),
    ],
)
def test_a_target_whose_pods_cannot_be_told_is_not_scaled(fault: Fault, reason: Reason) -> None:
    decision = sync(HpaConfig((CPU,), 100), 5, cpu(5, 120), fault=fault)

    assert (decision.desired, decision.clause) == (5, Clause.TARGET_UNREADABLE)
    assert decision.state.conditions.scaling_active == Condition(False, reason)


def test_a_scale_that_cannot_be_read_or_written_changes_nothing_but_the_condition() -> None:
    config = HpaConfig((CPU,), 100, behaviour=Behaviour())

    unread = sync(config, 5, cpu(5, 120), fault=Fault.SCALE_UNREADABLE)
    unwritten = sync(config, 5, cpu(5, 120), fault=Fault.SCALE_UNWRITABLE)

    assert (unread.desired, unwritten.desired) == (5, 5)
    assert unread.state == replace(HpaState(), conditions=unread.state.conditions)
    assert unread.state.conditions.able_to_scale == Condition(False, Reason.FAILED_GET_SCALE)
    assert unwritten.state.conditions.able_to_scale == Condition(False, Reason.FAILED_UPDATE_SCALE)
    assert unwritten.state.ups == ()


def test_a_metric_without_a_target_that_fits_its_source_fails() -> None:
    of_pods = Metric(Source.PODS, Value(1000), "queue")

    assert sync(HpaConfig((replace(CPU, target=None),), 9), 5, cpu(5, 99)).clauses[0] is Clause.NO_TARGET
    assert sync(HpaConfig((of_pods,), 9), 5, Aggregate(5, 5000)).clauses[0] is Clause.NO_TARGET
    assert sync(HpaConfig((Metric(Source.UNKNOWN, None),), 9), 5, Unavailable()).clauses[0] is Clause.NO_SOURCE


POLICIES = st.builds(Policy, st.sampled_from(PolicyKind), st.integers(1, 150), st.just(60.0))
RULES = st.builds(
    Rules,
    st.none() | st.lists(POLICIES, min_size=1, max_size=3).map(tuple),
    st.none() | st.sampled_from(Select),
    st.none() | st.sampled_from((0.0, 30.0, 120.0)),
    st.none() | st.sampled_from((0.0, 0.05, 0.3)),
)
CONFIGS = st.builds(
    HpaConfig,
    st.just((CPU, QUEUE)),
    st.integers(10, 60),
    st.integers(1, 10),
    st.none() | st.builds(Behaviour, RULES, RULES),
)
SYNCS = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 300), st.integers(0, 2_000_000) | st.none()), min_size=1, max_size=30
)


@settings(max_examples=150, deadline=None)
@given(config=CONFIGS, syncs=SYNCS, start=st.integers(1, 60))
def test_what_is_decided_is_within_the_bounds_whatever_comes(
    config: HpaConfig, syncs: list[tuple[int, int, int | None]], start: int
) -> None:
    state, replicas, now = HpaState(), start, 0.0
    for wait, percent, queue in syncs:
        now += wait
        reading = Unavailable() if queue is None else Values((queue,))

        decision = sync(config, replicas, cpu(replicas, percent), reading, now=now, state=state)

        assert config.min_replicas <= decision.desired <= config.max_replicas
        assert decision.clauses
        assert decision == sync(config, replicas, cpu(replicas, percent), reading, now=now, state=state)
        state, replicas = decision.state, decision.desired


@settings(max_examples=150, deadline=None)
@given(config=CONFIGS, replicas=st.integers(10, 20), usages=st.tuples(st.integers(0, 400), st.integers(0, 400)))
def test_more_load_never_asks_for_fewer_replicas(config: HpaConfig, replicas: int, usages: tuple[int, int]) -> None:
    less, more = (
        sync(config, replicas, cpu(replicas, percent), Values((percent * 1000,))) for percent in sorted(usages)
    )

    assert less.desired <= more.desired
