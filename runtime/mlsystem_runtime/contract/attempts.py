"""Folders in which a step makes its output before it publishes it, and which of them nobody works in any more.

A process id says nothing outside of its container: whoever works in a folder touches it all the time, and what nobody
touches is left.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

TOUCH_SECONDS = 60.0
LEFT_S = 3600.0
"""What was not touched for so long is left."""
LEFT_HERE_S = 7 * 86400.0
"""Where a process of that id runs here: a machine that slept touched nothing either."""
NAME = re.compile(r"\.[^.]+\.(?P<place>[^.]+)\.(?P<pid>[0-9]+)\.[0-9a-f]+")


def attempt_name(key: str) -> str:
    """`.KEY.PLACE.PID.HEX`, of a folder beside those that are published."""
    return f".{key}.{place()}.{os.getpid()}.{secrets.token_hex(4)}"


@contextlib.contextmanager
def attempting(folder: Path) -> Iterator[None]:
    """Makes the folder, touches it meanwhile, and removes it unless it was published."""
    folder.mkdir(parents=True)
    ended = threading.Event()

    def touch() -> None:
        while not ended.wait(TOUCH_SECONDS):
            with contextlib.suppress(OSError):  # published, or a disk that does not answer just now
                os.utime(folder)

    thread = threading.Thread(target=touch, name="attempt", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        shutil.rmtree(folder, ignore_errors=True)


def dead_attempts(changed: Mapping[Path, float], now: float) -> list[Path]:
    """Of the entries of a folder, with when each was touched last: hidden ones that nobody works in any more."""
    return [path for path, at in changed.items() if path.name.startswith(".") and _is_dead(path.name, now - at)]


def _is_dead(name: str, untouched_s: float) -> bool:
    found = NAME.fullmatch(name)
    if found is None or found["place"] != place():
        return untouched_s > LEFT_S
    return not alive(int(found["pid"])) or untouched_s > LEFT_HERE_S


def place() -> str:
    """Where process ids mean the same: the host, which in a cluster is the pod, and the container.

    A pod's name is cut off where it becomes the name of a host, so two pods may have the same.
    """
    namespace = ""
    with contextlib.suppress(OSError):  # not Linux
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return re.sub(r"[^A-Za-z0-9-]+", "-", f"{socket.gethostname()} {namespace}").strip("-")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
