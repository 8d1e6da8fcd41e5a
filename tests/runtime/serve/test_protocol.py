"""HTTP on a connection: a request that came whole and one that came in pieces are answered alike, each in its turn."""

from __future__ import annotations

import asyncio
import contextlib
import json
from functools import partial

import pytest
import uvicorn
from uvicorn.server import ServerState

from mlsystem_runtime.serve.app import App
from mlsystem_runtime.serve.guarded import Guarded, doors_of
from mlsystem_runtime.serve.http import Response, read_body, send_response
from mlsystem_runtime.serve.protocol import Connection
from mlsystem_runtime.serve.service import service_of

DATE = (b"date", b"Sun, 22 Nov 2026 00:00:00 GMT")


class Echo:
    """Answers with the body, or as `answer` is told; keeps the requests that came the short way."""

    paths = {b"/echo": "/echo"}

    def __init__(self):
        self.short, self.long, self.waiting = [], 0, None

    def answer(self, request, port):
        self.short.append(request)
        return self.waiting or Response(200, request.body)

    def failed(self, request, error):
        return Response(500, str(error).encode())

    def last(self, response):
        return response

    def told(self, request, response):
        pass

    async def __call__(self, scope, receive, send):
        self.long += 1
        body = await read_body(receive, dict(scope["headers"]))
        await send_response(send, Response(200, body), "r")


@contextlib.asynccontextmanager
async def listening(front, keep_alive=60):
    """The port, and the state that uvicorn keeps."""
    config = uvicorn.Config(
        front, http=partial(Connection, front), ws="none", log_config=None, proxy_headers=False,
        timeout_keep_alive=keep_alive)
    config.load()
    state = ServerState()
    state.default_headers = [DATE]
    made = partial(config.http_protocol_class, config=config, server_state=state, app_state={})
    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], state


@contextlib.asynccontextmanager
async def connected(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def asked(port, *parts, answers=1):
    """What comes back for `parts`, each of which is read before the next one is sent."""
    async with connected(port) as (reader, writer):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.02)
        return [await reply(reader) for _ in range(answers)]


async def reply(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head, await reader.readexactly(length)


def post(body=b"hello", path=b"/echo", *headers):
    lines = (b"POST %b HTTP/1.1" % path, b"Host: x", b"X-Request-Id: r", b"Content-Length: %d" % len(body), *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def run(scenario):
    return asyncio.run(asyncio.wait_for(scenario, 20))


def over(front, *parts, answers=1):
    async def scenario():
        async with listening(front) as (port, _):
            return await asked(port, *parts, answers=answers)

    return run(scenario())


BODIES = (b'{"wrong": 1}', b"nonsense", b'{"rows": []}', b"")


@pytest.fixture
def front(world):
    service = service_of(world.config, world.workspace, world.load)
    asyncio.run(service.watcher.look())
    return Guarded(App(service), doors_of(service, world.config.server))


@pytest.mark.parametrize("path", [b"/predict", b"/v2/models/main/infer", b"/healthz", b"/readyz", b"/feedback"])
@pytest.mark.parametrize("body", BODIES)
def test_a_request_that_comes_in_pieces_gets_the_same_bytes_as_one_that_comes_whole(front, path, body) -> None:
    whole, request = over(front, post(body, path)), post(body, path)

    assert over(front, request[:40], request[40:]) == whole


def test_a_prediction_that_comes_in_pieces_is_the_same_as_one_that_comes_whole(front, good_row) -> None:
    request = post(json.dumps(good_row).encode(), b"/predict")
    whole = over(front, request)

    assert whole[0][0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert over(front, request[:-10], request[-10:]) == whole


def test_only_what_comes_whole_goes_the_short_way() -> None:
    front, request = Echo(), post()

    for parts in ((request,), (request[:-1], request[-1:]), (request[:20], request[20:])):
        assert over(front, *parts)[0][1] == b"hello"

    assert (len(front.short), front.long) == (2, 1)  # a head in pieces with its whole body is one that came whole


def test_head_and_status_line_and_date_are_as_uvicorn_writes_them() -> None:
    front = Echo()
    [(short, _)], [(long, _)] = over(front, post()), over(front, post()[:-1], b"o")

    assert short == long
    assert DATE[0] + b": " + DATE[1] in short


def test_the_answer_to_head_has_no_body(front) -> None:
    async def scenario():
        async with listening(front) as (port, _), connected(port) as (reader, writer):
            writer.write(b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            return head, await reply(reader)

    head, (_, body) = run(scenario())

    assert b"content-length: 18\r\n" in head
    assert body == b'{"status":"alive"}'


def test_requests_that_come_together_are_answered_in_their_order() -> None:
    front = Echo()

    replies = over(front, b"".join(post(b"%d" % number) for number in range(5)), answers=5)

    assert [body for _, body in replies] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_request_behind_one_that_waits_is_answered_after_it() -> None:
    front = Echo()

    async def scenario():
        front.waiting = asyncio.get_running_loop().create_future()
        async with listening(front) as (port, _):
            task = asyncio.create_task(asked(port, post(b"first"), post(b"second"), answers=2))
            await asyncio.sleep(0.1)
            early, front.waiting = front.waiting, None
            early.set_result(Response(200, b"late"))
            return await task

    assert [body for _, body in run(scenario())] == [b"late", b"second"]


def test_what_an_answer_that_was_waited_for_raises_is_answered_too() -> None:
    front = Echo()

    async def fails():
        raise ValueError("no")

    front.waiting = fails()

    [(head, body)] = over(front, post())

    assert (head[:12], body) == (b"HTTP/1.1 500", b"no")


@pytest.mark.parametrize(("header", "body"), [
    (b"Expect: 100-continue", b"hello"), (b"Content-Encoding: identity", b"hello"), (b"Connection: close", b"hello"),
])
def test_what_is_rare_goes_the_long_way(header, body) -> None:
    front = Echo()

    async def scenario():
        async with listening(front) as (port, _), connected(port) as (reader, writer):
            writer.write(post(body, b"/echo", header))
            return await reader.readuntil(b"hello")

    said = run(scenario())

    assert (front.long, front.short) == (1, [])
    assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\n") == (b"Expect" in header)
    assert (b"connection: close" in said) == (b"Connection" in header)


@pytest.mark.parametrize("path", [b"/echo?x=1", b"/%65cho", b"//echo", b"/other"])
def test_a_path_that_is_not_known_as_it_stands_goes_the_long_way(path) -> None:
    front = Echo()

    over(front, post(b"hello", path))

    assert (front.long, front.short) == (1, [])


def test_nonsense_is_told_so_and_the_connection_closed() -> None:
    async def scenario():
        async with listening(Echo()) as (port, _), connected(port) as (reader, writer):
            writer.write(b"nonsense\r\n\r\n")
            return await reader.read()

    assert run(scenario()).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_request_knows_when_its_client_has_left_and_nobody_is_written_to() -> None:
    front = Echo()

    async def scenario():
        front.waiting = asyncio.get_running_loop().create_future()
        async with listening(front) as (port, state), connected(port) as (_, writer):
            writer.write(post())
            await until(lambda: front.short)
            before = front.short[0].departed()
            writer.close()
            await until(lambda: not state.connections)
            front.waiting.set_result(Response(200, b"nobody"))
            await asyncio.sleep(0)
            return before, front.short[0].departed()

    assert run(scenario()) == (False, True)


def test_a_connection_that_is_told_to_end_ends_with_the_answer_under_way() -> None:
    front = Echo()

    async def scenario():
        front.waiting = asyncio.get_running_loop().create_future()
        async with listening(front) as (port, state), connected(port) as (reader, writer):
            writer.write(post())
            await until(lambda: front.short)
            for connection in state.connections:
                connection.shutdown()
            front.waiting.set_result(Response(200, b"last"))
            return await reader.read()

    said = run(scenario())

    assert b"connection: close\r\n" in said
    assert said.endswith(b"last")


def test_a_task_that_answers_can_be_waited_for_and_ended() -> None:
    front, held = Echo(), []

    async def slow():
        await asyncio.sleep(60)

    async def scenario():
        front.waiting = slow()
        async with listening(front) as (port, state), connected(port) as (reader, writer):
            writer.write(post())
            await until(lambda: state.tasks)
            held.extend(state.tasks)
            for task in held:
                task.cancel()
            said = await reader.read()
            return said, len(state.tasks)

    assert run(scenario()) == (b"", 0)


def test_an_idle_connection_is_closed_after_a_while_and_a_busy_one_is_not() -> None:
    front = Echo()

    async def scenario():
        loop = asyncio.get_running_loop()
        async with listening(front, keep_alive=0.2) as (port, _), connected(port) as (reader, writer):
            writer.write(post())
            await reply(reader)
            front.waiting = loop.create_future()
            writer.write(post())
            await asyncio.sleep(0.5)
            front.waiting.set_result(Response(200, b"long after"))
            said, _ = await reply(reader), await reader.read()
            return said[1]

    assert run(scenario()) == b"long after"


async def until(true):
    while not true():
        await asyncio.sleep(0.01)
