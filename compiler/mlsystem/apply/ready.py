"""Waiting for the server: ready, or what its log says about why not."""

from __future__ import annotations

import http.client
import time

from mlsystem.apply.events import Waits, Watch
from mlsystem.apply.process import HEARTBEAT_SECONDS, tail
from mlsystem.apply.supervise import Supervisor
from mlsystem.errors import MlsystemError

READY_SECONDS = 90.0
GIVEN_UP = ("FATAL", "EXITED", "STOPPED", "UNKNOWN")


def wait_until_ready(supervisor: Supervisor, host: str, port: int, answers: bool, watch: Watch) -> None:
    """Returns when the server is ready to answer, or, where no version can answer yet, when it is up.

    Raises MlsystemError with the end of the log of whatever does not come up.
    """
    path = "/readyz" if answers else "/healthz"
    began = heard = time.monotonic()
    while not _ok(host, port, path):
        for name, state in supervisor.states().items():
            if state in GIVEN_UP:
                raise down(supervisor, name, "does not stay up")
        now = time.monotonic()
        if now - began > READY_SECONDS:
            raise down(supervisor, "server", f"is not ready after {READY_SECONDS:.0f} s")
        if now - heard > HEARTBEAT_SECONDS:
            heard = now
            watch(Waits("server", now - began))
        time.sleep(0.1)


def down(supervisor: Supervisor, name: str, how: str) -> MlsystemError:
    words = "".join(f"\n  | {line}" for line in tail(supervisor.log(name)))
    return MlsystemError(f"the {name} {how}:{words}", f"the whole log: mlsystem logs {name}; then mlsystem apply")


def _ok(host: str, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
