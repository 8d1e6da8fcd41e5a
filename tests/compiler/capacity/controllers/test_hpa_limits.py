"""Stabilisation and rates equal their definitions over the whole of what happened, which the controller forgets."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa_limits import (
    DEFAULT_DOWN,
    DEFAULT_UP,
    limit,
    most_replicas,
    remembered,
    stabilise,
)
from mlsystem.capacity.controllers.hpa_types import (
    Behaviour,
    Flags,
    HpaConfig,
    Policy,
    PolicyKind,
    Recommendation,
    Rules,
    ScaleEvent,
    Select,
)

PODS, PERCENT = PolicyKind.PODS, PolicyKind.PERCENT
PERIOD = 60.0
WINDOWS = st.sampled_from((0.0, 15.0, 40.0, 100.0))
STEPS = st.lists(st.tuples(st.sampled_from((5.0, 15.0, 15.5, 40.0)), st.integers(1, 40)), min_size=1, max_size=40)
ONE_PERIOD = st.lists(
    st.builds(Policy, st.sampled_from(PolicyKind), st.integers(1, 120), st.just(PERIOD)), min_size=1, max_size=3
).map(tuple)


@settings(max_examples=200, deadline=None)
@given(up=WINDOWS, down=WINDOWS, steps=STEPS)
def test_the_windows_of_a_behaviour_are_the_extremes_of_all_recommendations_within_them(
    up: float, down: float, steps: list[tuple[float, int]]
) -> None:
    config = HpaConfig((), 100, behaviour=Behaviour(Rules(window=up), Rules(window=down)))
    kept: tuple[Recommendation, ...] = ()
    all_of_them: list[tuple[float, int]] = []
    now, current = 0.0, 10
    for wait, desired in steps:
        now += wait
        least = min([desired, *(asked for at, asked in all_of_them if at > now - up)])
        most = max([desired, *(asked for at, asked in all_of_them if at > now - down)])

        stable = stabilise(config, kept, current, desired, now)

        assert stable.replicas == (least if current < least else most if current > most else current)
        assert (stable.clause is None) is (stable.replicas == desired)
        all_of_them.append((now, desired))
        kept, current = stable.recommendations, stable.replicas


@settings(max_examples=100, deadline=None)
@given(window=WINDOWS, steps=STEPS)
def test_without_a_behaviour_the_highest_recommendation_of_the_window_holds(
    window: float, steps: list[tuple[float, int]]
) -> None:
    config = HpaConfig((), 100, flags=Flags(downscale_stabilisation=window))
    kept: tuple[Recommendation, ...] = ()
    all_of_them: list[tuple[float, int]] = []
    now = 0.0
    for wait, desired in steps:
        now += wait
        all_of_them.append((now, desired))

        stable = stabilise(config, kept, 1, desired, now)

        assert stable.replicas == max(asked for at, asked in all_of_them if at >= now - window)
        kept = stable.recommendations


def test_what_is_remembered_does_not_grow_without_end() -> None:
    config = HpaConfig((), 100, flags=Flags(downscale_stabilisation=60.0))
    kept: tuple[Recommendation, ...] = ()
    for sync in range(1000):
        kept = stabilise(config, kept, 1, sync % 7, sync * 15.0).recommendations

    assert len(kept) == 5


@settings(max_examples=200, deadline=None)
@given(
    up=ONE_PERIOD, down=ONE_PERIOD, selects=st.tuples(st.sampled_from(Select), st.sampled_from(Select)),
    steps=STEPS, start=st.integers(1, 60),
)  # fmt: skip
def test_in_no_period_do_replicas_change_by_more_than_the_policies_allow(
    up: tuple[Policy, ...], down: tuple[Policy, ...], selects: tuple[Select, Select],
    steps: list[tuple[float, int]], start: int,
) -> None:  # fmt: skip
    """The controller goes by the events it remembers; here the replicas of a period ago are looked up."""
    behaviour = Behaviour(Rules(up, selects[0]), Rules(down, selects[1]))
    config = HpaConfig((), 10**6, 1, behaviour)
    ups: tuple[ScaleEvent, ...] = ()
    downs: tuple[ScaleEvent, ...] = ()
    now, current = 0.0, start
    history = [(-math.inf, start)]
    for wait, wanted in steps:
        now += wait
        before = [replicas for at, replicas in history if at <= now - PERIOD][-1]

        desired = limit(config, ups, downs, current, wanted, now).replicas

        if desired > current:
            assert desired <= allowed(up, selects[0], before, 1)
            ups = remembered(behaviour.up, DEFAULT_UP, ups, (now, desired - current))
        elif desired < current:
            assert desired >= max(1, allowed(down, selects[1], before, -1))
            downs = remembered(behaviour.down, DEFAULT_DOWN, downs, (now, current - desired))
        history.append((now, desired))
        current = desired


def allowed(policies: tuple[Policy, ...], select: Select, before: int, sign: int) -> int:
    changes = [
        policy.value if policy.kind is PODS
        else math.ceil(before * (1 + policy.value / 100)) - before if sign > 0
        else before - int(before * (1 - policy.value / 100))
        for policy in policies
    ]  # fmt: skip
    return before + sign * {Select.MAX: max(changes), Select.MIN: min(changes), Select.DISABLED: 0}[select]


@pytest.mark.parametrize(
    ("value", "current", "most"), [(10, 1, 2), (10, 10, 11), (10, 11, 13), (100, 7, 14), (1, 99, 100)]
)
def test_a_percentage_always_lets_at_least_one_in(value: int, current: int, most: int) -> None:
    assert most_replicas(Rules((Policy(PERCENT, value, 15),)), (), (), current, 0.0) == most


@pytest.mark.parametrize(("value", "current", "least"), [(10, 10, 9), (10, 9, 8), (50, 3, 1), (100, 7, 1), (1, 30, 29)])
def test_a_percentage_lets_one_more_go_rather_than_one_less(value: int, current: int, least: int) -> None:
    config = HpaConfig((), 100, behaviour=Behaviour(down=Rules((Policy(PERCENT, value, 15),))))

    assert limit(config, (), (), current, 0, 0.0).replicas == least


def test_the_defaults_let_four_in_or_double_and_let_all_go() -> None:
    config = HpaConfig((), 1000, behaviour=Behaviour())

    assert [limit(config, (), (), current, 999, 0.0).replicas for current in (1, 4, 30)] == [5, 8, 60]
    assert limit(config, (), (), 50, 1, 0.0).replicas == 1


def test_removals_within_the_period_may_be_undone_beyond_the_rate() -> None:
    config = HpaConfig((), 1000, behaviour=Behaviour(up=Rules((Policy(PODS, 2, 60),))))

    limited = limit(config, (), ((50.0, 10),), 5, 100, 100.0)

    assert limited.replicas == 17


def test_an_addition_that_the_policies_for_growth_have_forgotten_counts_no_more_for_shrinking() -> None:
    """Each direction's events live as long as that direction's own policies look back."""
    quick = Rules((Policy(PODS, 4, 15),))
    old, new = (0.0, 4), (20.0, 3)

    assert remembered(quick, DEFAULT_UP, (old,), new) == (new,)


def test_the_minimum_is_named_where_the_rate_would_allow_less() -> None:
    config = HpaConfig((), 100, 3, Behaviour())

    limited = limit(config, (), (), 5, 0, 0.0)

    assert (limited.replicas, limited.clause) == (3, Clause.MINIMUM)
