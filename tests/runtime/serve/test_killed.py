"""A process that is killed with -9 takes with it what it held and nothing else, and its clients are told at once."""

from __future__ import annotations

import http.client
import os
import signal
from typing import Any

import pytest
from servers_under_load import Client, asking, counted, server, until

CLIENTS = 6
CLEAN = (ConnectionError, http.client.IncompleteRead)  # none of them a timeout, none an answer that is cut off unseen


def settled(clients: list[Client], answers: int = 20) -> None:
    """Each client has had so many more answers."""
    before = [len(client.statuses) for client in clients]
    until(lambda: all(len(one.statuses) >= had + answers for one, had in zip(clients, before, strict=True)))


def unclean(clients: list[Client]) -> list[Exception]:
    return [lost for client in clients for lost in client.lost if not isinstance(lost, CLEAN)]


@pytest.mark.slow
def test_each_of_several_workers_is_started_again_and_loses_what_its_own_connections_asked(
    world, card_of, good_row: dict[str, Any]
) -> None:
    workers, others_stay = 3, []
    with server(world, card_of, workers, delay=0.0) as served:
        until(served.all_ready)
        with asking(lambda: served.port, good_row, CLIENTS) as clients:
            for number in range(workers):
                settled(clients)
                before, lost_before = served.workers(), sum(len(client.lost) for client in clients)
                os.kill(before[number]["pid"], signal.SIGKILL)
                until(lambda number=number: served.workers()[number]["restarts"] == 1 and served.all_ready())
                settled(clients)
                lost = sum(len(client.lost) for client in clients) - lost_before
                assert lost <= before[number]["connections"]
                others_stay += [after["pid"] == one["pid"] for one, after in zip(before, served.workers(), strict=True)]
        health = [(one["state"], one["restarts"]) for one in served.workers()]
        assert served.stop() == 0

    assert others_stay == [one is not number for number in range(workers) for one in range(workers)]
    assert health == [("ready", 1)] * workers
    assert unclean(clients) == []
    assert {status for client in clients for status in client.statuses} == {200}
    assert any(client.lost for client in clients)


def test_where_there_is_one_all_clients_are_told_at_once_and_the_next_process_answers_at_the_same_port(
    world, card_of, good_row: dict[str, Any]
) -> None:
    with server(world, card_of, 1, delay=0.0) as served:
        until(served.all_ready)
        with asking(lambda: served.port, good_row, CLIENTS, pause=0.002) as clients:
            settled(clients)
            served.kill()
            until(lambda: all(client.lost for client in clients), seconds=5.0)
            served.start()
            until(served.all_ready)
            settled(clients)
        assert served.stop() == 0

    assert unclean(clients) == []
    assert {status for client in clients for status in client.statuses} <= {200, 503}  # the next one had to start first
    assert {client.statuses[-1] for client in clients} == {200}
    assert 0 < counted(world.root) <= sum(len(client.statuses) for client in clients) + CLIENTS
