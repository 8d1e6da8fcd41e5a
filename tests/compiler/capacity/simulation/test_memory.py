"""What a simulation holds at once does not grow with what it simulates."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from mlsystem.capacity.simulation.service_times import Linear
from mlsystem.capacity.simulation.setting import Objective, Pods, Server, Setting
from mlsystem.capacity.simulation.simulate import simulate
from mlsystem.capacity.traffic import steady

SETTING = Setting(Server(Linear(0.0, 0.001)), Objective(0.05), Pods(40))


def held(seconds: int) -> int:
    """The most bytes at once, of 20,000 requests a second."""
    simulate(SETTING, steady(100.0, 1), seed=1)
    tracemalloc.start()
    try:
        result = simulate(SETTING, steady(20_000.0, seconds), seed=1)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert result.came == pytest.approx(20_000 * seconds, rel=0.01)


@pytest.mark.slow
def test_a_longer_time_takes_no_more_memory() -> None:
    assert held(120) < 1.2 * held(40) < 200_000_000


def test_what_a_simulation_held_is_free_when_it_is_over() -> None:
    simulate(SETTING, steady(100.0, 1), seed=1)
    gc.disable()
    tracemalloc.start()
    try:
        result = simulate(SETTING, steady(20_000.0, 5), seed=1)
        left = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        gc.enable()

    assert result.came > 99_000
    assert left < 1_000_000
