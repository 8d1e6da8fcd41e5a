"""A server in a process of its own that answers over HTTP and gRPC, for clients that are none of ours."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.names import DIE_WITH_PARENT
from mlsystem_runtime.contract.run import ServerSection
from mlsystem_runtime.contract.workspace import write_struct

PROGRAM = """
import sys, zlib
from mlsystem_runtime.contract.run import decode_run_config
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.parent import die_with_parent
from mlsystem_runtime.serve.fakes import FakeRow, fake_loader
from mlsystem_runtime.serve.process import listen, run
from mlsystem_runtime.serve.versions import LoadedVersion

class Hashing:
    waits = False

    def assemble_all(self, asked):
        return [self.assemble(row) for row, _ in asked]

    def assemble(self, row):
        hashed = zlib.crc32(repr(sorted(row.items())).encode()) / 2**32
        inputs = {"trip.carrier": row["carrier"], "trip.express": row["express"], "trip.seats": row["seats"]}
        return FakeRow({**inputs, "past.delay": 4 * hashed - 2}, {})

def load(model, number):
    loaded = fake_loader(workspace)(model, number)
    return LoadedVersion.of(number, loaded.scorer, Hashing())

die_with_parent()
config, workspace = decode_run_config(open(sys.argv[1], "rb").read()), Workspace(sys.argv[2])
http, grpc, delay = int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
sys.exit(run(config, workspace, listen("127.0.0.1", http), load, drain_delay=delay, grpc_port=grpc))
"""
"""What a version answers depends on every value of a row, and on its type."""


@dataclass(frozen=True)
class Live:
    """`http` and `grpc` are HOST:PORT."""

    process: subprocess.Popen[bytes]
    http: str
    grpc: str

    def wait(self, scheme: str) -> None:
        """Until requests may be sent, over HTTP and gRPC alike."""
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        url, until = f"{scheme}://{self.http}/v2/health/ready", time.monotonic() + 30
        while time.monotonic() < until:
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5, context=trusting):
                return
            time.sleep(0.02)
        raise AssertionError(f"not ready; the process: {self.process.poll()}")

    def predict(self, body: Any) -> Any:
        """Over our own JSON."""
        request = urllib.request.Request(f"http://{self.http}/predict", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)


Serve = Callable[..., contextlib.AbstractContextManager[Live]]


@pytest.fixture(scope="session")
def serve(card_of) -> Serve:
    """Starts a server on a world, for as long as the context lasts."""
    return partial(serving, card_of=card_of)


@pytest.fixture(scope="module")
def live(tmp_path_factory, world_of, serve) -> Iterator[Live]:
    with serve(world_of(tmp_path_factory.mktemp("live"))) as started:
        yield started


@contextlib.contextmanager
def serving(
    world: Any, card_of: Callable[..., Any], delay: float = 0.0, section: ServerSection | None = None,
    secrets: Mapping[str, str] | None = None,
) -> Iterator[Live]:
    """Versions 1 and 2 of `world`, of which its release says which answer. `section` is in place of its own."""
    for number in (1, 2):
        write_struct(world.workspace.version("main", number) / "model.json", card_of(number, world.task, world.outputs))
    config = world.root / "run.json"
    section = patient(section or world.config.server)
    config.write_bytes(canonical_json(replace(world.config, server=section)))
    http, grpc = free_ports()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(config), str(world.root), str(http), str(grpc), str(delay)],
        env={**os.environ, DIE_WITH_PARENT: str(os.getpid()), **(secrets or {})},
    )
    live = Live(process, f"127.0.0.1:{http}", f"127.0.0.1:{grpc}")
    try:
        live.wait("http" if section.tls is None else "https")
        yield live
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def patient(section: ServerSection) -> ServerSection:
    """With an SLO that a busy machine keeps too: nothing here is about time."""
    endpoints = (replace(one, slo=replace(one.slo, latency_us=5_000_000)) for one in section.endpoints)
    return replace(section, endpoints=tuple(endpoints))


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]
