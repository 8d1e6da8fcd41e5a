"""Requests that wait for nobody: when they are sent, and what becomes of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

from mlsystem.capacity.profiling.open_loop import HOST, LOST, Load, Offer, Outcome, header, latest, message

Respond = Callable[[int], Awaitable[bytes]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer-Timing: queue;dur=1, model;dur=2\r\n\r\n{}"
REFUSED = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"


def offered(respond: Respond, *offers: Offer, patience: float = 5.0) -> list[Outcome]:
    """By a server that answers the n-th request with what `respond` of n gives, and closes the connection where that is
    nothing."""
    numbers = itertools.count()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(header(head, b"content-length")))
                answer = await respond(next(numbers))
                if not answer:
                    break
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def run() -> list[Outcome]:
        server = await asyncio.start_server(serve, HOST, 0)
        port = server.sockets[0].getsockname()[1]
        outcomes = await Load(port, [message("/predict", b"{}")], offers, patience).run()
        server.close()
        await asyncio.sleep(0)
        return outcomes

    return asyncio.run(run())


async def at_once(number: int) -> bytes:
    return OK


def test_every_request_of_an_offer_has_an_answer_with_its_status_and_timing() -> None:
    (outcome,) = offered(at_once, Offer(0.0, 3))

    assert [(one.status, one.timing) for one in outcome.answers] == [(200, b"queue;dur=1, model;dur=2")] * 3
    assert outcome.good


def test_an_offer_is_never_sent_before_it_is_due() -> None:
    outcomes = offered(at_once, Offer(0.0), Offer(0.01), Offer(0.02))

    assert all(outcome.lag >= 0.0 for outcome in outcomes)
    assert [outcome.ended >= outcome.sent for outcome in outcomes] == [True] * 3


def test_a_server_that_hangs_holds_back_no_request() -> None:
    release = asyncio.Event()

    async def first_hangs(number: int) -> bytes:
        if number == 2:
            release.set()
        if number == 0:
            await release.wait()
        return OK

    outcomes = offered(first_hangs, Offer(0.0), Offer(0.01), Offer(0.02))

    assert outcomes[0].ended >= outcomes[2].sent
    assert [outcome.good for outcome in outcomes] == [True] * 3
    assert [outcome.alone for outcome in outcomes[:2]] == [True, False]


def test_a_refusal_and_a_closed_connection_are_no_good_answers() -> None:
    async def refuse_then_close(number: int) -> bytes:
        return (REFUSED, b"", OK)[number]

    outcomes = offered(refuse_then_close, Offer(0.0), Offer(0.05), Offer(0.1))

    assert [outcome.answers[0].status for outcome in outcomes] == [503, LOST, 200]
    assert [outcome.good for outcome in outcomes] == [False, False, True]


def test_what_is_not_answered_in_time_is_lost() -> None:
    async def never(number: int) -> bytes:
        await asyncio.sleep(3600.0)
        return OK

    (outcome,) = offered(never, Offer(0.0, 2), patience=0.05)

    assert [answer.status for answer in outcome.answers] == [LOST, LOST]


def test_a_connection_that_the_server_closes_after_an_answer_is_not_used_again() -> None:
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    async def goodbye(number: int) -> bytes:
        return closing

    outcomes = offered(goodbye, Offer(0.0), Offer(0.02), Offer(0.04))

    assert [outcome.good for outcome in outcomes] == [True] * 3


@pytest.mark.parametrize(
    ("head", "value"),
    [
        (b"HTTP/1.1 200 OK\r\nServer-Timing: a;dur=1\r\nContent-Length: 5", b"a;dur=1"),
        (b"HTTP/1.1 200 OK\r\nserver-timing:b", b"b"),
        (b"HTTP/1.1 200 OK\r\nX-Server-Timing: b", b""),
    ],
)
def test_a_header_is_found_by_its_whole_name(head: bytes, value: bytes) -> None:
    assert header(head, b"server-timing") == value


def test_a_message_has_the_length_of_its_body() -> None:
    assert message("/predict", b"\xc3\xa9").startswith(b"POST /predict HTTP/1.1\r\n")
    assert header(message("/predict", b"\xc3\xa9"), b"content-length") == b"2"


def test_of_a_hundred_lags_ninety_nine_kept_the_second_greatest() -> None:
    assert latest([place / 1000 for place in range(100, 0, -1)]) == 0.099
    assert latest([0.004]) == 0.004
    assert latest([0.001] * 99 + [5.0] + [0.001] * 100) == 0.001
