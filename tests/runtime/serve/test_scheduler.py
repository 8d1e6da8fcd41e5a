"""When what is computed, and what becomes of it."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from mlsystem_runtime.serve.call import begin
from mlsystem_runtime.serve.metrics import Metrics
from mlsystem_runtime.serve.refused import DepartedError, RefusedError
from mlsystem_runtime.serve.scheduler import Scheduler
from mlsystem_runtime.serve.versions import LoadedVersion
from mlsystem_runtime.serve.work import Work


@dataclass
class Recorder:
    """A scorer that keeps its batches, and answers when it is let go."""

    inner: Any
    batches: list[int] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    go: threading.Event = field(default_factory=threading.Event)

    @property
    def card(self):
        return self.inner.card

    def predict(self, rows):
        self.batches.append(len(rows))
        self.threads.add(threading.get_ident())
        assert self.go.wait(10)
        return self.inner.predict(rows)


@pytest.fixture
def recorded(world) -> tuple[LoadedVersion, Recorder]:
    world.failing_carrier = "slip"
    loaded = world.load("main", 1)
    recorder = Recorder(loaded.scorer)
    recorder.go.set()
    return LoadedVersion.of(1, recorder, loaded.assembler), recorder


def fast(version):
    version.service_time.observe(1, 20e-6)


def slow(version):
    version.service_time.observe(1, 5e-3)


def row(carrier="UA"):
    return {"carrier": carrier, "distance": 1.0, "seats": 1, "express": False, "departure": 0, "note": None}


def work(version, carrier="UA", budget=5.0, allowed=None):
    return Work(begin("r", time.monotonic(), budget, allowed), version, [row(carrier)], 0)


def test_what_arrives_in_one_turn_of_the_loop_is_one_batch_and_needs_no_thread(recorded):
    version, recorder = recorded
    fast(version)

    async def together():
        scheduler = Scheduler(Metrics(()))
        return await asyncio.gather(*(scheduler.run(work(version)) for _ in range(5)))

    answers = asyncio.run(together())

    assert recorder.batches == [5]
    assert recorder.threads == {threading.get_ident()}
    assert all(one.outputs.keys() == {"probability"} for [one] in answers)


def test_what_arrives_while_a_slow_batch_runs_is_the_next_batch_and_the_loop_stays_free(recorded):
    version, recorder = recorded
    slow(version)
    recorder.go.clear()

    async def apart():
        scheduler = Scheduler(Metrics(()))
        first = asyncio.create_task(scheduler.run(work(version)))
        while not recorder.batches:
            await asyncio.sleep(0.001)
        later = [asyncio.create_task(scheduler.run(work(version))) for _ in range(4)]
        await asyncio.sleep(0)
        waiting = scheduler.waiting
        recorder.go.set()
        await asyncio.gather(first, *later)
        return waiting

    assert asyncio.run(apart()) == 4
    assert recorder.batches == [1, 4]
    assert threading.get_ident() not in recorder.threads


def test_the_thread_has_the_next_batch_before_the_last_one_is_answered(recorded):
    version, recorder = recorded
    slow(version)
    recorder.go.clear()

    async def one_after_another():
        scheduler, begun = Scheduler(Metrics(())), []
        first, second = work(version), work(version)
        scheduler.add(first)
        while not recorder.batches:
            await asyncio.sleep(0.001)
        scheduler.add(second)
        answered = asyncio.Event()
        first.done = lambda _: begun.append(second.call.taken)
        second.done = lambda _: answered.set()
        recorder.go.set()
        await answered.wait()
        return begun

    [begun] = asyncio.run(one_after_another())

    assert begun > 0.0


def test_a_model_that_ends_its_thread_is_an_error_of_its_batch_and_the_next_is_computed(recorded, monkeypatch):
    version, recorder = recorded
    slow(version)
    predict = Recorder.predict

    async def ended():
        scheduler = Scheduler(Metrics(()))
        monkeypatch.setattr(Recorder, "predict", lambda *_: exec("raise SystemExit"))
        with pytest.raises(RuntimeError, match="ended its thread"):
            await asyncio.wait_for(scheduler.run(work(version)), 10)
        monkeypatch.setattr(Recorder, "predict", predict)
        return await asyncio.wait_for(scheduler.run(work(version)), 10)

    assert len(asyncio.run(ended())) == 1
    assert recorder.batches == [1]


def test_an_idle_time_is_none_between_batches(recorded):
    version, recorder = recorded
    slow(version)

    async def abandoned():
        scheduler = Scheduler(Metrics(()))
        for _ in range(20):
            recorder.go.clear()
            begun = len(recorder.batches)
            first = asyncio.create_task(scheduler.run(work(version)))
            while len(recorder.batches) == begun:
                await asyncio.sleep(0.001)
            second = asyncio.create_task(scheduler.run(work(version)))
            await asyncio.sleep(0)
            second.cancel()
            recorder.go.set()
            await first
            await asyncio.sleep(0.02)
        return scheduler._queue.between

    assert asyncio.run(abandoned()) < 0.005


def test_what_was_quick_alone_stays_on_the_loop_though_it_is_slow_beside_others(recorded):
    version, recorder = recorded
    slow(version)
    version.warmed.observe(1, 50e-6)

    async def alone():
        return await Scheduler(Metrics(())).run(work(version))

    asyncio.run(alone())

    assert recorder.threads == {threading.get_ident()}


def test_a_store_that_may_keep_it_waiting_is_never_read_on_the_loop(recorded):
    version, recorder = recorded
    distant = LoadedVersion.of(1, recorder, replace(version.assembler, waits=True))
    fast(distant)

    async def alone():
        return await Scheduler(Metrics(())).run(work(distant))

    asyncio.run(alone())

    assert recorder.batches == [1]
    assert threading.get_ident() not in recorder.threads


def test_a_row_that_makes_the_model_fail_spoils_nobody_elses_answer(recorded):
    version, _ = recorded
    fast(version)

    async def together():
        scheduler = Scheduler(Metrics(()))
        works = [work(version), work(version, "slip"), work(version)]
        return await asyncio.gather(*map(scheduler.run, works), return_exceptions=True)

    first, failed, last = asyncio.run(together())

    assert isinstance(failed, ZeroDivisionError)
    assert first[0].outputs == last[0].outputs


def test_who_leaves_while_waiting_is_not_computed(recorded):
    version, recorder = recorded
    slow(version)
    recorder.go.clear()

    async def leaving():
        scheduler = Scheduler(Metrics(()))
        first = asyncio.create_task(scheduler.run(work(version)))
        while not recorder.batches:
            await asyncio.sleep(0.001)
        gone = work(version)
        left = asyncio.create_task(scheduler.run(gone))
        await asyncio.sleep(0)
        gone.call.departed = lambda: True
        recorder.go.set()
        await first
        with pytest.raises(DepartedError):
            await left

    asyncio.run(leaving())
    assert recorder.batches == [1]


def test_what_is_late_is_answered_though_all_that_could_be_in_time_has_gone(recorded):
    version, recorder = recorded
    slow(version)
    recorder.go.clear()

    async def left_alone():
        scheduler = Scheduler(Metrics(()))
        first = asyncio.create_task(scheduler.run(work(version)))
        while not recorder.batches:
            await asyncio.sleep(0.001)
        late, gone = work(version), work(version)
        waiting = [asyncio.create_task(scheduler.run(one)) for one in (late, gone)]
        await asyncio.sleep(0)
        late.call.due = time.monotonic()
        gone.call.departed = lambda: True
        recorder.go.set()
        await first
        await asyncio.wait(waiting, timeout=5)
        return [one.done() and one.exception() for one in waiting]

    answered, departed = asyncio.run(left_alone())

    assert answered is None
    assert isinstance(departed, DepartedError)


def test_who_waits_beyond_its_own_deadline_is_told_so_while_the_batch_before_still_runs(recorded):
    version, recorder = recorded
    slow(version)
    recorder.go.clear()

    async def expiring():
        scheduler = Scheduler(Metrics(()))
        first = asyncio.create_task(scheduler.run(work(version)))
        while not recorder.batches:
            await asyncio.sleep(0.001)
        with pytest.raises(RefusedError) as refused:
            await scheduler.run(work(version, allowed=0.05))
        recorder.go.set()
        await first
        return refused.value.status

    assert asyncio.run(expiring()) in {503, 504}
    assert recorder.batches == [1]


def test_under_twice_the_load_that_it_can_bear_it_answers_what_it_can_and_refuses_the_rest(recorded):
    version, recorder = recorded
    version.service_time.a, version.service_time.b = 0.005, 0.0

    async def flooded():
        scheduler = Scheduler(Metrics(()))
        recorder.go.clear()
        first = asyncio.create_task(scheduler.run(work(version, budget=0.25)))
        while not recorder.batches:
            await asyncio.sleep(0.001)
        tasks = [asyncio.create_task(scheduler.run(work(version, budget=0.25))) for _ in range(100)]
        await asyncio.sleep(0)
        waiting = scheduler.waiting
        recorder.go.set()
        results = await asyncio.gather(first, *tasks, return_exceptions=True)
        return waiting, [one for one in results if isinstance(one, RefusedError)]

    waiting, refused = asyncio.run(flooded())

    assert 38 <= waiting <= 43  # 0.85 * 0.25 s at 5 ms each, less what the first one still needs
    assert len(refused) == 100 - waiting
    assert all(one.status == 503 and one.retry_after > 0 for one in refused)
