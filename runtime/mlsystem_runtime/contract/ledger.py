"""The ledger: what the running system decided. Append-only; the file store is one JSON line per event, under a lock."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.model import GateResult, MetricValue
from mlsystem_runtime.contract.release import Share
from mlsystem_runtime.contract.workspace import sync


class Event(Struct, tag_field="event"):
    """The base of all events."""


class RunStarted(Event, tag="run_started"):
    run_id: str
    reason: str


class RunFinished(Event, tag="run_finished"):
    run_id: str
    outcome: Literal["done", "failed", "blocked"]
    detail: str


class VersionRegistered(Event, tag="version_registered"):
    """`rejected`: a gate said no; the version is kept and never released by itself."""

    model: str
    version: int
    status: Literal["accepted", "rejected"]
    run_id: str
    digest: str
    metrics: tuple[MetricValue, ...]
    gates: tuple[GateResult, ...]


class Released(Event, tag="released"):
    """`serial` is the release file's."""

    model: str
    shares: tuple[Share, ...]
    serial: int
    reason: str
    by: str


class ProposalOpened(Event, tag="proposal_opened"):
    """`evidence` hashes what the proposal rests on; a decision repeats it. `version` only for a promotion."""

    proposal: str
    kind: Literal["retrain", "promote"]
    model: str
    reason: str
    evidence: str
    version: int | None = None


class ProposalDecided(Event, tag="proposal_decided"):
    proposal: str
    decision: Literal["approved", "rejected"]
    evidence: str
    by: str


AnyEvent = RunStarted | RunFinished | VersionRegistered | Released | ProposalOpened | ProposalDecided


class Entry(Struct):
    """`serial` counts from 1 without gaps; `at_us` is wall time, UTC microseconds."""

    serial: int
    at_us: int
    body: AnyEvent


class Ledger(Protocol):
    def append(self, event: AnyEvent) -> Entry: ...

    def entries(self) -> Iterator[Entry]: ...


class FileLedger:
    """One line per entry, appended and synced under an exclusive lock. A torn last line (a crash) is dropped."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, event: AnyEvent) -> Entry:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            lines, end = _whole_lines(file.read())
            if end < file.seek(0, os.SEEK_END):
                file.truncate(end)
            entry = Entry(serial=len(lines) + 1, at_us=time.time_ns() // 1000, body=event)
            file.write(msgspec.json.encode(entry) + b"\n")
            sync(file)
        return entry

    def entries(self) -> Iterator[Entry]:
        if not self.path.exists():
            return
        lines, _ = _whole_lines(self.path.read_bytes())
        for number, line in enumerate(lines, start=1):
            try:
                yield msgspec.json.decode(line, type=Entry)
            except (msgspec.ValidationError, msgspec.DecodeError) as error:
                raise MlsystemError(
                    f"{self.path}:{number} cannot be read: {error}", "restore the file from a backup"
                ) from error


def _whole_lines(data: bytes) -> tuple[list[bytes], int]:
    end = data.rfind(b"\n") + 1
    return data[:end].splitlines(), end


def open_proposals(ledger: Ledger) -> dict[str, ProposalOpened]:
    """Proposals that nobody has decided yet, oldest first."""
    opened: dict[str, ProposalOpened] = {}
    for entry in ledger.entries():
        match entry.body:
            case ProposalOpened() as proposal:
                opened[proposal.proposal] = proposal
            case ProposalDecided() as decision:
                opened.pop(decision.proposal, None)
            case _:
                pass
    return opened
