"""Brings one feature group of the online store up to the ingested rows of its source."""

from __future__ import annotations

import time
from collections.abc import Mapping

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.run import Clock, MaterializeStep
from mlsystem_runtime.data import ROWS
from mlsystem_runtime.data.clock import advance_clock
from mlsystem_runtime.features.materializer import Written, materialize
from mlsystem_runtime.features.rows import read_rows
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.steps.base import StepContext, StepResult


def observe(_payload: MaterializeStep) -> Mapping[str, str]:
    return {}


def run(payload: MaterializeStep, context: StepContext) -> StepResult:
    """The watermark is committed with the rows; then the data's clock may move."""
    ingested = context.inputs[f"ingest.{payload.source.name}"]
    clock_us = int(ingested.facts["clock_us"] or 0)
    watermark_us = store_watermark(context.config.clock, clock_us)
    rows = read_rows(payload.group, payload.source, ingested.path / ROWS)
    context.progress(0, 1, f"{len(rows):,} rows of {payload.source.name}")
    store = SqliteStore(context.workspace.online, writable=True)
    written = materialize(payload.group, payload.source, rows, store, watermark_us)
    store.close()
    advance_clock(context.workspace, clock_us)
    return StepResult(
        digests={"watermark": digest([payload.group.fingerprint, watermark_us])},
        facts={"watermark_us": watermark_us, "keys": written.keys, "changed": written.changed},
        summary=summary(written),
    )


def store_watermark(clock: Clock, clock_us: int) -> int:
    """From which q on the store must answer: no request can come before the environment's clock.

    On wall time a source may hold rows known only in the future; they wait in the store.
    """
    return clock_us if clock == "data" else min(clock_us, time.time_ns() // 1000)


def summary(written: Written) -> str:
    if written.ahead:
        return "nothing written: the store holds later rows already"
    removed = f", {written.removed:,} removed" if written.removed else ""
    return f"{written.keys:,} keys, {written.changed:,} written{removed}"
