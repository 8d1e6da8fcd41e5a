"""One step, carried out by several processes: the first runs it as any step is run, the others compute with it."""

from __future__ import annotations

import os
import sys

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import PREEMPTED
from mlsystem_runtime.contract.release_store import ReleaseStore
from mlsystem_runtime.contract.run import RunConfig
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.peers import Peers
from mlsystem_runtime.steps.base import StepContext, answer_of, emit, load, read_input, run_step, step_key
from mlsystem_runtime.train.gang import Gang, PeerLostError
from mlsystem_runtime.train.preemption import PreemptedError, on_sigterm


def run_together(
    config: RunConfig, name: str, workspace: Workspace, run_id: str, releases: ReleaseStore, peers: Peers
) -> None:
    """Leaves with status PREEMPTED, and at once, where this process is asked to or another one is lost: run again, all
    of them, they go on."""
    if not hasattr(load(config.step(name).payload), "attend"):
        raise MlsystemError(f"step '{name}' is carried out by one process", "run it without --nodes")
    with on_sigterm() as preemption:
        gang = Gang(peers, preemption)
        try:
            if gang.first:
                run_step(config, name, workspace, run_id, releases, gang)
            else:
                attend_step(config, name, workspace, run_id, releases, gang)
            gang.finish()
        except MlsystemError:
            gang.close()
            raise
        except (PeerLostError, PreemptedError):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(PREEMPTED)  # at an orderly end gloo's threads, which still wait, now and then abort the process


def attend_step(
    config: RunConfig, name: str, workspace: Workspace, run_id: str, releases: ReleaseStore, gang: Gang
) -> None:
    """Reads what the first one reads, and writes nothing."""
    step = config.step(name)
    module = load(step.payload)
    inputs = {read.step: read_input(workspace, run_id, read.step) for read in step.reads}
    key = step_key(step, inputs, dict(module.observe(step.payload)))

    def there() -> bool:
        return answer_of(workspace, f"steps/{name}/{key}") is not None

    works = not there() and gang.gather(key, there)
    if works:
        nobodys = workspace.path("scratch", name, f".{key}.{gang.peers.rank}")
        context = StepContext(config, step, workspace, releases, run_id, key, nobodys, nobodys, inputs, gang)
        module.attend(step.payload, context)  # type: ignore[attr-defined]  # its caller has looked
    said = "the first one writes the output" if works else "an output is there already"
    emit("finished", status="done" if works else "unchanged", seconds=0.0,
         summary=f"process {gang.peers.rank} of {gang.peers.nodes}: {said}")  # fmt: skip
