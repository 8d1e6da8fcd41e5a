"""A server in a process of its own that answers over HTTP and gRPC, for clients that are none of ours."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.names import DIE_WITH_PARENT
from mlsystem_runtime.contract.workspace import write_struct

PROGRAM = """
import asyncio, contextlib, sys, uvicorn, zlib
from mlsystem_runtime.contract.run import decode_run_config
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.parent import die_with_parent
from mlsystem_runtime.serve.app import App
from mlsystem_runtime.serve.fakes import FakeRow, fake_loader
from mlsystem_runtime.serve.oip.grpc import Listening, answering
from mlsystem_runtime.serve.process import listen
from mlsystem_runtime.serve.service import service_of
from mlsystem_runtime.serve.versions import LoadedVersion

class Hashing:
    def assemble(self, row, at_us):
        hashed = zlib.crc32(repr(sorted(row.items())).encode()) / 2**32
        inputs = {"trip.carrier": row["carrier"], "trip.express": row["express"], "trip.seats": row["seats"]}
        return FakeRow({**inputs, "past.delay": 4 * hashed - 2}, {})

def load(model, number):
    loaded = fake_loader(workspace)(model, number)
    return LoadedVersion.of(number, loaded.scorer, Hashing())

@contextlib.asynccontextmanager
async def beside(service):
    async with answering(service, Listening("127.0.0.1", 0)) as port:
        while "main" not in service.board.models:
            await asyncio.sleep(0.01)
        print(listener.getsockname()[1], port, flush=True)
        yield

die_with_parent()
config, workspace = decode_run_config(open(sys.argv[1], "rb").read()), Workspace(sys.argv[2])
listener = listen("127.0.0.1", 0)
server = uvicorn.Server(uvicorn.Config(
    App(service_of(config, workspace, load), (beside,)), loop="uvloop", http="httptools", lifespan="on",
    log_config=None, access_log=False))
server.run(sockets=[listener])
"""
"""What a version answers depends on every value of a row, and on its type."""


@dataclass(frozen=True)
class Live:
    """`http` and `grpc` are HOST:PORT."""

    process: subprocess.Popen[bytes]
    http: str
    grpc: str

    def predict(self, body: Any) -> Any:
        """Over our own JSON."""
        request = urllib.request.Request(f"http://{self.http}/predict", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)


Serve = Callable[[Any], contextlib.AbstractContextManager[Live]]


@pytest.fixture(scope="session")
def serve(card_of) -> Serve:
    """Starts a server on a world, for as long as the context lasts."""
    return partial(serving, card_of=card_of)


@pytest.fixture(scope="module")
def live(tmp_path_factory, world_of, serve) -> Iterator[Live]:
    with serve(world_of(tmp_path_factory.mktemp("live"))) as started:
        yield started


@contextlib.contextmanager
def serving(world: Any, card_of: Callable[..., Any]) -> Iterator[Live]:
    """Versions 1 and 2 of `world`, of which its release says which answer."""
    for number in (1, 2):
        write_struct(world.workspace.version("main", number) / "model.json", card_of(number, world.task, world.outputs))
    config = world.root / "run.json"
    config.write_bytes(canonical_json(world.config))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(config), str(world.root)], stdout=subprocess.PIPE,
        env={**os.environ, DIE_WITH_PARENT: str(os.getpid())},
    )
    try:
        assert process.stdout is not None
        http, grpc = process.stdout.readline().split()
        yield Live(process, f"127.0.0.1:{http.decode()}", f"127.0.0.1:{grpc.decode()}")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
