"""Alerts: said once when something goes wrong, again when that has lasted for a cooldown, and when it is over."""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Literal, Protocol
from urllib.parse import urlsplit

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.monitor_state import AlertState
from mlsystem_runtime.contract.run import Alert
from mlsystem_runtime.contract.secrets import secret

ATTEMPTS = 3
PAUSE_SECONDS = 0.5      # before the second attempt; doubled before the third
TIMEOUT_SECONDS = 5.0
CLOSE_SECONDS = 10.0     # for what waits when the monitor is told to end

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notification:
    """What is sent. `at_us` is on the environment's clock."""

    system: str
    environment: str
    model: str
    key: str
    status: Literal["firing", "resolved"]
    message: str
    at_us: int


class Channel(Protocol):
    """Where notifications go. `send` never raises and never waits for long."""

    def send(self, notification: Notification) -> None: ...


class LogChannel:
    def send(self, notification: Notification) -> None:
        level = logging.WARNING if notification.status == "firing" else logging.INFO
        logger.log(level, "alert %s of '%s': %s", notification.status, notification.model, notification.message)


class Webhook:
    """POSTs JSON on a thread of its own, in at most ATTEMPTS attempts. The address is a secret and never logged."""

    def __init__(self, url: str) -> None:
        if not is_http(url):
            raise MlsystemError("the webhook's address is not an http or https URL", "correct it, or its secret")
        self._url = url
        self._waiting: SimpleQueue[tuple[bytes, str] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def send(self, notification: Notification) -> None:
        body = json.dumps({name: getattr(notification, name) for name in Notification.__dataclass_fields__}).encode()
        self._waiting.put((body, notification.key))
        if self._thread is None:
            self._thread = threading.Thread(target=self._deliver_all, name="webhook", daemon=True)
            self._thread.start()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Waits at most that long for what was sent; the log says how much of it did not arrive."""
        if self._thread is None:
            return
        self._waiting.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive():  # one is under way, and what waits are the others and the end
            logger.error("%d alerts did not reach the webhook before the monitor ended", self._waiting.qsize())

    def _deliver_all(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            self._deliver(*waiting)

    def _deliver(self, body: bytes, key: str) -> None:
        problem = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
            request = urllib.request.Request(self._url, body, {"content-type": "application/json"}, method="POST")
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
                    return
            except urllib.error.HTTPError as error:
                problem = f"it answered {error.code}"
                error.close()
            except (OSError, ValueError, http.client.HTTPException) as error:  # no answer in time, or none of HTTP's
                problem = type(error).__name__  # its text may hold the address
        logger.error("alert %s did not reach the webhook in %d attempts: %s", key, ATTEMPTS, problem)


def is_http(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:  # its text may hold the address
        return False


def channels(alerts: Sequence[Alert], environ: Mapping[str, str] | None = None) -> tuple[Channel, ...]:
    """The log always, and every webhook. One whose address cannot be found is left out, and the log says so."""
    made: list[Channel] = [LogChannel()]
    for alert in alerts:
        if alert.kind == "webhook":
            try:
                made.append(Webhook(alert.url if alert.url is not None else secret(alert.url_secret or "", environ)))
            except MlsystemError:
                logger.exception("alerts do not go to the webhook")
    return tuple(made)


def follow(
    known: Sequence[AlertState], wrong: Mapping[str, str], now_us: int, again_us: int,
) -> tuple[tuple[AlertState, ...], tuple[AlertState, ...], tuple[AlertState, ...]]:
    """(What is wrong now, what of it is to be said, what is over). `wrong` holds a message by key."""
    before = {alert.key: alert for alert in known}
    now, said = [], []
    for key, message in wrong.items():
        earlier = before.get(key)
        due = earlier is None or now_us - earlier.notified_us >= again_us
        since = now_us if earlier is None else earlier.since_us
        notified = now_us if earlier is None or due else earlier.notified_us
        alert = AlertState(key=key, message=message, since_us=since, notified_us=notified)
        now.append(alert)
        said += [alert] if due else []
    return tuple(now), tuple(said), tuple(alert for alert in known if alert.key not in wrong)
