"""Many at once: everyone gets the answer to what it asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from mlsystem_runtime.serve.conformance.answers import ModelMetadata, inference, ok, refused, values
from mlsystem_runtime.serve.conformance.groups.binary import takes_bytes
from mlsystem_runtime.serve.conformance.groups.transport import message
from mlsystem_runtime.serve.conformance.places import INDEPENDENCE, REQUEST
from mlsystem_runtime.serve.conformance.sample import ROWS
from mlsystem_runtime.serve.conformance.table import Group, expect
from mlsystem_runtime.serve.conformance.target import Target, as_binary, ask_binary, same_outputs
from mlsystem_runtime.serve.conformance.wire import Connection

GROUP = Group("concurrency", "Many at once")
CLIENTS = 8
REQUESTS = 48


def at_once(work: Callable[[int], None], count: int = REQUESTS) -> None:
    """Calls `work` with 0 to count - 1, eight at a time; the first that fails is raised."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in pool.map(work, range(count)):
            pass


def expected_of(target: Target, rows: int = 1) -> None:
    """Asks before the crowd comes, one after the other, what each request is answered with."""
    for first in range(ROWS if target.batched else 1):
        target.expected(rows, first)


def row_of(target: Target, number: int) -> int:
    return number % ROWS if target.batched else 0


@GROUP.must(INDEPENDENCE)
def own_answers(target: Target) -> None:
    """Each of many requests at once gets the answer to its own rows, under its own id."""
    expected_of(target)

    def work(number: int) -> None:
        row = row_of(target, number)
        reply = target.infer(target.request(1, row) | {"id": f"call-{number}"})
        expect(inference(reply).id == f"call-{number}", f"call {number} gets the answer of {inference(reply).id}")
        target.answers_as_plain(reply, 1, row)

    at_once(work)


@GROUP.must(INDEPENDENCE)
def own_sizes(target: Target) -> None:
    """Requests of different sizes at once get as many rows as each has."""
    sizes = (1, 2, 3, 5) if target.batched else (1,)
    for size in sizes:
        target.expected(size)

    def work(number: int) -> None:
        size = sizes[number % len(sizes)]
        target.answers_as_plain(target.infer(target.request(size)), size)

    at_once(work)


@GROUP.must(INDEPENDENCE)
def wrong_among_right(target: Target) -> None:
    """Requests that are refused do not disturb those that they came with."""
    expected_of(target)

    def work(number: int) -> None:
        row = row_of(target, number)
        if number % 3 == 0:
            refused(target.infer(target.changed(datatype="FP33")))
        else:
            target.answers_as_plain(target.infer(target.request(1, row)), 1, row)

    at_once(work)


@GROUP.must(REQUEST)
def own_outputs(target: Target) -> None:
    """Requests for different outputs at once get those that each asked for."""
    plain, names = target.expected(), [one.name for one in target.model.outputs]

    def work(number: int) -> None:
        name = names[number % len(names)]
        found = values(target.infer(target.request() | {"outputs": [{"name": name}]}))
        same_outputs(found, {name: plain[name]})

    at_once(work)


@GROUP.must(REQUEST)
def one_id_for_many(target: Target) -> None:
    """Requests at once that chose the same id are answered each; an id is the client's business."""
    expected_of(target)

    def work(number: int) -> None:
        row = row_of(target, number)
        reply = target.infer(target.request(1, row) | {"id": "the-same"})
        expect(inference(reply).id == "the-same", f"the id is {inference(reply).id!r}")
        target.answers_as_plain(reply, 1, row)

    at_once(work)


@GROUP.must(INDEPENDENCE)
def bytes_among_json(target: Target) -> None:
    """Requests in bytes and in JSON at once do not mix."""
    expected_of(takes_bytes(target))

    def work(number: int) -> None:
        row = row_of(target, number)
        in_bytes = number % 2 == 0
        reply = ask_binary(target, *as_binary(target, 1, row)) if in_bytes else target.infer(target.request(1, row))
        target.answers_as_plain(reply, 1, row)

    at_once(work)


@GROUP.must(INDEPENDENCE)
def metadata_meanwhile(target: Target) -> None:
    """Health and metadata are answered while requests are."""

    def work(number: int) -> None:
        if number % 4 == 0:
            expect(target.http.ask("GET", "/v2/health/ready").status == 200, "it is not ready under load")
            ok(target.http.ask("GET", target.path), ModelMetadata)
        else:
            values(target.infer(target.request()))

    at_once(work)


@GROUP.must(INDEPENDENCE)
def slow_client(target: Target) -> None:
    """A client whose body takes its time does not hold up the others, and is answered in the end."""
    data = message(target)
    with Connection(target.http.address) as slow:
        slow.send(data[:-10])
        at_once(lambda _: target.answers_as_plain(target.infer(target.request())), 16)
        slow.send(data[-10:])
        target.answers_as_plain(slow.reply("POST"))


@GROUP.must(INDEPENDENCE)
def many_connections(target: Target) -> None:
    """Sixty-four connections that are open and idle take nothing from a new one."""
    idle = [Connection(target.http.address) for _ in range(64)]
    try:
        target.answers_as_plain(target.infer(target.request()))
    finally:
        for one in idle:
            one.__exit__()


@GROUP.must(INDEPENDENCE)
def long_connections(target: Target) -> None:
    """On connections that stay open, each answer belongs to the request before it."""
    expected_of(target)

    def work(number: int) -> None:
        with Connection(target.http.address) as connection:
            for turn in range(6):
                row = row_of(target, number * 6 + turn)
                body = target.http.message("POST", target.infer_path(), _json(target, row, f"{number}-{turn}"))
                connection.send(body)
                reply = connection.reply("POST")
                target.http.noted(body, reply)
                expect(inference(reply).id == f"{number}-{turn}", "the id is another one's")
                target.answers_as_plain(reply, 1, row)

    at_once(work, CLIENTS)


def _json(target: Target, row: int, name: str) -> bytes:
    return json.dumps(target.request(1, row) | {"id": name}).encode()
