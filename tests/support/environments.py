"""Environments of real processes for tests: the command as a user types it, and what the system shows outside."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlsystem_runtime.contract.workspace import Workspace

Done = subprocess.CompletedProcess[str]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mlsystem.cli.main", *arguments]


def mlsystem(folder: Path, *arguments: str) -> Done:
    return subprocess.run(command(*arguments), cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def processes(folder: Path) -> dict[int, str]:
    """Processes that have something of `folder` in their command line."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if f"{folder}/" in line:
                found[int(path.parent.name)] = line
    return found


def eventually(fact: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What `fact` says, as soon as that is true. Fails when it is not after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := fact()):
        assert time.monotonic() < deadline, f"not so after {seconds} s: {fact}"
        time.sleep(0.05)
    return found


@dataclass(frozen=True)
class Project:
    """A folder with an mlsystem.yaml. `port` is where its dev environment answers."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def spec(self) -> Path:
        return self.folder / "mlsystem.yaml"

    @property
    def workspace(self) -> Workspace:
        return Workspace(str(self.folder / ".mlsystem/dev/workspace"))

    def edit(self, *changes: tuple[str, str]) -> None:
        """Replace texts of the spec, each of which stands there once."""
        text = self.spec.read_text()
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {self.spec}"
            text = text.replace(old, new)
        self.spec.write_text(text)

    def run(self, *arguments: str) -> Done:
        return mlsystem(self.folder, *arguments)

    def ok(self, *arguments: str) -> str:
        """The command's standard output; it must exit with 0."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def apply(self, *arguments: str) -> str:
        """A successful apply on this project's port."""
        return self.ok("apply", "--port", str(self.port), *arguments)

    def plan(self) -> dict[str, Any]:
        """The plan as it is saved."""
        plan: dict[str, Any] = json.loads(self.ok("plan", "--format", "json"))["plan"]
        return plan

    def empty_plan(self) -> bool:
        return self.run("plan", "--detailed-exitcode").returncode == 0

    def costs(self, plan: dict[str, Any] | None = None) -> dict[str, str]:
        """What the plan (None: one of now) says about each node that it names."""
        changes = (plan or self.plan())["changes"]
        return {change["node"]: change["consequence"] for change in changes if "node" in change}

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self.ok("status", "--format", "json"))
        return status

    def pid(self, process: str) -> int:
        """Of the server or the monitor. Fails where it does not run exactly once."""
        name = {"server": "serve"}.get(process, process)
        found = [pid for pid, line in processes(self.folder).items() if f"mlsystem_runtime {name} " in line]
        found = [pid for pid in found if b"/bin/sh" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(found) == 1, processes(self.folder)
        return found[0]

    @property
    def supervisor(self) -> int:
        return int((self.folder / ".mlsystem/dev/supervisord.pid").read_text())

    def ready(self) -> bool:
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def get(self, path: str) -> tuple[int, Any]:
        return answer(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}"))

    def ask(self, body: Any, route: str = "/predict") -> tuple[int, Any]:
        """Status and answer of one request for predictions."""
        data = json.dumps(body).encode()
        kind = {"Content-Type": "application/json"}
        return answer(urllib.request.Request(f"http://127.0.0.1:{self.port}{route}", data, kind))

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """A command in the background, both its streams in one pipe."""
        return subprocess.Popen(
            command(*arguments), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )

    def step(self, name: str) -> int:
        """The process of a step that is at work, as soon as there is one."""
        def found() -> list[int]:
            return [pid for pid, line in processes(self.folder).items() if f"mlsystem_runtime step {name} " in line]

        return int(eventually(found)[0])

    def halt(self) -> None:
        """Stop supervisord with all below it, as a machine that is shut down does; the files stay."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(self.supervisor, signal.SIGTERM)
        eventually(lambda: not processes(self.folder))


def answer(request: urllib.request.Request) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            status, body = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
        error.close()
    with contextlib.suppress(json.JSONDecodeError):
        return status, json.loads(body)
    return status, body.decode()


def copied(template: Path, folder: Path) -> Project:
    shutil.copytree(template, folder)
    return Project(folder)


def finish(project: Project) -> None:
    """Nothing of it runs any more, and its files are gone."""
    if (project.folder / ".mlsystem").exists():
        project.run("destroy", "--yes")
    left = processes(project.folder)
    shutil.rmtree(project.folder, ignore_errors=True)
    assert left == {}


def steps_run(said: str) -> list[str]:
    """The steps that an apply without a terminal says it has run, in order; those it left alone are not among them."""
    lines = [line.split(" ", 1)[1] for line in said.splitlines() if line.startswith("[")]
    return [line.partition(":")[0] for line in lines if ": done in" in line or ": blocked in" in line]

