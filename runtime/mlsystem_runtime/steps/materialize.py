"""Brings one feature group of the online store up to the ingested rows of its source.

Versions of a model that were registered with an earlier definition of the group may answer again after a rollback, or
answer still: their generations are kept fresh too, and those that nobody can read any more are dropped.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.features import RequestGroup, StoredGroup
from mlsystem_runtime.contract.identity import group_fingerprint
from mlsystem_runtime.contract.run import Clock, MaterializeStep, RunConfig
from mlsystem_runtime.contract.workspace import StepRecord, Workspace
from mlsystem_runtime.data import ROWS
from mlsystem_runtime.data.clock import advance_clock
from mlsystem_runtime.features.materializer import Written, materialize
from mlsystem_runtime.features.rows import read_rows
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.features.store import Generation
from mlsystem_runtime.registry.card import CARD, read_card
from mlsystem_runtime.steps.base import Input, StepContext, StepResult


def observe(_payload: MaterializeStep) -> Mapping[str, str]:
    return {}


def run(payload: MaterializeStep, context: StepContext) -> StepResult:
    """The watermark is committed with the rows; then the data's clock may move."""
    group, source = payload.group, payload.source
    ingested = context.inputs[f"ingest.{source.name}"]
    clock_us = int(ingested.facts["clock_us"] or 0)
    watermark_us = store_watermark(context.config.clock, clock_us)
    store = SqliteStore(context.workspace.online, writable=True)
    context.progress(0, 1, f"rows of {source.name}")
    written = bring_up(group, source, ingested, store, watermark_us, context.key)
    earlier = registered_groups(context.workspace, group)
    for one in earlier:
        if readable(one, source):
            bring_up(one, source, ingested, store, watermark_us, context.key)
    drop_unread(store, group, {one.fingerprint for one in (*earlier, *configured_groups(context.config))})
    store.close()
    advance_clock(context.workspace, clock_us)
    return StepResult(
        digests={"watermark": digest([group.fingerprint, watermark_us])},
        facts={"watermark_us": watermark_us, "keys": written.keys, "changed": written.changed},
        summary=summary(written),
    )


def revisit(payload: MaterializeStep, context: StepContext, record: StepRecord) -> None:
    """An earlier output answers, but what it wrote may be gone: dropped when nothing read it, lost or replaced."""
    ingested = context.inputs[f"ingest.{payload.source.name}"]
    store = SqliteStore(context.workspace.online, writable=True)
    made = [one for one in store.generations() if one.made_from == record.key]
    confirmed = {one.fingerprint for one in made if confirm(one, ingested.order, store)}
    store.close()
    if payload.group.fingerprint not in confirmed:
        run(payload, context)


def confirm(held: Generation, ingested: int, store: SqliteStore) -> bool:
    """An ingest has brought the rows that `held` was made from once more; False where another run wrote meanwhile."""
    return store.write(dataclasses.replace(held, ingested=max(ingested, held.ingested)), (), (), held)


def bring_up(
    group: StoredGroup, source: Source, ingested: Input, store: SqliteStore, watermark_us: int, made_from: str
) -> Written:
    rows = read_rows(group, source, ingested.path / ROWS)
    return materialize(group, source, rows, store, watermark_us, ingested.order, made_from)


def store_watermark(clock: Clock, clock_us: int) -> int:
    """From which q on the store must answer: no request can come before the environment's clock.

    On wall time a source may hold rows known only in the future; they wait in the store.
    """
    return clock_us if clock == "data" else min(clock_us, time.time_ns() // 1000)


def registered_groups(workspace: Workspace, group: StoredGroup) -> tuple[StoredGroup, ...]:
    """Other definitions under this group's name that registered model versions read, each once."""
    found: dict[str, StoredGroup] = {}
    for card in sorted(workspace.path("models").glob(f"*/*/{CARD}")):
        for one in read_card(card.parent).contract.groups:
            if not isinstance(one, RequestGroup) and one.name == group.name and one.source == group.source:
                found[one.fingerprint] = one
    found.pop(group.fingerprint, None)
    return tuple(found.values())


def readable(group: StoredGroup, source: Source) -> bool:
    """Whether this definition means over the source of today what it meant: else its rows would answer otherwise."""
    return group_fingerprint(group, source) == group.fingerprint


def configured_groups(config: RunConfig) -> Iterator[StoredGroup]:
    for step in config.steps:
        if isinstance(step.payload, MaterializeStep):
            yield step.payload.group


def drop_unread(store: SqliteStore, group: StoredGroup, read: set[str]) -> None:
    for generation in store.generations():
        if generation.group == group.name and generation.fingerprint not in read:
            store.drop(generation.fingerprint)


def summary(written: Written) -> str:
    if written.ahead:
        return "nothing written: another run wrote the rows of a later ingest meanwhile"
    removed = f", {written.removed:,} removed" if written.removed else ""
    return f"{written.keys:,} keys, {written.changed:,} written{removed}"
