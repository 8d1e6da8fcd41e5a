"""Source → `rows.parquet`: declared and derived columns, typed, checked, in file order."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec
import pyarrow.parquet as pq

from mlsystem_runtime.contract.base import canonical_json, pretty_json
from mlsystem_runtime.contract.run import Clock, IngestStep
from mlsystem_runtime.contract.workspace import Workspace, write_atomically
from mlsystem_runtime.data import ROWS
from mlsystem_runtime.data.checks import CheckResult, refuse_failed, run_checks
from mlsystem_runtime.data.clock import advance_clock, read_clock
from mlsystem_runtime.data.facts import SourceFacts, digests, measure
from mlsystem_runtime.data.files import content_digest, files_of
from mlsystem_runtime.data.remote_files import bring, is_remote, objects_of, remote_digest
from mlsystem_runtime.data.sources import read_source
from mlsystem_runtime.steps.base import StepContext, StepResult


def observe(payload: IngestStep) -> Mapping[str, str]:
    """The content of the source's files."""
    if is_remote(payload.source):
        return {"content": remote_digest(objects_of(payload.source))}
    return {"content": content_digest(files_of(payload.source))}


def run(payload: IngestStep, context: StepContext) -> StepResult:
    """Raises MlsystemError for rows that are not as declared and for failed checks of severity error."""
    source = payload.source
    context.progress(0, 3, f"reading {source.uri}")
    files = bring(source, context.scratch / "source") if is_remote(source) else None
    table = read_source(source, files)
    facts = measure(table, source)

    context.progress(1, 3, f"checking {facts.rows:,} rows")
    now_us = environment_clock(context.config.clock, context.workspace, facts)
    results = run_checks(table, source, payload.checks, now_us)
    report = context.scratch / "checks.json"
    write_atomically(report, pretty_json(results))
    refuse_failed(source, results, str(report))

    context.progress(2, 3, f"writing {facts.rows:,} rows")
    pq.write_table(table, context.out / ROWS)
    write_atomically(context.out / "checks.json", pretty_json(results))
    if facts.clock_us is not None:
        advance_clock(context.workspace, facts.clock_us)
    facts = msgspec.structs.replace(facts, checks=results)
    return StepResult(digests(table, facts), msgspec.json.decode(canonical_json(facts)), summary(facts))


def environment_clock(clock: Clock, workspace: Workspace, facts: SourceFacts) -> int:
    """Now, for freshness: on the data's clock the greatest `available` of all sources, this one included."""
    if clock == "wall":
        return time.time_ns() // 1000
    known = [instant for instant in (read_clock(workspace), facts.clock_us) if instant is not None]
    return max(known, default=0)


def summary(facts: SourceFacts) -> str:
    warned = [result for result in facts.checks if not result.passed]
    text = f"{facts.rows:,} rows, {len(facts.checks)} checks"
    return text + "".join(f"; warning: {warning(result)}" for result in warned)


def warning(result: CheckResult) -> str:
    return f"{result.check}: {result.detail}"
