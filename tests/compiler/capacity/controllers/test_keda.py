"""KEDA wakes a target up, puts it to sleep, and feeds the autoscaler what a query says, or what to fall back to."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem.capacity.controllers import hpa
from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa_types import (
    Aggregate,
    Behaviour,
    Condition,
    HpaState,
    Metric,
    Observation,
    PodCount,
    Reason,
    Rules,
    Source,
    Unavailable,
    Utilisation,
    Values,
)
from mlsystem.capacity.controllers.keda import decide
from mlsystem.capacity.controllers.keda_types import (
    Fallback,
    FallbackBehaviour,
    KedaConfig,
    KedaDecision,
    KedaState,
    MetricKind,
    Poll,
    QueryTrigger,
    ResourceTrigger,
    Sync,
    TriggerReading,
    in_milli,
)

LOST = Unavailable()
REQUESTS = QueryTrigger(threshold=20.0)
STRICT = replace(REQUESTS, ignore_nulls=False)
CPU = ResourceTrigger(Metric(Source.RESOURCE, Utilisation(60)))
BUSY = KedaState(last_active=0.0)


def poll(
    config: KedaConfig, replicas: int, *readings: TriggerReading, now: float = 1000.0, state: KedaState | None = None
) -> KedaDecision:
    return decide(config, state or KedaState(), Poll(now, replicas, readings, ready=replicas))


def sync(
    config: KedaConfig, replicas: int, *readings: TriggerReading, now: float = 1000.0, state: KedaState | None = None
) -> KedaDecision:
    seen = Sync(now, replicas, replicas, readings, PodCount(replicas, replicas))
    return decide(config, state or KedaState(), seen)


def test_a_value_wakes_the_target_up_only_above_its_activation() -> None:
    config = KedaConfig((replace(REQUESTS, activation=5.0),))

    assert poll(config, 0, 5.0).desired == 0
    assert poll(config, 0, 5.001).desired == 1
    assert poll(config, 0, 5.001).clause is Clause.ACTIVATED


def test_it_wakes_up_to_the_minimum_from_zero_and_from_idle() -> None:
    idle = KedaConfig((REQUESTS,), min_replicas=4, idle_replicas=1)

    assert poll(replace(idle, idle_replicas=None), 0, 9.0).desired == 4
    assert poll(idle, 1, 9.0).desired == 4
    assert poll(idle, 1, 0.0, state=BUSY).clause is Clause.INACTIVE


def test_between_zero_and_the_maximum_the_operator_leaves_replicas_alone() -> None:
    decision = poll(KedaConfig((REQUESTS,)), 7, 900.0, now=1000.7)

    assert (decision.desired, decision.clause) == (7, Clause.ACTIVE)
    assert decision.state.last_active == 1000.0


def test_it_sleeps_only_after_the_cooldown_since_it_was_last_active() -> None:
    config = KedaConfig((REQUESTS,), cooldown=300.0)

    assert poll(config, 3, 0.0, now=300.0, state=BUSY).clause is Clause.COOLING_DOWN
    assert poll(config, 3, 0.0, now=300.5, state=BUSY).desired == 0


def test_a_target_that_was_never_active_sleeps_after_the_initial_cooldown() -> None:
    config = KedaConfig((REQUESTS,), initial_cooldown=60.0, created=100.0)

    assert poll(config, 2, 0.0, now=160.0).desired == 2
    assert poll(config, 2, 0.0, now=161.0).desired == 0


def test_with_a_minimum_it_never_sleeps_but_is_raised_to_it() -> None:
    config = KedaConfig((REQUESTS,), min_replicas=2)

    assert poll(config, 5, 0.0, state=BUSY).clause is Clause.INACTIVE
    assert (decision := poll(config, 1, 0.0, state=BUSY)).desired == 2
    assert decision.clause is Clause.RAISED_TO_MINIMUM


def test_with_idle_replicas_it_goes_below_its_minimum() -> None:
    config = KedaConfig((REQUESTS,), min_replicas=3, idle_replicas=1)

    assert poll(config, 5, 0.0, state=BUSY).desired == 1


def test_a_cpu_alone_keeps_the_target_awake_and_beside_a_query_does_not() -> None:
    cpu = Aggregate(1, 10, 1000)

    assert poll(KedaConfig((CPU,)), 1, cpu, state=BUSY).clause is Clause.ACTIVE
    assert poll(KedaConfig((CPU, REQUESTS)), 1, cpu, 0.0, state=BUSY).desired == 0


@pytest.mark.parametrize("lost", [None, math.nan, math.inf, -math.inf])
def test_a_series_that_vanishes_counts_as_zero_unless_the_trigger_says_otherwise(lost: float | None) -> None:
    """The trap: metrics that are lost put the target to sleep, and no fallback comes in force."""
    fallback = Fallback(failure_threshold=0, replicas=6)

    trapped = poll(KedaConfig((REQUESTS,), fallback=fallback), 5, lost, state=BUSY)
    safe = poll(KedaConfig((STRICT,), fallback=fallback), 5, lost, state=BUSY)

    assert trapped.desired == 0
    assert trapped.clauses == (Clause.NULL_AS_ZERO, Clause.DEACTIVATED)
    assert safe.desired == 5
    assert safe.clauses == (Clause.FALLBACK, Clause.ACTIVE)


def test_a_failure_holds_what_runs_but_a_fallback_to_zero_lets_it_sleep() -> None:
    failing = KedaConfig((REQUESTS,))
    to_zero = replace(failing, fallback=Fallback(3, 0))

    assert poll(failing, 5, LOST, state=BUSY).clause is Clause.TRIGGER_FAILED
    assert poll(replace(failing, fallback=Fallback(3, 4)), 5, LOST, state=BUSY).clause is Clause.AWAITING_FALLBACK
    assert poll(to_zero, 5, LOST, state=BUSY).desired == 0


def test_while_one_trigger_fails_another_keeps_awake_without_writing_down_when() -> None:
    decision = poll(KedaConfig((REQUESTS, REQUESTS)), 5, 90.0, LOST, state=BUSY)

    assert decision.clause is Clause.ACTIVE
    assert decision.state.last_active == 0.0


def test_polls_and_syncs_count_failures_together_and_a_success_forgets_them() -> None:
    config = KedaConfig((REQUESTS,), fallback=Fallback(2, 6))

    first = poll(config, 4, LOST, now=0.0)
    second = sync(config, 4, LOST, now=10.0, state=first.state)
    third = poll(config, 4, LOST, now=20.0, state=second.state)
    fourth = sync(config, 4, LOST, now=25.0, state=third.state)
    fifth = sync(config, 6, 90.0, now=40.0, state=fourth.state)

    assert [one.state.failures for one in (first, second, third, fourth, fifth)] == [(1,), (2,), (3,), (4,), (0,)]
    assert second.desired == 4
    assert third.clauses == (Clause.FALLBACK, Clause.ACTIVE)
    assert (fourth.desired, fourth.clauses[0]) == (6, Clause.FALLBACK)


def test_polls_ask_nothing_while_the_autoscaler_does_and_nothing_else_needs_them() -> None:
    config = KedaConfig((STRICT,), min_replicas=2, fallback=Fallback(5, 6))
    told = sync(config, 4, 90.0).state
    failed = sync(config, 4, LOST, state=told).state

    assert poll(config, 4, LOST, state=told).clauses == (Clause.READ_BY_SYNC, Clause.ACTIVE)
    assert poll(config, 4, LOST, state=told).state.failures == (0,)
    assert poll(config, 4, LOST, state=failed).state.failures == (2,), (
        "an autoscaler that is told nothing asks for none"
    )
    assert poll(replace(config, min_replicas=0), 4, LOST, state=told).state.failures == (1,)
    assert poll(replace(config, idle_replicas=0), 4, LOST, state=told).state.failures == (1,)


def test_polls_that_ask_nothing_count_the_fallback_of_a_sync_as_active() -> None:
    config = KedaConfig((REQUESTS,), min_replicas=2, fallback=Fallback(0, 6))
    fallen_back = sync(config, 4, LOST).state

    decision = poll(config, 6, 0.0, state=fallen_back)

    assert decision.active
    assert decision.state.failures == (1,)


def test_an_outage_that_only_polls_saw_end_falls_back_again_at_once_at_a_sync() -> None:
    """Syncs count on a copy of the object, and one that fell back keeps it."""
    config = KedaConfig((REQUESTS,), fallback=Fallback(1, 6))
    state = poll(config, 4, LOST).state
    state = sync(config, 4, LOST, state=state).state
    state = poll(config, 4, 90.0, state=state).state

    assert state.failures == (0,)
    assert sync(config, 4, LOST, state=state).clauses[0] is Clause.FALLBACK


def test_a_copy_that_a_poll_made_is_read_anew_with_each_poll() -> None:
    config = KedaConfig((REQUESTS,), fallback=Fallback(1, 6))
    state = poll(config, 4, LOST).state
    state = poll(config, 4, LOST, state=state).state
    fallen_back = sync(config, 4, LOST, state=state)
    state = poll(config, 4, 90.0, state=fallen_back.state).state

    assert fallen_back.state.failures == (3,)
    assert sync(config, 4, LOST, state=state).clauses[0] is Clause.NO_METRIC


@pytest.mark.parametrize(
    ("behaviour", "replicas", "desired"),
    [
        (FallbackBehaviour.STATIC, 9, 5),
        (FallbackBehaviour.CURRENT_REPLICAS, 9, 9),
        (FallbackBehaviour.CURRENT_REPLICAS_IF_HIGHER, 9, 9),
        (FallbackBehaviour.CURRENT_REPLICAS_IF_HIGHER, 3, 5),
        (FallbackBehaviour.CURRENT_REPLICAS_IF_LOWER, 9, 5),
        (FallbackBehaviour.CURRENT_REPLICAS_IF_LOWER, 3, 3),
    ],
)
@pytest.mark.parametrize("kind", MetricKind)
def test_the_fallback_makes_the_autoscaler_ask_for_its_replicas(
    behaviour: FallbackBehaviour, replicas: int, desired: int, kind: MetricKind
) -> None:
    at_once = Fallback(0, 5, behaviour)
    config = KedaConfig((replace(REQUESTS, kind=kind),), fallback=at_once)

    decision = sync(config, replicas, LOST)

    assert decision.autoscaler is not None
    assert decision.autoscaler.proposals[0].replicas == desired


def test_a_fallback_for_the_whole_needs_a_pod_that_is_ready() -> None:
    config = KedaConfig((replace(REQUESTS, kind=MetricKind.VALUE),), fallback=Fallback(0, 5))

    decision = decide(config, KedaState(), Sync(0.0, 4, 4, (LOST,), PodCount(4, 0)))

    assert decision.desired == 4
    assert decision.clauses[0] is Clause.FALLBACK_IMPOSSIBLE


def test_an_autoscaler_that_looks_at_no_metric_meets_no_failure() -> None:
    config = KedaConfig((REQUESTS,), max_replicas=5, fallback=Fallback(3, 2))

    assert sync(config, 0, LOST).state.failures == ()
    assert sync(config, 6, LOST).state.failures == ()


def test_a_cached_value_is_that_of_the_last_poll() -> None:
    config = KedaConfig((replace(REQUESTS, cached=True),), min_replicas=1)
    polled = poll(config, 2, 60.0)

    assert sync(config, 2, 80.0).desired == 4, "before the first poll the query is asked"
    assert sync(config, 2, 80.0, state=polled.state).desired == 3


def test_a_cached_fallback_looks_like_a_success_and_so_ends_itself() -> None:
    config = KedaConfig((replace(REQUESTS, cached=True),), min_replicas=1, fallback=Fallback(0, 6))
    failed = poll(config, 2, LOST)

    answered = sync(config, 2, LOST, state=failed.state)

    assert failed.state.failures == (1,)
    assert answered.state.failures == (0,)


def test_annotations_pause_one_direction_or_both_and_force_activation() -> None:
    config = KedaConfig((REQUESTS,))

    assert poll(replace(config, paused=True), 3, 0.0, state=BUSY).clause is Clause.PAUSED
    assert sync(replace(config, paused=True), 3, 900.0).desired == 3
    assert poll(replace(config, paused_scale_in=True), 3, 0.0, state=BUSY).desired == 3
    assert poll(replace(config, paused_scale_out=True), 0, 90.0).desired == 0
    assert sync(replace(config, paused_scale_out=True), 3, 900.0).clause is Clause.SCALE_UP_LIMIT
    assert poll(replace(config, force_activation=True), 0, 0.0).clause is Clause.ACTIVATION_FORCED


def test_a_pause_at_a_number_sets_it_at_once_and_holds_it() -> None:
    config = KedaConfig((REQUESTS,), min_replicas=2, paused_replicas=0)

    assert poll(config, 3, 90.0).desired == 0
    assert sync(config, 3, 90.0).clauses == (Clause.PAUSED,)
    assert sync(replace(config, paused_replicas=5), 5, 0.0).desired == 5


def test_after_a_pause_the_autoscaler_is_a_new_one_and_only_the_status_is_remembered() -> None:
    config = KedaConfig((REQUESTS,), behaviour=Behaviour(down=Rules(window=600.0)), fallback=Fallback(3, 6))
    before = sync(config, 8, 160.0, now=0.0, state=poll(config, 8, LOST, now=0.0).state).state
    held = sync(config, 8, 20.0, now=15.0, state=before)
    paused = poll(replace(config, paused=True), 8, 20.0, now=15.0, state=replace(before, failures=(2,)))

    resumed = sync(config, 3, 20.0, now=30.0, state=paused.state)

    assert held.desired == 8
    assert resumed.desired == 3
    assert sync(config, 3, LOST, now=30.0, state=paused.state).state.failures == (3,)


def test_the_autoscaler_asks_for_queries_before_resources() -> None:
    config = KedaConfig((CPU, REQUESTS), min_replicas=1)

    decision = sync(config, 4, LOST, LOST)

    assert [metric.source for metric in config.autoscaler.metrics] == [Source.EXTERNAL, Source.RESOURCE]
    assert decision.state.autoscaler.conditions.scaling_active == Condition(False, Reason.FAILED_GET_EXTERNAL_METRIC)


@pytest.mark.parametrize(
    ("value", "thousandths"),
    [(0.0, 0), (0.0625, 62), (0.1875, 188), (1.2346, 1235), (20.0, 20_000), (-3.0, 0), (1e12, 10**15), (math.nan, 0)],
)
def test_values_are_rounded_to_thousandths_as_they_are_printed(value: float, thousandths: int) -> None:
    assert in_milli(value) == thousandths


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.floats(0, 2000), min_size=1, max_size=20),
    least=st.integers(0, 4),
    kind=st.sampled_from(MetricKind),
)
def test_between_polls_it_is_the_autoscaler_of_kubernetes(values: list[float], least: int, kind: MetricKind) -> None:
    config = KedaConfig((replace(REQUESTS, kind=kind),), min_replicas=least, max_replicas=30)
    state, plain, replicas = KedaState(), HpaState(), max(least, 1)
    for place, value in enumerate(values):
        now, pods = place * 15.0, PodCount(replicas, replicas)
        alone = hpa.decide(
            config.autoscaler, plain, Observation(now, replicas, replicas, (Values((in_milli(value),)),), pods)
        )

        decision = sync(config, replicas, value, now=now, state=state)

        assert (decision.desired, decision.state.autoscaler) == (alone.desired, alone.state)
        assert max(least, 1) <= decision.desired <= 30
        state, plain, replicas = decision.state, alone.state, decision.desired
