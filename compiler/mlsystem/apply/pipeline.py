"""The steps of one run, in order: proven unchanged, or started; recorded either way."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mlsystem.apply.engine import Engine
from mlsystem.apply.events import StepBegins, StepEnds, Watch
from mlsystem.errors import MlsystemError
from mlsystem.state.journal import Journal, StepFinished, StepStarted
from mlsystem.state.manifest import Manifest, Observation, StepProof
from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.run import IngestStep, MaterializeStep, RunConfig, Step
from mlsystem_runtime.contract.workspace import StepRecord

BLOCKED = "blocked"
EARLIER = "earlier"


class Pipeline:
    """Starting a process costs a second or two, so a step whose inputs are proven to be those of the last apply is
    not even started: same fingerprint, same data, same digests of what it reads, and its output is still there."""

    def __init__(
        self,
        config: RunConfig,
        observations: Iterable[Observation],
        manifest: Manifest | None,
        engine: Engine,
        journal: Journal,
        watch: Watch,
        run_id: str,
        finished: frozenset[str],
    ) -> None:
        self.run_id = run_id
        self.proofs: dict[str, StepProof] = {}
        self.blocked: dict[str, str] = {}
        self._config = config
        self._seen = {one.source: one.digest for one in observations}
        self._manifest = manifest
        self._engine = engine
        self._journal = journal
        self._watch = watch
        self._finished = finished
        self._records: dict[str, StepRecord] = {}

    def run(self, only: Iterable[str] | None = None) -> None:
        """Ask every step. One that reads a blocked step's output is left out; independent ones go on."""
        wanted = None if only is None else set(only)
        steps = [step for step in self._config.steps if wanted is None or step.name in wanted]
        for number, step in enumerate(steps, start=1):
            if not all(read.step in self._records for read in step.reads):
                continue
            self._watch(StepBegins(step.name, number, len(steps)))
            earlier = self._earlier(step)
            record = earlier or self._answer(step)
            self._keep(step, record)
            status = EARLIER if earlier is not None and record.status != BLOCKED else record.status
            self._watch(StepEnds(step.name, status, record.summary, record.seconds))

    def retry(self) -> None:
        """Forget what a blocked step, and the evaluation that it rests on, put out: they run once more."""
        if self._manifest is None:
            return
        models = {name.partition(".")[2] for name in self._manifest.blocked}
        again = {name for model in models for name in (f"evaluate.{model}", f"register.{model}")}
        for name in sorted(again | set(self._manifest.blocked)):
            record = self._engine.record(self._manifest.run_id, name)
            if record is not None:
                self._engine.forget(record)

    def _answer(self, step: Step) -> StepRecord:
        if (proven := self._proven(step)) is not None:
            status = BLOCKED if proven.status == BLOCKED else "unchanged"
            record = msgspec.structs.replace(proven, status=status, seconds=0.0)
            self._engine.reuse(self.run_id, record)
            return record
        record = self._engine.run_step(
            step, self.run_id, self._watch, lambda pid: self._journal.write(StepStarted(step=step.name, pid=pid))
        )
        self._check_read(step, record)
        return record

    def _check_read(self, step: Step, record: StepRecord) -> None:
        """What was read is what was planned: the proof of this step, and the next plan, rest on it."""
        planned, read = self._observed(step), record.observed.get("content")
        if planned is not None and read is not None and read != planned:
            raise MlsystemError(
                f"the data of '{step.name.partition('.')[2]}' changed after the plan was made",
                "run the command again; it makes a new plan",
            )

    def _observed(self, step: Step) -> str | None:
        """What a step finds outside the workspace: the content of its source as the plan saw it, or the online store
        that it fills, where that is not in the workspace."""
        match step.payload:
            case IngestStep(source=source):
                return self._seen.get(source.name)
            case MaterializeStep() if (store := self._config.server.online_store).type != "sqlite":
                return digest(store)
            case _:
                return None

    def _earlier(self, step: Step) -> StepRecord | None:
        """What this run put out before it was interrupted."""
        return self._engine.record(self.run_id, step.name) if step.name in self._finished else None

    def _proven(self, step: Step) -> StepRecord | None:
        proof = self._proof(step)
        unseen = isinstance(step.payload, IngestStep) and proof.observed is None
        if self._manifest is None or unseen or self._manifest.proofs.get(step.name) != proof:
            return None
        return self._engine.record(self._manifest.run_id, step.name)

    def _proof(self, step: Step) -> StepProof:
        return StepProof(
            fingerprint=step.fingerprint,
            observed=self._observed(step),
            reads={read.step: self._digests(step, read.step, read.parts) for read in step.reads},
        )

    def _digests(self, step: Step, read: str, parts: tuple[str, ...]) -> dict[str, str]:
        digests = self._records[read].digests
        missing = [part for part in parts if part not in digests]
        if missing:
            raise MlsystemError(
                f"step '{step.name}' reads {', '.join(missing)} of '{read}', which does not put it out",
                "compiler and runtime are of different versions: install one version of mlsystem",
            )
        return {part: digests[part] for part in parts}

    def _keep(self, step: Step, record: StepRecord) -> None:
        if record.status == BLOCKED:
            self.blocked[step.name] = record.summary
        else:
            self._records[step.name] = record
        self.proofs[step.name] = self._proof(step)
        self._journal.write(StepFinished(step=step.name))
