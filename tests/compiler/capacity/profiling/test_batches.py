"""What a batch takes, out of bursts that the server divided as it liked."""

from __future__ import annotations

import random

import pytest

from mlsystem.capacity.profiling.batches import Burst, Line, burst_of, line_of, samples_of
from mlsystem.capacity.profiling.open_loop import LOST, Answer, Offer, Outcome


def outcome(*answers: tuple[float, str], status: int = 200, alone: bool = True) -> Outcome:
    """Sent at 1.0; each answer with its end and what features and model took."""
    told = [Answer(end, status, f"queue;dur=0.1, {batch}, total;dur=2".encode()) for end, batch in answers]
    return Outcome(Offer(1.0, len(told)), 1.0, alone, told)


def burst(*sizes: int, a: float = 0.001, b: float = 0.004) -> Burst:
    """As long as a server takes that computes a·n + b seconds for n."""
    return Burst(tuple(sorted(sizes)), a * sum(sizes) + b * len(sizes))


def test_requests_that_were_computed_together_share_the_times_of_features_and_model() -> None:
    one, other = "features;dur=0.310, model;dur=0.100", "features;dur=0.310, model;dur=0.200"

    found = burst_of(outcome((1.010, one), (1.019, other), (1.020, other), (1.021, other)))

    assert found == Burst((1, 3), pytest.approx(0.021))


@pytest.mark.parametrize(("status", "alone"), [(503, True), (LOST, True), (200, False)])
def test_a_burst_with_a_failure_or_beside_another_one_says_nothing(status: int, alone: bool) -> None:
    assert burst_of(outcome((1.01, "features;dur=1, model;dur=1"), status=status, alone=alone)) is None


def test_the_line_is_found_however_bursts_were_divided() -> None:
    chance = random.Random(3)
    bursts = [burst(first, size - first) for size in (2, 3, 5, 9) for first in [chance.randint(1, size - 1)]]

    assert line_of([*bursts, burst(1)]) == Line(pytest.approx(0.001), pytest.approx(0.004))


def test_of_requests_alone_all_is_constant() -> None:
    assert line_of([burst(1), burst(1)]) == Line(0.0, pytest.approx(0.005))


@pytest.mark.parametrize(("a", "b"), [(0.01, 0.0), (0.0, 0.01)])
def test_neither_part_of_the_line_is_negative(a: float, b: float) -> None:
    line = line_of([burst(1, a=a, b=b), burst(1, 8, a=a, b=b), burst(2, 30, a=a, b=b)])

    assert (line.a, line.b) == (pytest.approx(a, abs=1e-9), pytest.approx(b, abs=1e-9))
    assert min(line.a, line.b) >= 0.0


def test_a_batch_takes_its_part_of_what_its_burst_took() -> None:
    bursts = [*[burst(1)] * 20, *[burst(1, 8)] * 20, *[burst(3, 6)] * 12]

    samples = samples_of(bursts)

    assert {size: len(times) for size, times in samples.items()} == {1: 20, 8: 20}
    assert samples[1] == pytest.approx([0.005] * 20)
    assert samples[8] == pytest.approx([0.012] * 20)


def test_of_the_sizes_of_an_octave_the_one_that_was_seen_most_often_stays() -> None:
    bursts = [*[burst(1)] * 20, *[burst(1, 7)] * 15, *[burst(1, 8)] * 12, *[burst(1, 5)] * 14]

    assert list(samples_of(bursts)) == [1, 7]


def test_a_size_that_was_seen_too_seldom_is_left_out_but_not_a_request_alone() -> None:
    assert list(samples_of([*[burst(1)] * 3, *[burst(1, 4)] * 9])) == [1]


def test_a_slow_burst_stays_a_slow_sample() -> None:
    slow = Burst((1, 8), 10 * burst(1, 8).seconds)

    samples = samples_of([*[burst(1)] * 20, *[burst(1, 8)] * 20, slow])

    assert max(samples[8]) == pytest.approx(10 * burst(8).seconds)


def test_a_fast_burst_leaves_no_batch_without_time() -> None:
    fast = Burst((4, 5), 0.1 * burst(1).seconds)

    samples = samples_of([*[burst(1)] * 20, *[burst(4, 5)] * 20, fast])

    assert 0.0 < min(samples[5]) < 0.1 * burst(1).seconds
