"""Brings one feature group of the online store up to the ingested rows of its source.

Versions of a model that were registered with other groups than those of today may answer again after a rollback, or
answer still: their generations are kept fresh too, and those that nobody can read any more are dropped.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Mapping

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.features import StoredGroup
from mlsystem_runtime.contract.identity import group_fingerprint, stored_groups
from mlsystem_runtime.contract.run import Clock, MaterializeStep
from mlsystem_runtime.contract.workspace import StepRecord, Workspace
from mlsystem_runtime.data import ROWS
from mlsystem_runtime.data.clock import advance_clock
from mlsystem_runtime.features.materializer import Written, generation_of, materialize
from mlsystem_runtime.features.opening import open_store
from mlsystem_runtime.features.rows import columns_read, read_rows
from mlsystem_runtime.features.store import Generation, OnlineStore
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
    store = open_store(context.config, context.workspace, os.environ, writable=True)
    context.progress(0, 1, f"rows of {source.name}")
    written = bring_up(group, source, ingested, store, watermark_us)
    keep_registered(payload, context, store, watermark_us)
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
    store = open_store(context.config, context.workspace, os.environ, writable=True)
    refresh(payload.group, payload.source, ingested, store, record.facts["watermark_us"])
    keep_registered(payload, context, store, record.facts["watermark_us"])
    store.close()


def refresh(group: StoredGroup, source: Source, ingested: Input, store: OnlineStore, watermark_us: int) -> None:
    """Bring the group up, unless its generation was made from these very rows."""
    held = store.generation(group.fingerprint)
    new = generation_of(group, source, watermark_us, ingested.order, content_of(group, source, ingested))
    same = held is not None and (held.made_from, held.knowledge) == (new.made_from, new.knowledge)
    if held is None or not same or not confirm(held, new.ingested, store):
        bring_up(group, source, ingested, store, watermark_us)


def confirm(held: Generation, ingested: int, store: OnlineStore) -> bool:
    """A later ingest has brought the same rows; False where another run wrote meanwhile."""
    return store.write(dataclasses.replace(held, ingested=max(held.ingested, ingested)), (), (), held)


def bring_up(group: StoredGroup, source: Source, ingested: Input, store: OnlineStore, watermark_us: int) -> Written:
    rows = read_rows(group, source, ingested.path / ROWS)
    content = content_of(group, source, ingested)
    return materialize(group, source, rows, store, watermark_us, ingested.order, content)


def content_of(group: StoredGroup, source: Source, ingested: Input) -> str:
    """A digest of all that the group reads of its source's rows."""
    parts = ["rows", *(f"column:{name}" for name in columns_read(group, source))]
    return digest([ingested.digests[part] for part in parts])


def store_watermark(clock: Clock, clock_us: int) -> int:
    """From which q on the store must answer: no request can come before the environment's clock.

    On wall time a source may hold rows known only in the future; they wait in the store.
    """
    return clock_us if clock == "data" else min(clock_us, time.time_ns() // 1000)


def keep_registered(payload: MaterializeStep, context: StepContext, store: OnlineStore, watermark_us: int) -> None:
    """Keep fresh what registered versions read beside the configured groups; forget what nobody reads any more.

    Of all steps over one source the first does it. A definition belongs to a source over which it means what it meant
    at registration, whatever either is called now; where there is none, its rows stay as they are.
    """
    source = payload.source
    configured = [step.payload for step in context.config.steps if isinstance(step.payload, MaterializeStep)]
    if next(one.group for one in configured if one.source.name == source.name) != payload.group:
        return
    ours = {one.group.fingerprint for one in configured}
    registered = registered_groups(context.workspace)
    ingested = context.inputs[f"ingest.{source.name}"]
    for fingerprint, group in registered.items():
        if fingerprint not in ours and group_fingerprint(group, source) == fingerprint:
            refresh(group, source, ingested, store, watermark_us)
    for generation in store.generations():
        if generation.fingerprint not in ours | registered.keys():
            store.drop(generation.fingerprint)


def registered_groups(workspace: Workspace) -> dict[str, StoredGroup]:
    """The groups of the online store that registered model versions read, by fingerprint."""
    models = workspace.storage.folders("models")
    folders = (workspace.fetch_version(model, number, CARD) for model in models for number in workspace.versions(model))
    cards = (read_card(folder) for folder in folders)
    return {group.fingerprint: group for card in cards for group in stored_groups(card.contract)}


def summary(written: Written) -> str:
    if written.ahead:
        return "nothing written: another run wrote the rows of a later ingest meanwhile"
    removed = f", {written.removed:,} removed" if written.removed else ""
    return f"{written.keys:,} keys, {written.changed:,} written{removed}"
