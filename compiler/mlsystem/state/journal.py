"""How far an apply got, bound to what it led from and to, so that the next one goes on where it was killed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from mlsystem.errors import MlsystemError
from mlsystem.system.snapshot import Kind
from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.workspace import sync


class Line(Struct, tag_field="line"):
    """The base of a journal's lines."""


class Begun(Line, tag="begun"):
    """`plan` is the digest of the plan's course."""

    plan: str
    run_id: str


class StepStarted(Line, tag="step_started"):
    """`pid` lets a later apply wait for a step that outlived its parent for a moment."""

    step: str
    pid: int


class StepFinished(Line, tag="step_finished"):
    step: str


class CarriedOver(Line, tag="carried_over"):
    """What was made for `kind.old` is being given the name `kind.new`."""

    kind: Kind
    old: str
    new: str


class CarriedBack(Line, tag="carried_back"):
    """All that was carried over has its old name again."""


AnyLine = Begun | StepStarted | StepFinished | CarriedOver | CarriedBack


class Progress(Struct):
    """A journal read back. `running` is the pid of a step that was started and not seen to end; `carried`, in order,
    are the renames that were begun and not taken back."""

    plan: str
    run_id: str
    finished: frozenset[str]
    running: int | None
    carried: tuple[CarriedOver, ...] = ()


class Journal(Protocol):
    def read(self) -> Progress | None:
        """What the last apply left behind; None where none was interrupted. Raises MlsystemError for damage."""
        ...

    def begin(self, plan: str, run_id: str) -> None:
        """Start over for a plan."""
        ...

    def write(self, line: AnyLine) -> None: ...

    def close(self) -> None:
        """The apply committed: nothing is left to go on with."""
        ...


class FileJournal:
    """One JSON line per event, synced. A torn last line (a crash) is dropped."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Progress | None:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        whole = data[: data.rfind(b"\n") + 1].splitlines()
        try:
            return replay(msgspec.json.decode(line, type=AnyLine) for line in whole)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MlsystemError(
                f"{self.path} cannot be read: {error}",
                "delete it: the next apply asks every step, and those that were done answer at once",
            ) from error

    def begin(self, plan: str, run_id: str) -> None:
        self.close()
        self.write(Begun(plan=plan, run_id=run_id))

    def write(self, line: AnyLine) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
            sync(file)

    def close(self) -> None:
        self.path.unlink(missing_ok=True)


class MemoryJournal:
    """The same without a disk."""

    def __init__(self) -> None:
        self.lines: list[AnyLine] = []

    def read(self) -> Progress | None:
        return replay(self.lines)

    def begin(self, plan: str, run_id: str) -> None:
        self.lines = [Begun(plan=plan, run_id=run_id)]

    def write(self, line: AnyLine) -> None:
        self.lines.append(line)

    def close(self) -> None:
        self.lines = []


def replay(lines: Iterable[AnyLine]) -> Progress | None:
    progress: Progress | None = None
    for line in lines:
        match line:
            case Begun():
                progress = Progress(plan=line.plan, run_id=line.run_id, finished=frozenset(), running=None)
            case StepStarted() if progress is not None:
                progress = msgspec.structs.replace(progress, running=line.pid)
            case StepFinished() if progress is not None:
                progress = msgspec.structs.replace(progress, running=None, finished=progress.finished | {line.step})
            case CarriedOver() if progress is not None and line not in progress.carried:
                progress = msgspec.structs.replace(progress, carried=(*progress.carried, line))
            case CarriedBack() if progress is not None:
                progress = msgspec.structs.replace(progress, carried=())
    return progress
