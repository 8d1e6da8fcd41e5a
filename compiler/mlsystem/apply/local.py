"""The local engine: steps as processes one after the other, server and monitor under a supervisor, on one machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from mlsystem.apply.events import Says, Watch
from mlsystem.apply.files import remove_others, write_tree
from mlsystem.apply.process import Command, run_process, wait_for_end
from mlsystem.apply.ready import wait_until_ready
from mlsystem.apply.rename import rename_in_workspace
from mlsystem.apply.supervise import UP, Program, Supervisor
from mlsystem.apply.workspaces import delete_model, holds, release_answers, size_text
from mlsystem.emit.tree import ArtifactTree
from mlsystem.errors import MlsystemError
from mlsystem.plan.plan import Inventory, registry_of
from mlsystem.state.manifest import Manifest, Outputs
from mlsystem.system.snapshot import Kind
from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.collection import collect
from mlsystem_runtime.contract.ledger import FileLedger, RunFinished, RunStarted
from mlsystem_runtime.contract.names import DIE_WITH_PARENT, PROPOSES, SECRET_FOLDER
from mlsystem_runtime.contract.release_store import FileReleaseStore, ReleaseStore
from mlsystem_runtime.contract.run import RunConfig, Step, monitor_secrets, server_secrets
from mlsystem_runtime.contract.secrets import has_value
from mlsystem_runtime.contract.workspace import (
    StepRecord,
    Workspace,
    read_struct,
    write_atomically,
    write_struct,
)

CONTRACT = "contract/run.json"
HOST = "127.0.0.1"
DRAIN_SECONDS = 15.0
"""A server whose supervisor was killed answers what it has begun, then goes."""
KEPT_LOGS = 20
PROCESSES = ("server", "monitor")
RUNTIME = (sys.executable, "-m", "mlsystem_runtime")


class LocalEngine:
    """`folder` is that of the spec, `state` is `.mlsystem/ENV`. `workspace` None: below the state."""

    def __init__(
        self,
        folder: Path,
        state: Path,
        config: RunConfig,
        port: int,
        workspace: str | None,
        environ: Mapping[str, str],
        runtime: tuple[str, ...] = RUNTIME,
    ) -> None:
        self.folder = folder.absolute()
        self.state = state.absolute()
        self.config = config
        self.port = port
        self.workspace = Workspace(workspace_path(self.folder, self.state, workspace))
        self.releases: ReleaseStore = FileReleaseStore(self.workspace)
        self.supervisor = Supervisor(self.folder, self.state, environ)
        self._environ = environ
        self.proposes = False  # whether what a step makes may wait for a person: the system thought of this run
        self._runtime = runtime

    @property
    def outputs(self) -> Outputs:
        root = self.workspace.root
        inside = root.is_relative_to(self.folder)
        return Outputs(workspace=str(root.relative_to(self.folder) if inside else root), port=self.port)

    @property
    def grpc_port(self) -> int | None:
        """The one after that of HTTP; None where no model is to be answered over gRPC."""
        return self.port + 1 if any(one.grpc for one in self.config.server.endpoints) else None

    @property
    def url(self) -> str:
        return f"{scheme(self.config)}://{HOST}:{self.port}"

    @property
    def generated(self) -> Path:
        """What the last apply began with; the steps read it."""
        return self.state / "generated"

    @property
    def process_config(self) -> Path:
        """What server and monitor read: of the last apply that came as far as starting them."""
        return self.state / "processes" / "run.json"

    def inventory(self, manifest: Manifest | None) -> Inventory:
        if manifest is None:
            return Inventory()
        up = self.supervisor.states()
        moved = {"server"} if manifest.outputs.port != self.port else set[str]()  # nothing answers on the new port yet
        stopped = tuple(one.name for one in self.programs() if one.name in moved or up.get(one.name) not in UP)
        workspace = Workspace(str(self.folder / manifest.outputs.workspace))
        return holds(workspace, self.config, stopped)

    def check(self) -> None:
        missing = [name for name in self.config.secrets if not has_value(name, self._environ)]
        if missing:
            raise MlsystemError(
                f"not in the environment: the secret{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
                f"set {missing[0]} and run the command again",
            )
        ours = self.supervisor.command("server")[-2:] == ["--port", str(self.port)]
        if not (ours and self.supervisor.states().get("server") in UP):
            for port in (self.port, self.grpc_port):
                if port is not None:
                    check_port(port, self.config.environment, DRAIN_SECONDS if ours else 0.0)

    def settle(self, pid: int) -> None:
        wait_for_end(pid, self._runtime[-1])

    def carry_over(self, kind: Kind, old: str, new: str) -> None:
        rename_in_workspace(self.workspace, kind, old, new)

    def write_files(self, tree: ArtifactTree) -> None:
        """A process that starts meanwhile reads the old file or the new one."""
        write_tree(tree, self.generated)
        remove_others(tree, self.generated)

    def start_run(self, run_id: str, reason: str) -> None:
        for old in sorted(path for path in self.state.glob("logs/*") if path.is_dir())[:-KEPT_LOGS]:
            shutil.rmtree(old, ignore_errors=True)
        ledger = FileLedger(self.workspace.ledger)
        started = (entry.body for entry in ledger.entries())
        if not any(isinstance(one, RunStarted) and one.run_id == run_id for one in started):
            ledger.append(RunStarted(run_id=run_id, reason=reason))

    def end_run(self, run_id: str, outcome: str, detail: str) -> None:
        match outcome:
            case "done" | "failed" | "blocked":
                FileLedger(self.workspace.ledger).append(RunFinished(run_id=run_id, outcome=outcome, detail=detail))
                collect(self.workspace)
            case _:
                raise AssertionError(outcome)

    def record(self, run_id: str, step: str) -> StepRecord | None:
        try:
            record = read_struct(self.workspace.record(run_id, step), StepRecord)
        except (FileNotFoundError, MlsystemError):
            return None
        return record if self.workspace.path(record.output, "result.json").exists() else None

    def reuse(self, run_id: str, record: StepRecord) -> None:
        write_struct(self.workspace.record(run_id, record.step), record)

    def forget(self, record: StepRecord) -> None:
        shutil.rmtree(self.workspace.path(record.output), ignore_errors=True)

    def run_step(self, step: Step, run_id: str, watch: Watch, started: Callable[[int], None]) -> StepRecord:
        arguments = (*self._runtime, "step", step.name, *self._where(self.generated / CONTRACT), "--run-id", run_id)
        log = self.state / "logs" / run_id / f"{step.name}.log"
        environment = {**self._environ, PROPOSES: "1"} if self.proposes else self._environ
        run_process(Command(step.name, arguments, self.folder, log, environment), watch, started)
        return read_struct(self.workspace.record(run_id, step.name), StepRecord)

    def log_of(self, name: str) -> Path:
        """The log of the server, the monitor, or a step in the last run that started it."""
        log = self.supervisor.log(name)
        if name in PROCESSES and log.exists():
            return log
        runs = sorted(self.state.glob(f"logs/*/{name}.log"))
        if not runs:
            known = sorted({path.stem for path in self.state.glob("logs/**/*.log")})
            raise MlsystemError(
                f"there is no log of '{name}'", f"there are logs of: {', '.join(known) or 'nothing yet'}"
            )
        return runs[-1]

    def replay(self, model: str | None, start: str, end: str) -> int:
        """Runs the replay in the foreground; its exit code. Nothing of it touches the environment's own data."""
        chosen = model or self.config.server.endpoints[0].model
        arguments = ("replay", *self._where(self.process_config), "--model", chosen, "--from", start, "--to", end)
        environment = {**self._environ, DIE_WITH_PARENT: str(os.getpid())}
        return subprocess.run((*self._runtime, *arguments), cwd=self.folder, env=environment, check=False).returncode

    def score(self, arguments: Sequence[str]) -> int:
        """Scores files in the foreground; its exit code. Paths are of the folder that the user is in."""
        command = (*self._runtime, "score", *self._where(self.process_config), *arguments)
        environment = {**self._environ, DIE_WITH_PARENT: str(os.getpid())}
        return subprocess.run(command, env=environment, check=False).returncode

    def _where(self, config: Path) -> tuple[str, ...]:
        return ("--config", str(config), "--workspace", str(self.workspace.root))

    def programs(self) -> tuple[Program, ...]:
        """Each keyed by what it reads: its own section, and for the monitor the steps that it runs."""
        config, where = self.config, [str(self.workspace.root), *config_identity(self.config)]
        told = [*where, *monitor_secrets(config.monitor)]
        reads = self._where(self.process_config)
        started = {name for refresh in config.monitor.refreshes for name in refresh.steps}
        started |= {name for model in config.monitor.models for name in model.retrain_steps}
        names = sorted(started)
        grpc = () if self.grpc_port is None else ("--grpc-port", str(self.grpc_port))
        serve = (*self._runtime, "serve", *reads, "--host", HOST, *grpc, "--port", str(self.port))
        return (
            Program("server", serve, digest([config.server, [*where, *server_secrets(config.server)]])),
            Program("monitor", (*self._runtime, "monitor", *reads), digest([config.monitor, names, told])),
        )

    def start_processes(self, watch: Watch) -> None:
        write_atomically(self.process_config, (self.generated / CONTRACT).read_bytes())
        given = (*self.config.secrets, SECRET_FOLDER)
        self.supervisor.ensure(self.programs(), tuple(name for name in given if name in self._environ))
        answers = release_answers(self.workspace, self.config)
        wait_until_ready(self.supervisor, self.url, answers, watch)
        grpc = "" if self.grpc_port is None else f", over gRPC on {HOST}:{self.grpc_port}"
        watch(Says(f"answers on {self.url}{grpc}" if answers else "no version answers yet: a gate said no"))

    def delete_model(self, model: str) -> None:
        delete_model(self.workspace, model)

    def delete_workspace(self, manifest: Manifest) -> None:
        old = (self.folder / manifest.outputs.workspace).absolute()
        if old != self.workspace.root and (old / "ledger.jsonl").exists():
            shutil.rmtree(old)

    def lost(self) -> tuple[str, ...]:
        held = holds(self.workspace, self.config, ())
        sentences = [f"{registry_of(self.config.environment, held)} will be deleted"]
        if self.workspace.root.exists():
            size = size_text(self.workspace.root)
            sentences.append(f"the workspace {self.outputs.workspace} will be deleted: {size} of data, models and logs")
        return (*sentences, "server and monitor will be stopped")

    def stop_processes(self, watch: Watch) -> None:
        self.supervisor.stop()
        watch(Says("server and monitor are stopped"))

    def delete_data(self, watch: Watch) -> None:
        if self.workspace.ledger.exists():
            shutil.rmtree(self.workspace.root)
        watch(Says(f"{self.outputs.workspace} is deleted"))


def workspace_path(folder: Path, state: Path, declared: str | None) -> str:
    """The declared workspace, relative to the folder of the spec, or the one below the state."""
    if declared is None:
        return str(state / "workspace")
    return declared if "://" in declared else str(folder / declared)


def scheme(config: RunConfig) -> str:
    return "http" if config.server.tls is None else "https"


def config_identity(config: RunConfig) -> Iterator[str]:
    yield from (config.system, config.environment, config.clock, str(config.format))


def check_port(port: int, environment: str, patience: float = 0.0) -> None:
    """Raises MlsystemError when somebody listens on `port`, and still does after `patience` seconds."""
    deadline = time.monotonic() + patience
    while (error := port_error(port)) is not None:
        if time.monotonic() >= deadline:
            raise MlsystemError(
                f"port {port} cannot be used: {error}",
                f"free it, change environments.{environment}.port, or use another one now: mlsystem apply --port N",
            )
        time.sleep(0.2)


def port_error(port: int) -> str | None:
    """Why nobody can listen on `port`; None where one can."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return os.strerror(error.errno or 0).lower()
    return None
