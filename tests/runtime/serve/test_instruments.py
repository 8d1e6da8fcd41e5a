"""Metrics in shared memory: right over all workers, whatever dies, and in the format that Prometheus reads."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse

from mlsystem_runtime.contract import names
from mlsystem_runtime.serve import slots
from mlsystem_runtime.serve.call import begin
from mlsystem_runtime.serve.exposition import Family
from mlsystem_runtime.serve.instruments import Registry
from mlsystem_runtime.serve.metrics import Metrics
from mlsystem_runtime.serve.slots import Fleet, alone, new_fleet

REFUSED = Family("refused_total", "Without room", "counter")
BOUNDS = (0.001, 0.04, 0.25, 1.0)
AWKWARD = 'a "quoted" \\ back\nnew line, {brace} ü'


def registries(fleet: Fleet) -> list[Registry]:
    made = []
    for number, slot in enumerate(fleet.slots):
        slot.occupy()
        made.append(Registry(replace(fleet, number=number), REFUSED))
    return made


def samples(registry: Registry) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in parse(registry.text().decode()) for sample in family.samples
    }


def in_child(work: Callable[[], None], kill: bool = False) -> None:
    pid = os.fork()
    if pid == 0:
        work()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)


@pytest.fixture
def theirs() -> Iterator[CollectorRegistry]:
    disable_created_metrics()
    return CollectorRegistry()


@pytest.mark.parametrize("is_open", [False, True])
def test_the_text_is_byte_for_byte_that_of_the_client_library(theirs: CollectorRegistry, is_open: bool) -> None:
    [ours] = registries(new_fleet())
    counters = (
        ours.counter("asked_total", f"Asked, {AWKWARD}", ("model", "kind")),
        Counter("asked", f"Asked, {AWKWARD}", ["model", "kind"], registry=theirs),
    )
    histograms = (
        ours.histogram("took_seconds", "Took", ("model",), BOUNDS),
        Histogram("took_seconds", "Took", ["model"], buckets=BOUNDS, registry=theirs),
    )
    gauges = (
        ours.gauge("waiting_rows", "Waiting", ("z", "model"), merge="sum"),
        Gauge("waiting_rows", "Waiting", ["z", "model"], registry=theirs),
    )
    alone = ours.counter("alone_total", "Alone").labels(), Counter("alone", "Alone", registry=theirs)
    for counter in counters:
        counter.labels("main", AWKWARD).inc()
        counter.labels("main", 2).inc(2.5)
    for histogram in histograms:
        for value in (0.0, 0.001, 0.0011, 0.04, 0.3, 1.0, 7.25, math.nextafter(0.04, 1)):
            histogram.labels("main").observe(value)
    for gauge in gauges:
        gauge.labels("q", "main").set(-3)
        gauge.labels("q", "main").inc()
    for one in alone:
        one.inc()

    expected = openmetrics.generate_latest(theirs) if is_open else generate_latest(theirs)
    said = ours.text(is_open).decode()
    assert without_first_family(said) == expected.decode()
    assert list((parse_open if is_open else parse)(said))


def without_first_family(said: str) -> str:
    return said[said.index("# HELP asked") :]


def test_values_that_are_no_numbers_are_written_as_prometheus_reads_them() -> None:
    [registry] = registries(new_fleet())
    gauge = registry.gauge("g", "g", ("of",), merge="sum")
    for value in (math.inf, -math.inf, 1e300):
        gauge.labels(value).set(value)

    assert {sample for (name, _), sample in samples(registry).items() if name == "g"} == {math.inf, -math.inf, 1e300}


def test_every_worker_says_the_sum_over_all_workers_at_once() -> None:
    first, second = registries(new_fleet(2))
    for registry, times in ((first, 3), (second, 4)):
        for _ in range(times):
            registry.counter("asked_total", "Asked", ("model",)).labels("main").inc()
            registry.histogram("took", "Took", ("model",), BOUNDS).labels("main").observe(0.02)

    assert samples(first) == samples(second)
    assert samples(first)["asked_total", ("main",)] == 7
    assert samples(first)["took_bucket", ("0.04", "main")] == 7
    assert samples(first)["took_count", ("main",)] == 7


@pytest.mark.parametrize(("merge", "expected"), [("sum", 7.0), ("min", 3.0), ("max", 4.0)])
def test_a_gauge_says_how_it_merges(merge: str, expected: float) -> None:
    first, second, third = registries(new_fleet(3))
    for registry, value in ((first, 3), (second, 4)):
        registry.gauge("g", "g", merge=merge).labels().set(value)
    third.gauge("g", "g", merge=merge).labels()  # never set

    assert samples(third)["g", ()] == expected


def test_a_killed_worker_leaves_what_it_counted_and_takes_what_it_held() -> None:
    fleet = new_fleet(2)
    survivor = registries(fleet)[0]
    for made in (survivor.counter("asked_total", "Asked"), survivor.gauge("held", "Held", merge="sum")):
        made.labels().inc()

    def work() -> None:
        fleet.slots[1].occupy()
        registry = Registry(replace(fleet, number=1), REFUSED)
        registry.counter("asked_total", "Asked").labels().inc(10)
        registry.gauge("held", "Held", merge="sum").labels().inc(10)

    in_child(work)
    before = samples(survivor)
    fleet.slots[1].vacate()
    between = samples(survivor)
    in_child(work)
    after = samples(survivor)

    assert [one["asked_total", ()] for one in (before, between, after)] == [11, 11, 21]
    assert [one["held", ()] for one in (before, between, after)] == [11, 1, 11]


def test_a_worker_that_goes_on_with_a_slot_needs_no_more_room() -> None:
    fleet = new_fleet()
    sizes = set()
    for _ in range(100):
        in_child(lambda: Metrics((), fleet).requests.labels("main", 1, "ok").inc())
        sizes.add(fleet.own.values[slots.USED])

    assert len(sizes) == 1
    [registry] = registries(fleet)
    counter = registry.counter(names.REQUESTS, "Requests", ("model", "version", "outcome"))
    assert counter.labels("main", 1, "ok") is counter.labels("main", 1, "ok")
    assert samples(registry)[names.REQUESTS, ("main", "ok", "1")] == 100


def test_an_entry_whose_writer_was_killed_before_it_was_whole_is_not_there_and_written_over() -> None:
    slot = new_fleet().own
    slot.claim(("whole",), (1.0,))
    used = slot.values[slots.USED]
    slot.claim(("half written",), (2.0, 3.0))
    slot.values[slots.USED] = used
    again = slots.Slot(slot._bytes)

    assert [entry.name for entry in again.entries()] == [("whole",)]
    added = again.claim(("new",), (4.0,))
    assert slot.values[added.at] == 4.0


def test_a_full_slot_is_said_once_and_counted_and_fails_no_request(caplog: pytest.LogCaptureFixture) -> None:
    [registry] = registries(new_fleet())
    counter = registry.counter("asked_total", "Asked", ("of",))
    known = counter.labels("known")
    for number in range(20_000):
        counter.labels(f"{number:0100}").inc()
    known.inc()

    said = samples(registry)
    assert said["asked_total", ("known",)] == 1
    exported = sum(name == "asked_total" for name, _ in said) - 1
    assert 5_000 < exported < 10_000
    assert said["refused_total", ()] == 20_000 - exported
    assert len(caplog.records) == 1


def test_threads_lose_no_count_and_make_no_child_twice() -> None:
    [registry] = registries(new_fleet())
    counter = registry.counter("asked_total", "Asked", ("of",))
    histogram = registry.histogram("took", "Took", ("of",), BOUNDS)

    def work() -> None:
        for number in range(20_000):
            counter.labels(number % 7).inc()
            histogram.labels("x").observe(0.5)

    threads = [threading.Thread(target=work) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)

    said = samples(registry)
    assert sum(value for (name, _), value in said.items() if name == "asked_total") == 80_000
    assert said["took_count", ("x",)] == 80_000
    assert said["took_sum", ("x",)] == 40_000


def test_two_readers_see_only_whole_entries_while_another_process_adds_them() -> None:
    fleet = new_fleet(2)
    fleet.slots[0].occupy()
    reader = Registry(fleet, REFUSED)
    reader.counter("asked_total", "Asked", ("of",))

    def work() -> None:
        fleet.slots[1].occupy()
        counter = Registry(replace(fleet, number=1), REFUSED).counter("asked_total", "Asked", ("of",))
        for number in range(3_000):
            counter.labels(f"n{number}").inc()

    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    seen = []
    while not seen or seen[-1] < 3_000:
        seen.append(sum(1 for name, _ in samples(reader) if name == "asked_total"))
    os.waitpid(pid, 0)

    assert seen == sorted(seen)


def test_what_linux_knows_of_the_processes_is_added_up_and_never_goes_back() -> None:
    metrics = Metrics((), alone())
    first = samples(metrics.registry)
    sum(number * number for number in range(300_000))
    second = samples(metrics.registry)

    assert first["process_resident_memory_bytes", ()] > 1_000_000
    assert first["process_open_fds", ()] >= 3
    assert first["process_start_time_seconds", ()] == pytest.approx(second["process_start_time_seconds", ()], abs=1)
    assert 0 < first["process_cpu_seconds_total", ()] <= second["process_cpu_seconds_total", ()]


def test_openmetrics_is_for_those_who_ask_for_it(start, world, good_row) -> None:
    world.release((1, 1.0))
    client = start(world)
    client.predict(good_row)
    plain, asked = (client.send("GET", "/metrics", b"", headers=headers) for headers in (
        {"accept": "*/*"}, {"accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"},
    ))

    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert asked.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    for reply, reader in ((plain, parse), (asked, parse_open)):
        families = {family.name: family for family in reader(reply.body.decode())}
        [sample] = [one for one in families["mlsystem_requests"].samples if one.value]
        assert (sample.labels, sample.value) == ({"model": "main", "version": "1", "outcome": "ok"}, 1.0)


def test_a_request_is_in_flight_from_its_beginning_to_its_end_however_it_ends(start, world, good_row) -> None:
    world.failing_carrier = "AA"
    world.release((1, 1.0))
    client = start(world)
    registry, [predictor] = client.app.service.metrics.registry, client.app.service.predictors

    async def seen() -> float:
        call = begin("r1", time.monotonic(), 1.0)
        asked = asyncio.create_task(predictor.answer_body(json.dumps(good_row).encode(), call))
        await asyncio.sleep(0)
        during = samples(registry)[names.IN_FLIGHT, ("main",)]
        await asked
        return during

    during = client.runner.run(seen())
    for row in (good_row, {"wrong": 1}, {**good_row, "carrier": "AA"}):
        client.predict(row)

    assert during == 1
    assert samples(registry)[names.IN_FLIGHT, ("main",)] == 0
