"""Several workers on one port: spread, restarted, judged and stopped by a parent that loads nothing."""

from __future__ import annotations

import collections
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse
from servers_under_load import asking

from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.counts import SliCounts
from mlsystem_runtime.contract.workspace import write_struct

WORKERS = 2
SILENT = 1.5
PROGRAM = """
import os, signal, sys
from mlsystem_runtime.contract.run import decode_run_config
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.parent import die_with_parent
from mlsystem_runtime.serve import process
from mlsystem_runtime.serve.workers import Limits, Parent

signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
die_with_parent()
config, workspace = decode_run_config(open(sys.argv[1], "rb").read()), Workspace(sys.argv[2])
count, delay, silent = int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])
listener = process.listen("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)

def work(fleet):
    if (workspace.root / "fail").exists():
        raise SystemExit(3)
    from mlsystem_runtime.serve.fakes import fake_loader
    return process.run(config, workspace, listener, fake_loader(workspace), None, delay, fleet)

parent = Parent(count, work, listener.close, Limits(silent=silent))
status = parent.run()
heavy = {"uvicorn", "numpy", "torch", "uvloop", "prometheus_client"} & set(sys.modules)
sys.stderr.write(f"the parent imported {sorted(heavy)}\\n")
sys.exit(status)
"""


@dataclass
class Served:
    process: subprocess.Popen[bytes]
    port: int

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def get(self, path: str) -> tuple[int, bytes]:
        with contextlib.closing(self.connection()) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()

    def workers(self) -> list[dict[str, Any]]:
        return json.loads(self.get("/status")[1])["workers"]

    def pids(self) -> set[int]:
        return {worker["pid"] for worker in self.workers() if worker["pid"]}

    def all_ready(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return {worker["state"] for worker in self.workers()} == {"ready"}
        return False

    def wait(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "it does not come to that"
            time.sleep(0.02)

    def ends(self) -> tuple[int, str]:
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said.decode()

    def sample(self, name: str) -> float:
        families = parse(self.get("/metrics")[1].decode())
        return sum(sample.value for family in families for sample in family.samples if sample.name == name)


Start = Callable[..., Served]


@pytest.fixture
def start(world, card_of) -> Iterator[Start]:
    write_struct(world.workspace.version("main", 1) / "model.json", card_of(1))
    config = world.root / "run.json"
    config.write_bytes(canonical_json(world.config))
    processes = []

    def started(delay: float = 0.0, silent: float = 15.0, before: tuple[str, ...] = (), wait: bool = True) -> Served:
        process = subprocess.Popen(
            [*before, sys.executable, "-c", PROGRAM, str(config), str(world.root), str(WORKERS), str(delay),
             str(silent)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, names.DIE_WITH_PARENT: "" if before else str(os.getpid())},
        )
        processes.append(process)
        served = Served(process, int(process.stdout.readline()))
        if wait:
            served.wait(served.all_ready)
        return served

    yield started
    for process in processes:
        process.kill()
        process.communicate()


def running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_each_worker_has_as_many_connections_as_the_others(start: Start) -> None:
    served = start()
    connections = [served.connection() for _ in range(4 * WORKERS)]
    for connection in connections:
        connection.connect()

    def evenly_spread() -> bool:
        """One of them may have the connection that asks, and another one that was closed just now."""
        held = [worker["connections"] for worker in served.workers()]
        return sum(held) >= len(connections) and max(held) - min(held) <= 2

    served.wait(evenly_spread)
    for connection in connections:
        connection.close()


def test_every_worker_answers_metrics_for_all_of_them(start: Start, good_row: dict[str, Any]) -> None:
    served = start()
    with asking(lambda: served.port, good_row, 2 * WORKERS) as clients:
        served.wait(lambda: all(len(client.statuses) > 20 for client in clients))

    asked = sum(len(client.statuses) for client in clients)
    assert [served.sample(names.REQUESTS) for _ in range(2 * WORKERS)] == [asked] * 2 * WORKERS
    assert served.sample("mlsystem_request_duration_seconds_count") == asked


def test_a_killed_worker_loses_only_what_it_held_and_is_replaced_and_nothing_it_counted_is_forgotten(
    start: Start, good_row: dict[str, Any]
) -> None:
    served = start()
    with asking(lambda: served.port, good_row, 2 * WORKERS) as clients:
        served.wait(lambda: all(len(client.statuses) > 20 for client in clients))
        victim = served.workers()[1]
        os.kill(victim["pid"], signal.SIGKILL)
        served.wait(lambda: served.workers()[1]["restarts"] == 1 and served.all_ready())
        ready = served.get(names.READY)[0]

    lost = [error for client in clients for error in client.lost]
    asked = sum(len(client.statuses) for client in clients)
    assert {status for client in clients for status in client.statuses} == {200}
    assert all(isinstance(error, ConnectionError | http.client.IncompleteRead) for error in lost), lost
    assert all(len(client.lost) <= 1 for client in clients)
    assert 1 <= len(lost) <= victim["connections"]
    assert ready == 200
    assert served.workers()[1]["pid"] != victim["pid"]
    assert asked <= served.sample(names.REQUESTS) <= asked + len(lost)


def test_a_worker_that_starts_again_accepts_nothing_before_it_is_ready(
    start: Start, good_row: dict[str, Any]
) -> None:
    served = start()
    os.kill(served.workers()[0]["pid"], signal.SIGKILL)
    seen = collections.Counter[int]()
    again = False
    while not again:
        again = served.all_ready() and served.workers()[0]["restarts"] == 1
        with contextlib.closing(served.connection()) as connection:
            connection.request("POST", "/predict", json.dumps(good_row))
            seen[connection.getresponse().status] += 1

    assert set(seen) == {200}


def test_a_worker_whose_loop_hangs_is_killed_after_saying_where_it_was_and_the_others_answer(
    start: Start, good_row: dict[str, Any]
) -> None:
    served = start(silent=SILENT)
    victim = served.workers()[1]["pid"]
    os.kill(victim, signal.SIGSTOP)
    for _ in range(4 * WORKERS):
        with contextlib.closing(served.connection()) as connection:
            connection.request("POST", "/predict", json.dumps(good_row))
            assert connection.getresponse().status == 200
    served.wait(lambda: served.workers()[1]["restarts"] == 1 and served.all_ready())
    served.process.send_signal(signal.SIGTERM)
    status, said = served.ends()

    assert not running(victim)
    assert f"the loop of worker {victim} hangs" in said
    assert status == 0


def test_sigterm_drains_all_workers_and_leaves_nothing_behind(world, start: Start, good_row: dict[str, Any]) -> None:
    served = start(delay=1.0)
    pids = served.pids()
    held = served.connection()
    held.connect()
    with asking(lambda: served.port, good_row, WORKERS) as clients:
        served.wait(lambda: all(len(client.statuses) > 20 for client in clients))
        served.process.send_signal(signal.SIGTERM)
        served.wait(lambda: served.get(names.READY)[0] == 503)
        held.request("GET", names.LIVE)
        last = held.getresponse()
        time.sleep(0.5)
    status, said = served.ends()

    assert status == 0, said
    assert (last.status, last.getheader("connection")) == (200, "close")
    assert [error for client in clients for error in client.lost] == []
    assert len(pids) == WORKERS
    assert not any(map(running, pids))
    assert "Traceback" not in said
    hours = [
        hour for path in world.root.glob("counts/main/*.sli.json")
        for hour in msgspec.json.decode(path.read_bytes(), type=SliCounts).hours.values()
    ]
    assert sum(hour.answered for hour in hours) == sum(len(client.statuses) for client in clients)


def test_once_the_delay_is_over_connections_are_refused_while_what_was_begun_is_finished(
    start: Start, good_row: dict[str, Any]
) -> None:
    served = start(delay=0.3)
    body = json.dumps(good_row).encode()
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as slow:
        slow.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body[:5])
        time.sleep(0.1)
        served.process.send_signal(signal.SIGTERM)
        time.sleep(1.0)
        with pytest.raises(ConnectionRefusedError):
            served.get(names.LIVE)
        slow.sendall(body[5:])
        answer = slow.recv(10_000)

    assert answer.startswith(b"HTTP/1.1 200")
    assert served.ends()[0] == 0


def test_workers_whose_parent_is_killed_end_by_themselves(start: Start) -> None:
    served = start()
    pids = served.pids()
    served.process.kill()

    served.wait(lambda: not any(map(running, pids)))
    assert len(pids) == WORKERS


def test_the_parent_loads_nothing_that_a_worker_needs(start: Start) -> None:
    served = start()
    served.process.send_signal(signal.SIGTERM)

    assert "the parent imported []" in served.ends()[1]


def test_told_to_stop_while_workers_still_start_it_stops(start: Start) -> None:
    served = start(wait=False)
    served.process.send_signal(signal.SIGTERM)

    assert served.ends()[0] == 0


def test_where_no_worker_can_start_the_server_fails(world, start: Start) -> None:
    (world.root / "fail").touch()
    status, said = start(wait=False).ends()

    assert status == 1
    assert "no worker becomes ready" in said


def namespaces() -> tuple[str, ...]:
    """A command that makes the next one process number 1; skips where that is not allowed."""
    command = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("unshare: no new pid namespace is allowed here")
    return command


def test_as_process_number_one_it_drains_on_sigterm_and_reaps_orphans(start: Start) -> None:
    served = start(before=namespaces())
    [inner] = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text().split()
    orphan = "import os, time\nif os.fork() == 0:\n    time.sleep(0.2)\n"
    subprocess.run(
        ["nsenter", "--target", inner, "--pid", sys.executable, "-c", orphan], check=True, capture_output=True)
    served.wait(lambda: len(children(inner)) == WORKERS)
    os.kill(int(inner), signal.SIGTERM)
    status, said = served.ends()

    assert status == 0, said


def children(pid: str) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_the_command_line_starts_as_many_as_it_is_told(world) -> None:
    """Without a release: they wait for one, each with what serving really imports."""
    config = world.root / "run.json"
    config.write_bytes(canonical_json(world.config))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world.workspace.release.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "mlsystem_runtime", "serve", "--config", str(config), "--workspace", str(world.root),
         "--port", str(port), "--workers", "2", "--access-log"],
        stderr=subprocess.PIPE, env={**os.environ, names.DIE_WITH_PARENT: str(os.getpid())},
    )
    served = Served(process, port)

    def both_wait() -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return [worker["state"] for worker in served.workers()] == ["waiting"] * 2
        return False

    try:
        served.wait(both_wait)
        ready = served.get(names.READY)[0]
        process.send_signal(signal.SIGTERM)
        status, said = served.ends()
    finally:
        process.kill()
        process.communicate()

    assert (ready, status) == (503, 0), said
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert (names.READY, 503) in {(line["path"], line["status"]) for line in lines}
