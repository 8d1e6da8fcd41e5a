"""A system of its own for a replay: workspace, empty online store, server and monitor, apart from the running ones."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import DIE_WITH_PARENT
from mlsystem_runtime.contract.release import ModelRelease, Release, write_release
from mlsystem_runtime.contract.run import Alert, Endpoint, MonitoredModel, OnlineStore, RunConfig
from mlsystem_runtime.contract.workspace import Workspace, write_atomically
from mlsystem_runtime.monitor.jobs import end

HOST = "127.0.0.1"
READY_SECONDS = 120.0
LAST_LINES = 15


def shadow_config(config: RunConfig, endpoint: Endpoint, monitored: MonitoredModel) -> RunConfig:
    """One endpoint and its monitor on the data's clock, and a store of their own. Nothing is refreshed or retrained,
    alerts go to the log, and on this machine nobody needs a token."""
    store = OnlineStore("sqlite")
    watched = replace(
        monitored, alerts=(Alert("log"),), approve=("retrain", "promote"), freshness_us=None, retrain_steps=(),
    )
    return replace(
        config, clock="data", steps=(), secrets=(),
        server=replace(config.server, clock="data", online_store=store, endpoints=(replace(endpoint, auth=None),),
                       tls=None),
        monitor=replace(config.monitor, clock="data", online_store=store, models=(watched,), refreshes=()),
    )


def make_workspace(
    root: Path, config: RunConfig, model: str, release: ModelRelease, versions: Mapping[int, Path],
) -> Workspace:
    """What server and monitor need: the contract, the release, and the model versions, which are shared."""
    shadow = Workspace(str(root))
    write_atomically(shadow.path("run.json"), canonical_json(config))
    write_release(shadow.release, Release(serial=1, models={model: release}))
    shadow.path("models", model).mkdir(parents=True)
    for number, folder in versions.items():
        shadow.path("models", model, str(number)).symlink_to(folder.absolute(), target_is_directory=True)
    return shadow


@contextlib.contextmanager
def process(shadow: Workspace, name: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """`mlsystem_runtime NAME` on the shadow workspace; ended on leaving, and with this process however it ends."""
    where = ("--config", str(shadow.path("run.json")), "--workspace", str(shadow.root))
    with open(shadow.path(f"{name}.log"), "wb") as log:
        started = subprocess.Popen(
            (sys.executable, "-m", "mlsystem_runtime", name, *where, *options), stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, env={**os.environ, DIE_WITH_PARENT: str(os.getpid())},
        )
        try:
            yield started
        finally:
            end(started)


class Client:
    """Asks the shadow server, one request at a time, on one connection."""

    def __init__(self, shadow: Workspace, server: subprocess.Popen[bytes], port: int) -> None:
        self._shadow = shadow
        self._server = server
        self._connection = http.client.HTTPConnection(HOST, port, timeout=30)

    def wait_until_ready(self) -> None:
        """Raises MlsystemError with the end of the server's log when it does not come up."""
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and self._server.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self._ask("GET", "/readyz", None, {})[0] == 200:
                    return
            self._connection.close()
            time.sleep(0.1)
        raise MlsystemError(f"the replay's server is not ready:\n{tail(self._shadow.path('serve.log'))}")

    def predict(self, route: str, row: Mapping[str, Any], request_id: str) -> tuple[int, dict[str, Any]]:
        """(status, answer). Raises MlsystemError when the server is gone."""
        try:
            return self._ask("POST", route, json.dumps(row), {"x-request-id": request_id})
        except (OSError, http.client.HTTPException) as error:
            log = self._shadow.path("serve.log")
            message = f"the replay's server does not answer:\n{tail(log)}"
            raise MlsystemError(message, f"the whole log: {log}") from error

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        self._connection.request(method, path, body, dict(headers))
        response = self._connection.getresponse()
        return response.status, json.loads(response.read())


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"  | {line}" for line in lines[-LAST_LINES:])
