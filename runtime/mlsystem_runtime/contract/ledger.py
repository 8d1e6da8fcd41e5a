"""The ledger: what the running system decided. Append-only; the file store is one JSON line per event, under a lock."""

from __future__ import annotations

import fcntl
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.bucket import Bucket
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.files import sync
from mlsystem_runtime.contract.model import GateResult, MetricValue
from mlsystem_runtime.contract.release import Share
from mlsystem_runtime.contract.workspace import Workspace


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


Known = Callable[[Sequence[AnyEvent]], bool]
"""Whether these events, all so far, say already what is to be appended."""


class Ledger(Protocol):
    def append(self, event: AnyEvent) -> Entry: ...

    def append_new(self, event: AnyEvent, known: Known) -> Entry | None:
        """None, and nothing appended, where it is `known` by now; nobody appends in between."""
        ...

    def entries(self) -> Iterator[Entry]: ...


class Appending(ABC):
    """The two ways to append, made of one."""

    def append(self, event: AnyEvent) -> Entry:
        entry = self._append(event, None)
        assert entry is not None
        return entry

    def append_new(self, event: AnyEvent, known: Known) -> Entry | None:
        return self._append(event, known)

    @abstractmethod
    def _append(self, event: AnyEvent, known: Known | None) -> Entry | None: ...


class FileLedger(Appending):
    """One line per entry, appended and synced under an exclusive lock. A torn last line (a crash) is dropped."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _append(self, event: AnyEvent, known: Known | None) -> Entry | None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            lines, end = _whole_lines(file.read())
            if known is not None and known([entry.body for entry in self._decoded(lines)]):
                return None
            if end < file.seek(0, os.SEEK_END):
                file.truncate(end)
            entry = Entry(serial=len(lines) + 1, at_us=time.time_ns() // 1000, body=event)
            file.write(msgspec.json.encode(entry) + b"\n")
            sync(file)
        return entry

    def entries(self) -> Iterator[Entry]:
        if self.path.exists():
            yield from self._decoded(_whole_lines(self.path.read_bytes())[0])

    def _decoded(self, lines: list[bytes]) -> Iterator[Entry]:
        return (_entry(line, f"{self.path}:{number}") for number, line in enumerate(lines, start=1))


class BucketLedger(Appending):
    """One object per entry, `ledger/SERIAL.json`, made only where there is none: of two writers one takes the next.

    Entries never change, so each is read once by each process.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._entries: list[Entry] = []

    def _append(self, event: AnyEvent, known: Known | None) -> Entry | None:
        while True:
            entries = list(self.entries())
            if known is not None and known([entry.body for entry in entries]):
                return None
            entry = Entry(serial=len(entries) + 1, at_us=time.time_ns() // 1000, body=event)
            if self._bucket.create(_name(entry.serial), msgspec.json.encode(entry)):
                return entry

    def entries(self) -> Iterator[Entry]:
        """Raises MlsystemError where an entry is gone."""
        known = list(self._entries)
        names = [one.name for one in self._bucket.listing(LEDGER, after=_name(len(known)))]
        with ThreadPoolExecutor(READ_AT_ONCE) as pool:
            read = list(pool.map(lambda name: self._bucket.get(name).data, names))
        # here, not in the pool: msgspec crashes where several threads are the first to decode a type
        known += [_entry(data, f"{self._bucket.uri}/{name}") for name, data in zip(names, read, strict=True)]
        if [entry.serial for entry in known] != list(range(1, len(known) + 1)):
            raise MlsystemError(f"an entry of {self._bucket.uri}/{LEDGER} is missing", "restore it from a backup")
        self._entries = known
        return iter(known)


LEDGER = "ledger/"
READ_AT_ONCE = 8


def open_ledger(workspace: Workspace) -> Ledger:
    """The ledger of a workspace, wherever that is."""
    return FileLedger(workspace.ledger) if workspace.bucket is None else BucketLedger(workspace.bucket)


def _name(serial: int) -> str:
    return f"{LEDGER}{serial:08}.json"


def _entry(data: bytes, where: str) -> Entry:
    try:
        return msgspec.json.decode(data, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MlsystemError(f"{where} cannot be read: {error}", "restore the file from a backup") from error


def _whole_lines(data: bytes) -> tuple[list[bytes], int]:
    end = data.rfind(b"\n") + 1
    return data[:end].splitlines(), end


def open_proposals(ledger: Ledger) -> dict[str, ProposalOpened]:
    """Proposals that nobody has decided yet, by name, oldest first."""
    return open_among(entry.body for entry in ledger.entries())


def open_among(events: Iterable[AnyEvent]) -> dict[str, ProposalOpened]:
    opened: dict[str, ProposalOpened] = {}
    for event in events:
        match event:
            case ProposalOpened() as proposal:
                opened[proposal.proposal] = proposal
            case ProposalDecided() as decision:
                opened.pop(decision.proposal, None)
            case _:
                pass
    return opened
