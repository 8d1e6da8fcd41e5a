"""The fast engine does what the plain one does, on anything small; and what holds of every run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_engine import OUTCOMES, PlainEngine, Request, uniform

from mlsystem.capacity.simulation import draws, kernel
from mlsystem.capacity.simulation.engine import Engine, rules_of
from mlsystem.capacity.simulation.layout import Rules
from mlsystem.capacity.simulation.service_times import Linear, Measured
from mlsystem.capacity.simulation.setting import Objective, Routing, Server
from mlsystem.capacity.traffic import RequestClass

SECONDS = 40
HALVES = st.integers(0, 2 * SECONDS - 1).map(lambda number: number / 2)
SERVICES = st.one_of(
    st.builds(Linear, st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.5, 1.0, 2.5]), st.just((0.5, 1.0, 3.0))),
    st.just(Measured({(1, 1): [1.0, 2.0], (1, 3): [2.0, 2.5, 4.0], (2, 1): [1.5, 2.0], (2, 4): [3.0, 5.0]})),
)
SERVERS = st.builds(
    Server, SERVICES, st.integers(1, 3), st.integers(1, 5), st.one_of(st.none(), st.integers(0, 3)),
    st.one_of(st.just(math.inf), st.integers(1, 8).map(float)), st.one_of(st.none(), st.integers(2, 12).map(float)),
)  # fmt: skip
CLASSES = st.sampled_from(
    [(RequestClass("one", 1.0),), (RequestClass("one", 0.5), RequestClass("two", 0.2, 2), RequestClass("six", 0.3, 6))]
)
RULES = st.builds(
    rules_of, SERVERS, st.sampled_from(Routing), st.just(Objective(3.0, 10.0)), CLASSES, st.integers(0, 2**63 - 1)
)


@dataclass(frozen=True)
class Step:
    time: float
    kind: Literal["open", "stop", "kill", "hole"]
    which: int


STEPS = st.lists(
    st.builds(Step, HALVES, st.sampled_from(["open", "open", "stop", "kill", "hole"]), st.integers(0, 9)), max_size=6
).map(lambda steps: sorted(steps, key=lambda step: step.time))


def played(rules: Rules, moments: list[float], steps: list[Step]) -> tuple[Engine, PlainEngine]:
    """Both engines through the same arrivals and the same life of pods."""
    fast, plain = Engine(rules, SECONDS, log=len(moments)), PlainEngine(rules)
    array, at, done = np.array(moments), 0, 0
    for step in [*(Step(0.0, "open", 0) for _ in range(3)), *steps, Step(math.inf, "stop", 0)]:
        at = fast.run(array, at, step.time)
        plain.run(moments[done:at], step.time)
        done = at
        if math.isfinite(step.time):
            change(fast, plain, step)
    return fast, plain


def change(fast: Engine, plain: PlainEngine, step: Step) -> None:
    places = plain.routable
    if step.kind == "open":
        place = fast.open(step.time)
        plain.open(place, step.time)
        places.append(place)
    elif places:
        place = places[step.which % len(places)]
        if step.kind != "stop":
            fast.kill(place, step.time, step.kind == "hole")
            plain.kill(place, step.time, step.kind == "hole")
        if step.kind != "hole":
            places.remove(place)
    fast.route(places)


def lines(requests: list[Request]) -> list[tuple[float, float, int, int]]:
    return [(one.start, one.end, one.pod, OUTCOMES[one.outcome] if one.outcome else 0) for one in requests]


@settings(deadline=None, max_examples=400)
@given(RULES, st.lists(HALVES, max_size=40).map(sorted), STEPS)
def test_the_fast_engine_does_exactly_what_the_plain_one_does(
    rules: Rules, moments: list[float], steps: list[Step]
) -> None:
    fast, plain = played(rules, moments, steps)
    state = fast.state

    log = zip(state.log_start, state.log_end, state.log_pod, state.log_outcome, strict=True)
    assert [tuple(map(str, line)) for line in log] == [
        (str(np.float64(start)), str(np.float64(end)), str(pod), str(outcome))
        for start, end, pod, outcome in lines(plain.requests)
    ]
    for place, pod in plain.pods.items():
        counted = (float(state.busy_seconds[place]), float(state.held_seconds[place]), int(state.routed[place]))
        assert counted == (pod.busy_seconds, pod.held_seconds, pod.routed)


@settings(deadline=None)
@given(RULES, st.lists(HALVES, max_size=40).map(sorted), STEPS)
def test_whatever_comes_leaves_in_one_way(rules: Rules, moments: list[float], steps: list[Step]) -> None:
    fast, plain = played(rules, moments, steps)
    came, within, *ways = fast.state.windows.sum(axis=0)

    assert came == len(moments) == sum(ways)
    assert within <= ways[0]
    assert within == sum(one.end - one.arrived <= 3.0 for one in plain.requests if one.outcome == "answered")
    assert fast.state.held.sum() == 0


@settings(deadline=None)
@given(
    st.builds(rules_of, st.builds(Server, SERVICES, st.integers(1, 3), st.integers(1, 5)), st.sampled_from(Routing),
              st.just(Objective(3.0)), st.just((RequestClass("all", 1.0),)), st.integers(0, 99)),
    st.lists(HALVES, max_size=40).map(sorted), STEPS,
)  # fmt: skip
def test_who_comes_first_to_a_pod_begins_first(rules: Rules, moments: list[float], steps: list[Step]) -> None:
    fast, _ = played(rules, moments, steps)
    begun = ~np.isnan(fast.state.log_start)

    for place in np.unique(fast.state.log_pod):
        starts = fast.state.log_start[begun & (fast.state.log_pod == place)]
        assert (np.diff(starts) >= 0).all()


@settings(deadline=None)
@given(RULES, st.lists(HALVES, max_size=40).map(sorted), HALVES)
def test_no_request_is_answered_by_a_dead_pod(rules: Rules, moments: list[float], time: float) -> None:
    fast, _ = played(rules, moments, [Step(time, "kill", 0)])
    state = fast.state

    by_the_dead = (state.log_pod == 0) & (state.log_outcome == OUTCOMES["answered"])
    assert (state.log_end[by_the_dead] < time).all()


@given(st.integers(0, 2**63 - 1), st.integers(0, 7), st.integers(0, 2**40))
def test_chance_is_the_same_in_every_language(key: int, stream: int, number: int) -> None:
    assert draws.uniform(key, stream, number) == uniform(key, stream, number)


def test_chance_is_even_and_its_streams_do_not_know_of_each_other() -> None:
    first, second = (np.array([draws.uniform(7, stream, number) for number in range(20_000)]) for stream in (1, 2))

    assert np.histogram(first, 20, (0.0, 1.0))[0] == pytest.approx(np.full(20, 1000), abs=150)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.03


def test_rings_and_pods_grow_without_losing_anything() -> None:
    server = Server(Linear(0.0, 50.0), timeout=math.inf)
    engine = Engine(rules_of(server, Routing.ROUND_ROBIN, Objective(1.0), (RequestClass("all", 1.0),), 1), 100.0)
    moments, at = np.linspace(0.0, 50.0, 10_000), 0
    places: list[int] = []
    for step in range(40):
        places.append(engine.open(float(step)))
        engine.route(places)
        at = engine.run(moments, at, step + 1.0)
    engine.run(moments, at, math.inf)

    assert engine.state.windows.sum(axis=0)[:3].tolist() == [10_000, 0, 10_000]
    assert kernel.NUMBER == 0
    assert int(engine.state.counts[kernel.NUMBER]) == int(engine.state.counts[kernel.OLDEST]) == 10_000
