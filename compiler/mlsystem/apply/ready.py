"""Waiting for the server: ready, or what its log says about why not."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.request

from mlsystem.apply.events import Waits, Watch
from mlsystem.apply.process import HEARTBEAT_SECONDS, tail
from mlsystem.apply.supervise import Supervisor
from mlsystem.errors import MlsystemError

READY_SECONDS = 90.0
GIVEN_UP = ("FATAL", "EXITED", "STOPPED", "UNKNOWN")


def wait_until_ready(supervisor: Supervisor, url: str, answers: bool, watch: Watch) -> None:
    """Returns when the server is ready to answer, or, where no version can answer yet, when it is up.

    Raises MlsystemError with the end of the log of whatever does not come up.
    """
    path = "/readyz" if answers else "/healthz"
    began = heard = time.monotonic()
    while not _ok(url + path):
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


def _ok(url: str) -> bool:
    """The certificate is that of the name by which others reach the server, so it is not checked here."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
    try:
        with opener.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, http.client.HTTPException):  # an answer that is no 200 is an OSError too
        return False
