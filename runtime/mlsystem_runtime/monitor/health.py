"""What else is watched: how fresh the data is, and whether the service level holds."""

from __future__ import annotations

import time
from collections.abc import Iterable

from mlsystem_runtime.contract.counts import SliCounts
from mlsystem_runtime.contract.monitor_state import FreshnessState, SliState
from mlsystem_runtime.contract.workspace import Workspace, latest_record


def freshness(workspace: Workspace, source: str, limit_us: int, clock_us: int | None) -> FreshnessState:
    """The age of the newest row, by event time, of what the latest run ingested. Nothing ingested is not fresh."""
    newest = newest_time(workspace, source)
    age = None if newest is None or clock_us is None else max(0, clock_us - newest)
    return FreshnessState(
        source=source, newest_us=newest, age_us=age, limit_us=limit_us, fresh=age is not None and age <= limit_us,
    )


def newest_time(workspace: Workspace, source: str) -> int | None:
    record = latest_record(workspace, f"ingest.{source}")
    found = None if record is None else record.facts.get("max_time_us")
    return int(found) if found is not None else None


def service_level(files: Iterable[SliCounts]) -> SliState | None:
    """Shares over the window of the newest file's SLO, all processes added up. None where nothing was served."""
    files = sorted(files, key=lambda counts: max(counts.hours, default=0))
    if not files:
        return None
    slo = files[-1]
    since = time.time_ns() // 1000 - slo.window_us
    hours = [hour for counts in files for start, hour in counts.hours.items() if start >= since]
    valid = sum(hour.valid for hour in hours)
    availability = sum(hour.answered for hour in hours) / valid if valid else None
    fast = sum(hour.fast for hour in hours) / valid if valid and slo.latency_us is not None else None
    return SliState(
        valid=valid, availability=availability, fast=fast, availability_objective=slo.availability,
        fast_objective=slo.objective, latency_us=slo.latency_us,
        met=_met(availability, slo.availability) and _met(fast, slo.objective),
    )


def _met(share: float | None, objective: float | None) -> bool:
    return share is None or objective is None or share >= objective
