"""Running the pipeline again: same definitions, data as it is now. The manifest is not touched; the ledger is."""

from __future__ import annotations

from collections.abc import Iterable

from mlsystem.apply.apply import Outcome, new_run_id
from mlsystem.apply.carry import carry_back
from mlsystem.apply.environment import Environment
from mlsystem.apply.events import Watch
from mlsystem.apply.pipeline import Pipeline
from mlsystem.errors import MlsystemError
from mlsystem.state.journal import MemoryJournal
from mlsystem.state.manifest import Manifest
from mlsystem_runtime.contract.run import RunConfig


def rerun(environment: Environment, steps: Iterable[str] | None, reason: str, watch: Watch) -> Outcome:
    """Run `steps` (None: all), and those whose output they need. Raises MlsystemError when the file was changed since
    the last apply: what is run is what was applied."""
    engine, config = environment.engine, environment.compiled.config
    with environment.store.lease("mlsystem run"):
        manifest = applied_as_written(environment)
        carry_back(engine, environment.store.journal, watch)
        run_id = new_run_id()
        wanted = None if steps is None else needed(config, steps)
        pipeline = Pipeline(
            config, environment.observe(), manifest, engine, MemoryJournal(), watch, run_id, frozenset()
        )
        engine.write_files(environment.compiled.tree)  # those of an apply that failed may lie there
        engine.start_run(run_id, reason)
        try:
            pipeline.run(wanted)
        except MlsystemError as error:
            engine.end_run(run_id, "failed", error.message)
            raise
        engine.end_run(run_id, "blocked" if pipeline.blocked else "done", "; ".join(pipeline.blocked.values()))
    return Outcome(run_id=run_id, blocked=tuple(pipeline.blocked.items()))


def applied_as_written(environment: Environment) -> Manifest:
    """What was last applied. Raises MlsystemError where the file says something else by now."""
    manifest = environment.applied()
    if dict(environment.compiled.tree.digests) != manifest.files:
        raise not_as_written()
    return manifest


def not_as_written() -> MlsystemError:
    return MlsystemError(
        "mlsystem.yaml is not what was last applied", "apply it; that runs what is needed: mlsystem apply"
    )


def needed(config: RunConfig, steps: Iterable[str]) -> set[str]:
    """These steps and all that they read, directly or not. Raises MlsystemError for one that does not exist."""
    names = [step.name for step in config.steps]
    found, open_ = set[str](), list(steps)
    while open_:
        name = open_.pop()
        if name not in names:
            raise MlsystemError(f"there is no step '{name}'", f"steps are: {', '.join(names)}")
        if name not in found:
            found.add(name)
            open_ += [read.step for read in config.step(name).reads]
    return found


def retrain_steps(config: RunConfig, model: str) -> tuple[str, ...]:
    """What a retraining of `model` runs. Raises MlsystemError where there is no such model."""
    for one in config.monitor.models:
        if one.model == model:
            return one.retrain_steps
    models = ", ".join(one.model for one in config.monitor.models)
    raise MlsystemError(f"there is no model '{model}'", f"models are: {models}")
