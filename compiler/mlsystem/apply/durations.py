"""How long steps of the pipeline took, as their records in the workspace say: what their pods cost follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.workspace import StepRecord, Workspace, latest_record

WORKED: Final = "seconds"
"""The fact of a training that outlives runs in which its output stood."""


def durations_in(open_workspace: Callable[[], Workspace], steps: Iterable[str]) -> tuple[Mapping[str, float], str]:
    """In seconds, of the `steps` that have a record, and why there are none: a workspace may be out of reach."""
    try:
        workspace = open_workspace()
        records = {step: latest_record(workspace, step) for step in steps}
    except MlsystemError as error:
        return {}, error.message
    return {step: seconds_of(record) for step, record in records.items() if record is not None}, ""


def seconds_of(record: StepRecord) -> float:
    """A training that was stopped and went on counts from where it went on."""
    worked = record.facts.get(WORKED)
    return float(worked) if isinstance(worked, int | float) else record.seconds
