"""The protocol of whoever carries plans out. The driver decides what is done, and when; an engine can do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mlsystem.apply.events import Watch
from mlsystem.emit.tree import ArtifactTree
from mlsystem.plan.plan import Inventory
from mlsystem.state.manifest import Manifest, Outputs
from mlsystem.system.snapshot import Kind
from mlsystem_runtime.contract.run import Step
from mlsystem_runtime.contract.workspace import StepRecord


class Engine(Protocol):
    """Everything is idempotent: an apply that was killed does it again."""

    @property
    def outputs(self) -> Outputs:
        """Where the environment is, or will be."""
        ...

    def inventory(self, manifest: Manifest | None) -> Inventory:
        """What the environment holds now."""
        ...

    def check(self) -> None:
        """Raises MlsystemError when the plan could not be finished: a port in use, a secret that is not there."""
        ...

    def settle(self, pid: int) -> None:
        """Wait for a step of an earlier, killed apply to be gone."""
        ...

    def carry_over(self, kind: Kind, old: str, new: str) -> None: ...

    def write_files(self, tree: ArtifactTree) -> None: ...

    def start_run(self, run_id: str, reason: str) -> None: ...

    def end_run(self, run_id: str, outcome: str, detail: str) -> None:
        """`outcome`: done, failed or blocked."""
        ...

    def record(self, run_id: str, step: str) -> StepRecord | None:
        """What `step` left behind in a run; None where it left nothing, or its output is gone."""
        ...

    def reuse(self, run_id: str, record: StepRecord) -> None:
        """Let the output of an earlier run answer in this one."""
        ...

    def forget(self, record: StepRecord) -> None:
        """Drop an output, so that its step runs again."""
        ...

    def run_step(self, step: Step, run_id: str, watch: Watch, started: Callable[[int], None]) -> StepRecord:
        """`started` gets the process id. Raises MlsystemError with the last lines of the log when the step fails."""
        ...

    def start_processes(self, watch: Watch) -> None:
        """Bring server and monitor up and wait until they are ready."""
        ...

    def delete_model(self, model: str) -> None: ...

    def delete_workspace(self, manifest: Manifest) -> None: ...

    def lost(self) -> tuple[str, ...]:
        """What `destroy` would take, in words."""
        ...

    def stop_processes(self, watch: Watch) -> None: ...

    def delete_data(self, watch: Watch) -> None:
        """Delete all that the environment has made."""
        ...
