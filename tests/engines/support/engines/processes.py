"""Programs that run beside a test, end with it, and say what went wrong."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

LEASH = ("setpriv", "--pdeathsig", "KILL", "--")
"""In front of a command: the kernel kills it when the thread that started it ends, however that ends."""
STARTER = "starter"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy")


class EngineError(Exception):
    """An engine did not do what it was asked; the message holds its last words."""


@dataclass
class Processes:
    """Started one by one, stopped in the reverse order when the block ends.

    Start them from the thread that outlives them: they die with it. Each writes to `FOLDER/NAME.log`.
    """

    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str | Path, environment: Mapping[str, str] | None = None) -> int:
        """The process's number."""
        with self.log(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                [*LEASH, *map(str, command)], env=clean_environment(environment or {}), cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        return self.running[name].pid

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def tail(self, name: str, lines: int = 15) -> str:
        path = self.log(name)
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def check(self) -> None:
        """EngineError with its last words when one of them has ended by itself."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise EngineError(f"{name} ended with {process.returncode}:\n{self.tail(name)}")

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """EngineError when it is not so in time, or when a process ends."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                logs = "\n".join(f"--- {name}\n{self.tail(name, 5)}" for name in self.running)
                raise EngineError(f"after {seconds:g} s not {what}\n{logs}")
            time.sleep(0.05)

    def stop(self, name: str, grace: float = 5) -> None:
        """Asked first; killed after `grace` seconds."""
        process = self.running.pop(name)
        signal_group(process.pid, signal.SIGTERM)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            signal_group(process.pid, signal.SIGKILL)
            process.wait()

    def kill(self, name: str) -> None:
        """As if the machine had."""
        process = self.running.pop(name)
        signal_group(process.pid, signal.SIGKILL)
        process.wait()

    def __enter__(self) -> Processes:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in reversed(list(self.running)):
            self.stop(name)


def signal_group(pid: int, which: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, which)


def clean_environment(more: Mapping[str, str]) -> dict[str, str]:
    """This one's without proxies and without a kubeconfig of somebody else's cluster, and with `more`."""
    foreign = {*PROXIES, "KUBECONFIG"}
    return {**{key: value for key, value in os.environ.items() if key not in foreign}, **more}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def new_folder(prefix: str) -> Path:
    """A new temporary folder, whose name is short enough for sockets in it, and which says who made it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    (folder / STARTER).write_text(str(os.getpid()))
    return folder


def abandoned(prefix: str) -> list[Path]:
    """Folders of `new_folder` whose makers were killed before they could remove them."""
    found = Path(tempfile.gettempdir()).glob(f"{prefix}*/{STARTER}")
    return [path.parent for path in found if not Path(f"/proc/{path.read_text() or 'none'}").exists()]


@contextlib.contextmanager
def short_folder(prefix: str) -> Iterator[Path]:
    """A `new_folder`, removed afterwards, and with it abandoned ones."""
    for left in abandoned(prefix):
        shutil.rmtree(left, ignore_errors=True)
    folder = new_folder(prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
