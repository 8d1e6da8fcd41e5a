"""An engine without a machine: everything works, nothing runs. For tests, and for trying a plan out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from mlsystem.apply.events import Watch
from mlsystem.emit.tree import ArtifactTree
from mlsystem.errors import MlsystemError
from mlsystem.plan.plan import Inventory
from mlsystem.state.manifest import Manifest, Outputs
from mlsystem.system.snapshot import Kind
from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.run import Step
from mlsystem_runtime.contract.workspace import StepRecord


@dataclass
class MemoryEngine:
    """`failing` steps raise, `blocking` ones say no. every step puts out all `parts`. `done` lists what was
    asked of the engine, in order."""

    failing: Mapping[str, str] = field(default_factory=dict)
    blocking: frozenset[str] = frozenset()
    parts: tuple[str, ...] = ("rows", "clock", "dataset", "model", "evaluation")
    done: list[str] = field(default_factory=list)
    records: dict[tuple[str, str], StepRecord] = field(default_factory=dict)
    holds: Inventory = field(default_factory=Inventory)

    @property
    def outputs(self) -> Outputs:
        return Outputs(workspace="workspace", port=8080)

    def inventory(self, manifest: Manifest | None) -> Inventory:
        del manifest
        return self.holds

    def check(self) -> None:
        return

    def settle(self, pid: int) -> None:
        self.done.append(f"settle {pid}")

    def carry_over(self, kind: Kind, old: str, new: str) -> None:
        self.done.append(f"carry over {kind}.{old} to {new}")

    def write_files(self, tree: ArtifactTree) -> None:
        self.done.append(f"write {len(tree.artifacts)} files")

    def start_run(self, run_id: str, reason: str) -> None:
        del run_id, reason

    def end_run(self, run_id: str, outcome: str, detail: str) -> None:
        del run_id, detail
        self.done.append(outcome)

    def record(self, run_id: str, step: str) -> StepRecord | None:
        return self.records.get((run_id, step))

    def reuse(self, run_id: str, record: StepRecord) -> None:
        self.records[run_id, record.step] = record

    def forget(self, record: StepRecord) -> None:
        self.records = {at: one for at, one in self.records.items() if one.output != record.output}

    def run_step(self, step: Step, run_id: str, watch: Watch, started: Callable[[int], None]) -> StepRecord:
        del watch
        started(1)
        self.done.append(f"run {step.name}")
        if step.name in self.failing:
            raise MlsystemError(self.failing[step.name])
        record = StepRecord(
            step=step.name,
            key=digest(step.fingerprint),
            status="blocked" if step.name in self.blocking else "done",
            output=f"steps/{step.name}",
            digests={part: digest([step.fingerprint, part]) for part in self.parts},
            facts={},
            summary=f"{step.name} in memory",
            seconds=0.0,
        )
        self.records[run_id, step.name] = record
        return record

    def start_processes(self, watch: Watch) -> None:
        del watch
        self.done.append("start processes")
        self.holds = replace(self.holds, stopped=())

    def delete_model(self, model: str) -> None:
        self.done.append(f"delete model {model}")

    def delete_workspace(self, manifest: Manifest) -> None:
        self.done.append(f"delete workspace {manifest.outputs.workspace}")

    def lost(self) -> tuple[str, ...]:
        return ()

    def stop_processes(self, watch: Watch) -> None:
        del watch
        self.done.append("stop processes")

    def delete_data(self, watch: Watch) -> None:
        del watch
        self.done.append("delete data")
