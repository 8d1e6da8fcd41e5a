"""A simulated pod lets in, queues and batches as the server's own code does."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_engine import rows_of, service_time

from mlsystem.capacity.simulation import engine, routing
from mlsystem.capacity.simulation.engine import Engine, rules_of
from mlsystem.capacity.simulation.layout import REFUSED, Rules
from mlsystem.capacity.simulation.service_times import Linear
from mlsystem.capacity.simulation.setting import PATIENCE, Objective, Routing, Server
from mlsystem.capacity.traffic import RequestClass
from mlsystem_runtime.serve import admission, call
from mlsystem_runtime.serve import service_time as served
from mlsystem_runtime.serve.call import Call
from mlsystem_runtime.serve.refused import RefusedError

SIZES = (RequestClass("one", 0.6), RequestClass("some", 0.3, 3), RequestClass("many", 0.1, 40))


def by_the_server(rules: Rules, moments: list[float]) -> list[tuple[float, bool]]:
    """(moment of the batch, refused?) of each request, by the runtime's queue and admission on a clock of our own."""
    believed = served.ServiceTime()
    believed.a, believed.b = rules.a, rules.b
    version: Any = SimpleNamespace(service_time=believed)
    queue, found, ends, free_at = admission.Queue(), [(math.nan, False)] * len(moments), math.inf, 0.0

    def turn(now: float) -> tuple[float, float]:
        batch: list[Any] = []
        while not batch and len(queue):
            batch, _ = queue.take(now)
        if not batch:
            return math.inf, 0.0
        for work in batch:
            found[work.number] = (now, False)
        rows = sum(work.size for work in batch)
        return now + service_time(rules, 1, rows, batch[0].number), now + believed.seconds(rows)

    for number, now in enumerate(moments):
        while ends <= now:
            ends, free_at = turn(ends)
        work: Any = SimpleNamespace(
            number=number, version=version, size=rows_of(rules, number), unwanted=lambda now: False,
            call=Call("", now, now + rules.budget, math.inf),
        )  # fmt: skip
        try:
            admission.admit(work, queue, max(0.0, free_at - now) if math.isfinite(ends) else 0.0, now)
        except RefusedError:
            found[number] = (math.nan, True)
            continue
        queue.add(work)
        if math.isinf(ends):
            ends, free_at = turn(now)
    while math.isfinite(ends):
        ends, free_at = turn(ends)
    return found


@settings(deadline=None, max_examples=60)
@given(
    st.one_of(st.just(0.0), st.floats(1e-6, 0.01)), st.floats(0.001, 0.05), st.sampled_from([(1.0,), (0.5, 1.0, 4.0)]),
    st.floats(0.03, 0.5), st.floats(5.0, 400.0), st.integers(0, 2**40),
)  # fmt: skip
def test_requests_are_refused_and_begun_when_the_server_would(
    a: float, b: float, factors: tuple[float, ...], budget: float, rate: float, key: int
) -> None:
    server = Server(Linear(a, b, factors), largest_batch=1024, timeout=math.inf, budget=budget)
    rules = rules_of(server, Routing.RANDOM, Objective(budget), SIZES, key)
    moments = np.cumsum(np.random.default_rng(key).exponential(1.0 / rate, 300))
    fast = Engine(rules, float(moments[-1]), log=300)
    fast.route([fast.open(0.0)])
    fast.run(moments, 0, math.inf)

    expected = by_the_server(rules, moments.tolist())
    assert (fast.state.log_outcome == REFUSED).tolist() == [refused for _, refused in expected]
    assert fast.state.log_start == pytest.approx([start for start, _ in expected], abs=0.0, nan_ok=True)


def test_the_numbers_are_the_server_s() -> None:
    assert (routing.MARGIN, routing.LARGEST_SHARE, routing.LEAST_SHARE) == (
        admission.MARGIN, admission.LARGEST_SHARE, admission.LEAST_SHARE,
    )  # fmt: skip
    assert (engine.WORTHWHILE, engine.MOST_ROWS) == (admission.WORTHWHILE, served.MOST_ROWS)
    assert PATIENCE == call.PATIENCE_SECONDS
