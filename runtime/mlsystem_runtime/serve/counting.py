"""Counts of all requests, sampled or not, for the monitor: drift on the frozen grids, and the service level.

Each hour of each version is a file of its own that only this process writes, so a restart, a second process and an hour
that comes back are merged by adding files.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.counts import FORMAT, HOUR_US, ServedHour, SliCounts
from mlsystem_runtime.contract.run import Slo
from mlsystem_runtime.contract.workspace import write_atomically
from mlsystem_runtime.serve.cells import Tally
from mlsystem_runtime.serve.versions import LoadedVersion

KEPT_HOURS = 48   # tables in memory; an older hour that comes back gets a new file
AT_ONCE = 128     # rows that are counted together: a fifth of a millisecond, and most of what more rows would save

Rows = Sequence[Mapping[str, Any]]

Files = dict[Path, Struct]


def process_name() -> str:
    """Tells this process's files from those of any other, earlier ones with the same pid included."""
    return f"{os.getpid()}-{time.time_ns() // 1000}"


class DriftCounter:
    """For one model. `folder` is counts/MODEL, `process` the first part of its files' names.

    Rows wait until there are AT_ONCE of one version and hour, or somebody takes the counts. They are counted where they
    were added: a thread beside the one that answers requests would keep it waiting for longer than the counting takes.
    """

    def __init__(self, folder: Path, model: str, process: str) -> None:
        self.folder = folder
        self.model = model
        self.process = process
        self._tallies: dict[tuple[int, int], tuple[Path, Tally]] = {}
        self._changed: set[tuple[int, int]] = set()
        self._waiting: dict[tuple[int, int], tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]] = {}
        self._files = 0

    def add(self, version: LoadedVersion, at_us: int, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        self.add_rows(version, at_us, (inputs,), (outputs,))

    def add_rows(self, version: LoadedVersion, at_us: int, inputs: Rows, outputs: Rows) -> None:
        """Of each row the model's inputs and outputs by name. Keeps them for a while: they must not change any more."""
        key = (version.number, at_us // HOUR_US * HOUR_US)
        if key not in self._waiting:
            self._waiting[key] = ([], [])
        if key not in self._tallies:
            self._tallies[key] = (self._new_file(), Tally(version.grid))
        waiting_inputs, waiting_outputs = self._waiting[key]
        waiting_inputs.extend(inputs)
        waiting_outputs.extend(outputs)
        if len(waiting_inputs) >= AT_ONCE:
            self._count(key)

    def take(self) -> Files:
        """Files whose content has changed since the last call. Forgets the oldest hours that are safely in a file."""
        for key in list(self._waiting):
            self._count(key)
        files: Files = {}
        for key in self._changed:
            path, tally = self._tallies[key]
            files[path] = tally.counts(self.model, *key)
        for key in sorted(self._tallies.keys() - self._changed)[: max(0, len(self._tallies) - KEPT_HOURS)]:
            del self._tallies[key]
        self._changed.clear()
        return files

    def _count(self, key: tuple[int, int]) -> None:
        self._tallies[key][1].add_rows(*self._waiting.pop(key))
        self._changed.add(key)

    def _new_file(self) -> Path:
        self._files += 1
        return self.folder / f"{self.process}.{self._files}.json"


class SliCounter:
    """For one model: valid, answered and fast requests by hour of wall time, as far back as the SLO's window goes."""

    def __init__(self, folder: Path, model: str, slo: Slo, process: str) -> None:
        self.path = folder / f"{process}.sli.json"
        self.model = model
        self.slo = slo
        self._hours: dict[int, list[int]] = {}
        self._changed = False

    def add(self, answered: bool, seconds: float) -> None:
        """One valid request. Without a threshold every answer is fast."""
        hour = self._hours.setdefault(time.time_ns() // 1000 // HOUR_US * HOUR_US, [0, 0, 0])
        hour[0] += 1
        hour[1] += answered
        hour[2] += answered and (self.slo.latency_us is None or seconds * 1e6 <= self.slo.latency_us)
        self._changed = True

    def take(self) -> Files:
        if not self._changed:
            return {}
        self._changed = False
        oldest = time.time_ns() // 1000 - self.slo.window_us - HOUR_US
        self._hours = {hour: counts for hour, counts in self._hours.items() if hour >= oldest}
        hours = {hour: ServedHour(*counts) for hour, counts in self._hours.items()}
        return {self.path: SliCounts(
            format=FORMAT, model=self.model, latency_us=self.slo.latency_us, objective=self.slo.objective,
            availability=self.slo.availability, window_us=self.slo.window_us, hours=hours,
        )}


def write(files: Mapping[Path, Struct]) -> list[Path]:
    """Writes each file whole and returns those that the disk refused."""
    refused = []
    for path, content in files.items():
        try:
            write_atomically(path, msgspec.json.encode(content))
        except OSError:
            refused.append(path)
    return refused
