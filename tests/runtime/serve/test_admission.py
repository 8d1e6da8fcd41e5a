"""Who is let in, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem_runtime.serve.admission import Queue, admit, batch_rows
from mlsystem_runtime.serve.call import Call
from mlsystem_runtime.serve.refused import RefusedError
from mlsystem_runtime.serve.service_time import ServiceTime
from mlsystem_runtime.serve.work import Work


@dataclass(eq=False)
class Version:
    """Of a version, the queue asks only how long it takes."""

    service_time: ServiceTime = field(default_factory=ServiceTime)


def taking(a, b):
    version = Version()
    version.service_time.a, version.service_time.b = a, b
    return version


def work(version, due, rows=1, deadline=100.0, gone=False):
    return Work(Call("r", 0.0, due, deadline, cancelled=gone), version, [{}] * rows, 0)

def filled(*works):
    queue = Queue()
    for one in works:
        queue.add(one)
    return queue


VERSIONS = [taking(0.001, 0.01), taking(0.0, 0.01), taking(0.02, 0.0)]
waiting = st.lists(st.builds(
    work, st.sampled_from(VERSIONS), st.floats(0, 2), st.integers(1, 5), st.sampled_from([0.5, 1.0, 5.0]),
    st.booleans(),
), max_size=20)


@settings(max_examples=300, deadline=None)
@given(waiting, st.floats(0, 2))
def test_everything_is_taken_once_and_what_is_due_first_comes_first(works, now):
    queue, left = filled(*works), list(works)
    while len(queue):
        batch, unwanted = queue.take(now)
        wanted = [one for one in left if not one.call.unwanted(now)]
        in_time = [one for one in wanted if one.call.due > now]
        assert all(one.call.unwanted(now) for one in unwanted)
        if batch:
            assert {one.version for one in batch} == {batch[0].version}
            assert all(one in wanted for one in batch)
            assert batch[0].call.due == min(one.call.due for one in in_time or wanted)
            assert all(one.call.due > now for one in batch) or not in_time
            assert len(batch) == 1 or sum(map(len, (one.rows for one in batch))) <= 1024
        for one in (*batch, *unwanted):
            left.remove(one)
    assert left == []


def test_a_batch_is_all_that_waits_of_a_version_in_the_order_in_which_it_is_due():
    first, second = taking(0.0001, 0.01), taking(0.0001, 0.01)
    works = [work(first, 1.0), work(second, 0.5), work(first, 0.9), work(second, 3.0)]
    queue = filled(*works)

    assert queue.take(0.0) == ([works[1], works[3]], [])
    assert queue.take(0.0) == ([works[2], works[0]], [])
    assert queue.take(0.0) == ([], [])


def test_what_is_late_waits_for_what_can_be_in_time_and_is_answered_after_it():
    version = taking(0.0001, 0.01)
    late, early = work(version, 1.0), work(version, 3.0)
    queue = filled(late, early)

    assert queue.take(2.0) == ([early], [])
    assert queue.take(2.0) == ([late], [])


def test_what_nobody_wants_any_more_is_not_computed():
    version = taking(0.0001, 0.01)
    gone, expired, wanted = work(version, 1.0, gone=True), work(version, 2.0, deadline=0.5), work(version, 3.0)
    queue = filled(gone, expired, wanted)

    assert queue.take(0.6) == ([wanted], [gone, expired])


def test_a_batch_stays_small_where_a_larger_one_would_save_nothing():
    assert batch_rows(taking(0.005, 0.0), 1.0) == 1
    assert batch_rows(taking(1e-6, 1e-5), 1.0) == pytest.approx(101, abs=1)
    assert batch_rows(taking(1e-3, 1e-2), 0.11) == 45


def test_a_server_that_has_nothing_to_do_tries_every_request():
    admit(work(taking(0.0, 5.0), due=0.1), Queue(), 0.0, 0.0)


def test_a_request_that_cannot_be_answered_in_time_is_told_when_it_could():
    version = taking(0.005, 0.0)
    queue = filled(*(work(version, due=1.0) for _ in range(20)))
    admit(work(version, due=0.25), queue, 0.005, 0.0)

    with pytest.raises(RefusedError) as refused:
        admit(work(version, due=0.1), queue, 0.005, 0.0)

    assert (refused.value.status, refused.value.reason) == (503, "admission")
    assert refused.value.retry_after == pytest.approx(21 * 0.005 + 0.005 - 0.085)
    assert refused.value.headers() == {b"retry-after": b"1"}


def test_what_passes_between_batches_counts_though_it_is_no_service_time():
    version = taking(0.005, 0.0)
    queue = filled(*(work(version, due=1.0) for _ in range(20)))
    admit(work(version, due=0.15), queue, 0.0, 0.0)
    queue.between = 0.002

    with pytest.raises(RefusedError) as refused:
        admit(work(version, due=0.15), queue, 0.0, 0.0)

    assert refused.value.retry_after == pytest.approx(21 * 0.007 - 0.85 * 0.15)


def test_what_is_late_already_keeps_nobody_out():
    version = taking(0.005, 0.0)
    queue = filled(*(work(version, due=0.5) for _ in range(50)))
    queue.take(1.0)

    admit(work(version, due=1.1), queue, 0.0, 1.0)


def test_rows_of_other_versions_count():
    slow, fast = taking(0.02, 0.0), taking(0.0001, 0.0)
    queue = filled(*(work(slow, due=1.0) for _ in range(10)))

    with pytest.raises(RefusedError):
        admit(work(fast, due=0.1), queue, 0.0, 0.0)


def test_a_deadline_that_has_passed_is_504():
    with pytest.raises(RefusedError) as refused:
        admit(work(taking(0.0, 0.001), due=1.0, deadline=1.0), Queue(), 0.0, 1.0)

    assert (refused.value.status, refused.value.reason) == (504, "deadline")
