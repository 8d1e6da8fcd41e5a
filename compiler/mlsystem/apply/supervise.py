"""Server and monitor under supervisord: restarted when they crash, logs rotated, gone when it goes."""

from __future__ import annotations

import configparser
import contextlib
import hashlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlsystem.apply.process import runs, tail
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.names import DIE_WITH_PARENT
from mlsystem_runtime.contract.workspace import write_atomically

START_SECONDS = 20.0
STOP_SECONDS = 40.0
RPC = "supervisor.rpcinterface:make_main_rpcinterface"
UP = ("RUNNING", "STARTING", "BACKOFF")


@dataclass(frozen=True)
class Program:
    """A process to keep up. It is restarted when `key` changes, and only then."""

    name: str
    arguments: Sequence[str]
    key: str


class Supervisor:
    """One supervisord per environment; its files are in the environment's folder, its socket in a short path.

    The configuration it was started with tells where the socket is: another TMPDIR does not hide one that runs.
    """

    def __init__(self, folder: Path, state: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.state = state
        self._environ = environ
        name = hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:16]
        self._new_socket = Path(tempfile.gettempdir()) / f"mlsystem-{os.getuid()}" / f"{name}.sock"

    @property
    def socket(self) -> Path:
        used = self._configured("unix_http_server", "file")
        return Path(used) if used is not None and Path(used).exists() else self._new_socket

    @property
    def config(self) -> Path:
        return self.state / "supervisord.conf"

    @property
    def pid_file(self) -> Path:
        return self.state / "supervisord.pid"

    def log(self, program: str) -> Path:
        return self.state / "logs" / f"{program}.log"

    def command(self, program: str) -> list[str]:
        """What `program` was last configured to run; empty where it never was."""
        return shlex.split(self._configured(f"program:{program}", "command") or "")

    def states(self) -> dict[str, str]:
        """Each program's state as supervisord calls it; empty when no supervisord answers."""
        try:
            return {str(one["name"]): str(one["statename"]) for one in self._call("getAllProcessInfo")}
        except (OSError, xmlrpc.client.Error):
            return {}

    def ensure(self, programs: Sequence[Program], secrets: Sequence[str] = ()) -> None:
        """These programs run, and no others. What runs already with the same key is left alone.

        A program inherits supervisord's environment: one that was started with other `secrets` is started again.
        """
        if secrets and self._alive() and not self._was_given(secrets):
            self.stop()
        write_atomically(self.config, config_text(self, programs))
        (self.state / "logs").mkdir(parents=True, exist_ok=True)
        if not self._alive():
            self._start()
            return
        ((added, changed, removed),) = self._call("reloadConfig")
        for name in (*changed, *removed):
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        for name in (*added, *changed):
            self._call("addProcessGroup", name)
        for name, state in self.states().items():
            if state not in UP and name not in (*added, *changed):
                self._call("startProcess", name, False)

    def stop(self) -> None:
        """Stop every program, then supervisord itself."""
        if self._alive():
            with contextlib.suppress(OSError, xmlrpc.client.Error):
                self._call("shutdown")
        pid = self._pid()
        deadline = time.monotonic() + STOP_SECONDS
        while pid is not None and runs(pid, str(self.config)):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        self.socket.unlink(missing_ok=True)

    def _configured(self, section: str, key: str) -> str | None:
        parser = configparser.ConfigParser()
        try:
            parser.read(self.config)
            return parser.get(section, key, fallback=None)
        except (configparser.Error, UnicodeDecodeError):
            return None

    def _alive(self) -> bool:
        try:
            self._call("getState")
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def _was_given(self, secrets: Sequence[str]) -> bool:
        try:
            held = Path(f"/proc/{self._pid()}/environ").read_bytes().split(b"\0")
        except OSError:
            return False
        return all(os.fsencode(f"{name}={self._environ[name]}") in held for name in secrets)

    def _pid(self) -> int | None:
        try:
            return int(self.pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _start(self) -> None:
        self._prepare_socket()
        arguments = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.config)]
        done = subprocess.run(
            arguments, cwd=self.folder, env=self._environ, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode == 0 and self._answers():
            return
        said = (done.stderr or done.stdout).decode(errors="replace").strip() or "\n".join(tail(self.log("supervisord")))
        raise MlsystemError(f"supervisord does not start: {said}", "is it installed? pip install 'mlsystem[runtime]'")

    def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while not self._alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _prepare_socket(self) -> None:
        """Nobody else may write where the socket is: who can, could have commands run as this user."""
        folder = self.socket.parent
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
            raise MlsystemError(f"{folder} is open to others", f"remove it, or close it: chmod 700 {folder}")

    def _call(self, method: str, *arguments: object) -> Any:
        from supervisor.xmlrpc import SupervisorTransport  # lazy: only a command that looks at processes pays for it

        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        try:
            proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()


def config_text(supervisor: Supervisor, programs: Sequence[Program]) -> str:
    """supervisord.conf. A program dies with supervisord: its shell knows that pid and hands it on."""
    sections: list[tuple[str, Mapping[str, object]]] = [
        ("unix_http_server", {"file": supervisor.socket, "chmod": "0700"}),
        (
            "supervisord",
            {
                "logfile": supervisor.log("supervisord"),
                "logfile_maxbytes": "1MB",
                "logfile_backups": 1,
                "pidfile": supervisor.pid_file,
                "directory": supervisor.folder,
            },
        ),
        ("rpcinterface:supervisor", {"supervisor.rpcinterface_factory": RPC}),
    ]
    sections += [(f"program:{program.name}", _program(supervisor, program)) for program in programs]
    return "\n".join(f"[{name}]\n{_values(values)}" for name, values in sections)


def _program(supervisor: Supervisor, program: Program) -> dict[str, object]:
    wrapper = f'{DIE_WITH_PARENT}=$PPID exec "$@"'
    return {
        "command": shlex.join(["/bin/sh", "-c", wrapper, program.name, *program.arguments]),
        "directory": supervisor.folder,
        "environment": f'MLSYSTEM_SECTION="{program.key}"',
        "autorestart": "true",
        "startsecs": 5,
        "startretries": 3,
        "stopwaitsecs": 30,
        "stopasgroup": "true",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": supervisor.log(program.name),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 3,
    }


def _values(values: Mapping[str, object]) -> str:
    return "".join(f"{key}={str(value).replace('%', '%%')}\n" for key, value in values.items())
