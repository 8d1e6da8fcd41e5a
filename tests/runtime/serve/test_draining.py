"""How a server of a fleet stops, in a process of its own and under load."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import pytest

from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.counts import SliCounts
from mlsystem_runtime.contract.names import DIE_WITH_PARENT
from mlsystem_runtime.contract.workspace import write_struct

DELAY = 1.5
PROGRAM = """
import sys
from mlsystem_runtime.contract.run import decode_run_config
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.serve.fakes import fake_loader
from mlsystem_runtime.serve.process import listen, run
config, workspace = decode_run_config(open(sys.argv[1], "rb").read()), Workspace(sys.argv[2])
listener = listen("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)
sys.exit(run(config, workspace, listener, fake_loader(workspace), drain_delay=float(sys.argv[3])))
"""


@dataclass
class Served:
    process: subprocess.Popen[bytes]
    port: int

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)

    def get(self, path: str) -> http.client.HTTPResponse:
        connection = self.connection()
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response

    def wait_until_ready(self) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                if self.get(names.READY).status == 200:
                    return
            time.sleep(0.02)
        raise AssertionError("the server does not become ready")

    def ends(self) -> int:
        self.process.communicate(timeout=20)
        return self.process.returncode


@pytest.fixture
def served(world, card_of) -> Iterator[Served]:
    write_struct(world.workspace.version("main", 1) / "model.json", card_of(1))
    config = world.root / "run.json"
    config.write_bytes(canonical_json(world.config))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(config), str(world.root), str(DELAY)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, DIE_WITH_PARENT: str(os.getpid())},
    )
    made = Served(process, int(process.stdout.readline()))
    made.wait_until_ready()
    yield made
    process.kill()
    process.communicate()


@dataclass
class Client:
    """Asks again and again, on one connection where the server lets it, until the server is not ready."""

    served: Served
    row: dict
    statuses: list = field(default_factory=list)
    lost: list = field(default_factory=list)
    stopping: bool = False

    def run(self):
        connection = self.served.connection()
        while not self.stopping:
            try:
                connection.request("POST", "/predict", json.dumps(self.row))
                response = connection.getresponse()
                self.statuses.append(response.status)
                response.read()
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(error)
            time.sleep(0.002)
        connection.close()


def test_after_sigterm_it_is_not_ready_and_yet_answers_until_all_know_it_and_loses_no_request(world, served, good_row):
    clients = [Client(served, good_row) for _ in range(4)]
    threads = [threading.Thread(target=one.run) for one in clients]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    told = time.monotonic()
    served.process.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    ready, live = served.get(names.READY).status, served.get(names.LIVE).status
    time.sleep(DELAY - 0.6)
    for client in clients:
        client.stopping = True
    for thread in threads:
        thread.join()
    status = served.ends()

    assert (ready, live) == (503, 200)
    assert status == 0
    assert DELAY <= time.monotonic() - told < DELAY + 10
    assert [error for client in clients for error in client.lost] == []
    sent = [status for client in clients for status in client.statuses]
    assert set(sent) == {200}
    [path] = world.root.glob("counts/main/*.sli.json")
    hours = msgspec.json.decode(path.read_bytes(), type=SliCounts).hours.values()
    assert sum(hour.answered for hour in hours) == len(sent)


def test_an_answer_during_the_drain_is_the_last_on_its_connection(served):
    before = served.get(names.LIVE).getheader("connection")
    served.process.send_signal(signal.SIGTERM)
    time.sleep(0.05)

    assert before is None
    assert served.get(names.LIVE).getheader("connection") == "close"


def test_a_request_whose_body_is_still_coming_when_the_delay_is_over_is_answered(served, good_row):
    body = json.dumps(good_row).encode()
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as slow:
        slow.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body[:5])
        served.process.send_signal(signal.SIGTERM)
        time.sleep(DELAY + 0.5)
        with pytest.raises(ConnectionRefusedError):
            served.get(names.LIVE)
        slow.sendall(body[5:])
        answer = slow.recv(10_000)

    assert answer.startswith(b"HTTP/1.1 200")
    assert served.ends() == 0


def test_a_second_signal_cuts_the_delay_short(served):
    told = time.monotonic()
    served.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    served.process.send_signal(signal.SIGINT)

    assert served.ends() == 0
    assert time.monotonic() - told < DELAY


def test_the_grace_period_holds_every_part_of_the_end():
    parts = (names.DRAIN_DELAY_SECONDS, names.DRAIN_SECONDS, names.WRITE_SECONDS)

    assert sum(parts) == names.TERMINATION_GRACE_SECONDS
