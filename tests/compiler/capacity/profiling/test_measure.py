"""When a measurement counts, and what is offered in it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from mlsystem.capacity.profiling.measure import MOST_REQUESTS, cells, checked, processor_name, schedule
from mlsystem.capacity.profiling.open_loop import Answer, Offer, Outcome
from mlsystem.errors import MlsystemError

FAST = {1: 0.001, 4: 0.002, 16: 0.006}


def outcomes(count: int = 200, lag: float = 0.0, late: int = 0, failed: int = 0) -> list[Outcome]:
    """Of requests alone that took 10 ms; `late` of them were sent `lag` after they were due, `failed` were refused."""
    return [
        Outcome(
            Offer(float(at)), at + (lag if at < late else 0.0), True,
            [Answer(at + 0.01, 503 if at < failed else 200, b"queue;dur=0, features;dur=1, model;dur=1, total;dur=2")],
        ) for at in range(count)
    ]  # fmt: skip


def test_a_generator_that_was_late_makes_the_measurement_void() -> None:
    with pytest.raises(MlsystemError, match=r"sent up to 7\.0 ms after they were due .* 5 ms is allowed") as refused:
        checked({1: outcomes(lag=0.007, late=3)})

    assert "nothing else runs here" in str(refused.value.hint)


def test_one_of_a_hundred_may_be_late() -> None:
    assert checked({1: outcomes(lag=0.007, late=2)}) == 0.0


def test_the_lag_of_every_level_counts() -> None:
    with pytest.raises(MlsystemError, match="after they were due"):
        checked({1: outcomes(), 2: outcomes(lag=0.02, late=100)})


def test_a_server_that_refuses_makes_it_void_too() -> None:
    with pytest.raises(MlsystemError, match="3 of 200 times the server did not answer"):
        checked({1: outcomes(failed=3)})


def test_a_cell_says_how_many_samples_it_stands_for() -> None:
    (cell,) = cells({2: outcomes(count=500)})

    assert (cell.workers, cell.requests, cell.samples, len(cell.quantiles_us)) == (2, 1, 500, 200)
    assert cell.quantiles_us[0] == pytest.approx(10_000, abs=1)


def test_between_bursts_of_every_size_requests_come_alone() -> None:
    sizes = [offer.requests for offer in schedule(FAST, 1.0)]

    assert sizes[:8] == [1, 1, 1, 5, 1, 17, 1, 1]


def test_a_burst_is_offered_after_twice_the_time_of_the_one_before_or_later() -> None:
    offers = list(schedule({1: 0.050}, 10.0))

    assert all(later.due - earlier.due >= 0.1 for earlier, later in pairwise(offers))
    assert len({round(later.due - earlier.due, 6) for earlier, later in pairwise(offers)}) > 10


def test_a_schedule_ends_by_time_and_by_count() -> None:
    assert max(offer.due for offer in schedule(FAST, 1.0)) <= 1.0
    assert sum(offer.requests for offer in schedule(FAST, 1e6)) <= MOST_REQUESTS + max(FAST) + 1


def test_the_same_schedule_is_made_each_time() -> None:
    assert list(schedule(FAST, 2.0)) == list(schedule(FAST, 2.0))


def test_the_processor_has_the_name_that_the_kernel_says(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Fast CPU @ 3GHz\nprocessor\t: 1\n")

    assert processor_name(tmp_path / "cpuinfo") == "Fast CPU @ 3GHz"
    assert processor_name(tmp_path / "absent")
