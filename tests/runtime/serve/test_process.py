"""A real server on loopback: it answers, follows a rollback without losing a request, and stops cleanly."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.counts import SliCounts
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import DIE_WITH_PARENT
from mlsystem_runtime.contract.workspace import write_struct
from mlsystem_runtime.serve.process import listen, serve
from mlsystem_runtime.serve.reading import predictions

PROGRAM = """
import sys
from mlsystem_runtime.contract.run import decode_run_config
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.serve.fakes import fake_loader
from mlsystem_runtime.serve.process import listen, run
config, workspace = decode_run_config(open(sys.argv[1], "rb").read()), Workspace(sys.argv[2])
sys.exit(run(config, workspace, listen("127.0.0.1", int(sys.argv[3])), fake_loader(workspace)))
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@dataclass
class Served:
    process: subprocess.Popen
    port: int

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            return response.status, response.read()

    def wait_until(self, path):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                if self.ask("GET", path)[0] == 200:
                    return
            time.sleep(0.02)
        raise AssertionError(f"{path} is not 200; the process: {self.process.poll()}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said.decode()


@pytest.fixture
def served(world, card_of) -> Iterator[Served]:
    for number in (1, 2):
        write_struct(world.workspace.version("main", number) / "model.json", card_of(number))
    config = world.root / "run.json"
    config.write_bytes(canonical_json(world.config))
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(config), str(world.root), str(port)], stderr=subprocess.PIPE,
        env={**os.environ, DIE_WITH_PARENT: str(os.getpid())},
    )
    made = Served(process, port)
    made.wait_until("/readyz")
    yield made
    process.kill()
    process.communicate()


@dataclass
class Load:
    """Asks without a pause until it is stopped; keeps (when, status, version)."""

    served: Served
    row: dict
    seen: list = field(default_factory=list)
    stopping: bool = False

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=5)
        with contextlib.closing(connection):
            while not self.stopping:
                connection.request("POST", "/predict", json.dumps(self.row))
                response = connection.getresponse()
                answer = json.loads(response.read())
                self.seen.append((time.monotonic(), response.status, answer.get("version")))


def test_a_rollback_under_load_takes_effect_within_a_second_and_loses_no_request(world, served, good_row):
    world.release((2, 1.0), serial=2)
    load = Load(served, good_row)
    thread = threading.Thread(target=load.run)
    thread.start()
    time.sleep(0.5)
    rolled_back = time.monotonic()
    world.release((1, 1.0), serial=3)
    time.sleep(1.2)
    load.stopping = True
    thread.join()

    assert {status for _, status, _ in load.seen} == {200}
    assert 2 in {version for _, _, version in load.seen}
    assert {version for when, _, version in load.seen if when > rolled_back + 1.0} == {1}


def test_sigterm_answers_what_is_under_way_writes_everything_and_ends_with_status_zero(world, served, good_row):
    for _ in range(20):
        assert served.ask("POST", "/predict", good_row)[0] == 200
    status, said = served.stop()

    assert status == 0, said
    assert "Traceback" not in said
    [path] = world.root.glob("counts/main/*.sli.json")
    [hour] = msgspec.json.decode(path.read_bytes(), type=SliCounts).hours.values()
    assert (hour.valid, hour.answered) == (20, 20)
    [segment] = world.root.glob("predictions/main/*/*/*")
    assert pq.read_metadata(segment).num_rows == 20


def test_what_was_counted_is_on_disk_within_two_seconds_even_if_the_server_is_killed(world, served, good_row):
    served.ask("POST", "/predict", good_row)
    time.sleep(2.0)
    served.process.kill()

    assert list(world.root.glob("counts/main/*.1.json"))
    assert len(predictions(world.workspace, "main")) == 1


def test_a_client_that_sends_garbage_instead_of_http_harms_nobody(served, good_row):
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as raw:
        raw.sendall(b"\x16\x03\x01 not http\r\n\r\n")
        raw.recv(1000)

    assert served.ask("POST", "/predict", good_row)[0] == 200


def test_a_body_over_the_limit_is_refused_and_the_server_goes_on(served, good_row):
    status, _ = served.ask("POST", "/predict", "x" * (2 << 20))

    assert status == 413
    assert served.ask("POST", "/predict", good_row)[0] == 200


def test_as_process_number_one_it_stops_on_sigterm_even_before_it_has_started(world, tmp_path):
    """The kernel keeps from process number 1 every signal that it does not handle."""
    command = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    tried = shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True, check=False)
    if not tried or tried.returncode:
        pytest.skip("unshare: no new pid namespace is to be had here")
    config = world.root / "run.json"
    config.write_bytes(canonical_json(world.config))
    port = free_port()
    process = subprocess.Popen(
        [*command, sys.executable, "-m", "mlsystem_runtime", "serve", "--config", str(config), "--workspace",
         str(world.root), "--port", str(port)], stderr=subprocess.PIPE,
    )
    listening(port)
    [inner] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(inner), signal.SIGTERM)
    process.communicate(timeout=30)

    assert process.returncode == 0


def listening(port):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
    raise AssertionError(f"nobody listens on {port}")


def test_a_taken_port_is_named_before_anything_is_loaded(world):
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MlsystemError) as refused:
            serve(world.config, world.workspace, "127.0.0.1", port)

    assert f"127.0.0.1:{port}" in refused.value.message
    assert "choose another port" in refused.value.hint
