"""Past requests, sent again to a server and a monitor of their own, as if it were then.

The online store starts empty. Before a request of instant q is sent, exactly the rows known by q are brought in, so no
prediction sees what it could not have seen. Requests are the rows of the examples' source, all of them, whether or not
they became examples.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.counts import HOUR_US
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.features import RequestGroup, StoredGroup
from mlsystem_runtime.contract.model import ModelCard, Task
from mlsystem_runtime.contract.monitor_state import MonitorState
from mlsystem_runtime.contract.release import ModelRelease, read_release
from mlsystem_runtime.contract.run import Endpoint, FeaturesStep, RunConfig
from mlsystem_runtime.contract.workspace import Workspace, latest_record, read_struct
from mlsystem_runtime.data import ROWS
from mlsystem_runtime.data.clock import advance_clock
from mlsystem_runtime.features.filling import Filler
from mlsystem_runtime.features.rows import read_rows
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.monitor.jobs import new_run_id
from mlsystem_runtime.monitor.shadow import HOST, Client, free_port, make_workspace, process, shadow_config
from mlsystem_runtime.monitor.watching import describe
from mlsystem_runtime.registry.card import CARD

DAY_US = 24 * HOUR_US
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
JUDGED_SECONDS = 60.0


class ReplayedDay(Struct):
    """`predicted` is the mean probability or value; `happened` the mean of what then was true, of the rows where it is
    known; both None for a model with several classes. `right` is the share of right predictions of a classifier."""

    day: str
    requests: int
    refused: int
    predicted: float | None
    happened: float | None
    right: float | None


class Replay(Struct):
    """`replays/ID/replay.json`. Times are UTC microseconds, `end_us` exclusive."""

    model: str
    start_us: int
    end_us: int
    versions: tuple[int, ...]
    seconds: float
    days: tuple[ReplayedDay, ...]
    state: MonitorState | None


@dataclass(frozen=True)
class Past:
    """What is replayed: requests in the order of their instants, and what was true of them (None: not known)."""

    at: tuple[int, ...]
    requests: tuple[Mapping[str, Any], ...]
    labels: tuple[Any, ...]


@dataclass(frozen=True)
class Answered:
    """One request as it was answered; `prediction` None where it was refused."""

    at_us: int
    prediction: Mapping[str, Any] | None
    label: Any


def replay(config: RunConfig, workspace: Workspace, model: str, start: str, end: str) -> int:
    """Replays [start, end) for `model`; a day is told as it ends. The result is in `replays/ID` of the workspace."""
    began = time.monotonic()
    start_us, end_us = instant(start), instant(end)
    if end_us <= start_us:
        raise MlsystemError(f"--to {end} is not after --from {start}", "name an interval: --from is in it, --to is not")
    step, endpoint = definition(config, model)
    release = released(workspace, model)
    versions = {share.version: workspace.fetch_version(model, share.version) for share in release.shares}
    cards = [read_struct(folder / CARD, ModelCard) for folder in versions.values()]
    past = read_past(workspace, step, cards[0], start_us, end_us)
    if not past.at:
        raise MlsystemError(f"no row of '{step.examples.source}' lies from {start} to {end}", "choose another interval")

    monitored = next(one for one in config.monitor.models if one.model == model)
    root = workspace.path("replays", new_run_id(model))
    shadow = make_workspace(root, shadow_config(config, endpoint, monitored), model, release, versions)
    fillers = fillers_of(workspace, shadow, step, cards)
    tell(f"replaying {len(past.at)} requests of '{model}' in {root}")
    advance(shadow, fillers, past.at[0])
    days = tuple(send(shadow, endpoint, cards[0].task, past, fillers))
    advance_clock(shadow, end_us)
    with process(shadow, "monitor"):  # not before: days go by faster than a server writes down what it has counted
        state = judged(shadow, model, end_us)
    result = Replay(
        model=model, start_us=start_us, end_us=end_us, versions=tuple(share.version for share in release.shares),
        seconds=round(time.monotonic() - began, 1), days=days, state=state,
    )
    workspace.write(result, "replays", root.name, "replay.json")
    tell(conclusion(result))
    return 0


def definition(config: RunConfig, model: str) -> tuple[FeaturesStep, Endpoint]:
    steps = (step.payload for step in config.steps if isinstance(step.payload, FeaturesStep))
    found = {step.model: step for step in steps}
    if model not in found:
        raise MlsystemError(f"there is no model '{model}'", f"models are: {', '.join(found)}")
    return found[model], next(endpoint for endpoint in config.server.endpoints if endpoint.model == model)


def released(workspace: Workspace, model: str) -> ModelRelease:
    release = read_release(workspace.release).models.get(model)
    if release is None:
        raise MlsystemError(f"no version of '{model}' is released yet", "run `mlsystem apply` first")
    return release


def ingested(workspace: Workspace, source: str) -> Path:
    record = latest_record(workspace, f"ingest.{source}")
    if record is None:
        raise MlsystemError(f"source '{source}' was not ingested yet", "run `mlsystem apply` first")
    return workspace.storage.fetch(record.output, ROWS) / ROWS


def read_past(workspace: Workspace, step: FeaturesStep, card: ModelCard, start_us: int, end_us: int) -> Past:
    """The rows of the examples' source with start <= at < end, as requests; ties in the order of the file."""
    names = [column.name for column in card.contract.request]
    needed = list(dict.fromkeys([step.examples.at, step.label.column, *names]))
    table = pq.read_table(ingested(workspace, step.examples.source), columns=needed)
    at = pc.cast(table[step.examples.at], pa.int64())
    table = table.append_column("__at", at)
    table = table.filter(pc.and_(pc.greater_equal(at, start_us), pc.less(at, end_us)))
    table = table.take(pc.array_sort_indices(table["__at"].combine_chunks()))
    rows = zip(*(plain(table[name]).to_pylist() for name in names), strict=True)
    return Past(
        tuple(table["__at"].to_pylist()),
        tuple(dict(zip(names, row, strict=True)) for row in rows),
        tuple(table[step.label.column].to_pylist()),
    )


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Timestamps as microseconds, the rest as it is."""
    return pc.cast(column, pa.int64()) if pa.types.is_timestamp(column.type) else column


def fillers_of(workspace: Workspace, shadow: Workspace, step: FeaturesStep, cards: list[ModelCard]) -> list[Filler]:
    """One for each stored group that any of the released versions reads."""
    store = SqliteStore(shadow.online, writable=True, durable=False)
    sources: dict[str, Source] = {source.name: source for source in step.sources}
    every = (group for card in cards for group in card.contract.groups)
    groups: dict[str, StoredGroup] = {
        group.fingerprint: group for group in every if not isinstance(group, RequestGroup)
    }
    for group in groups.values():
        if group.source not in sources:
            raise MlsystemError(
                f"a released version reads source '{group.source}', which is not declared any more",
                "release a version that was trained on what is declared now",
            )
    return [
        Filler(group, source, read_rows(group, source, ingested(workspace, source.name)), store)
        for group in groups.values() for source in [sources[group.source]]
    ]


def advance(shadow: Workspace, fillers: list[Filler], at_us: int) -> None:
    """Everything known by `at_us` is in the store; the clock follows by the hour, and never runs ahead of a request."""
    for filler in fillers:
        filler.advance(at_us)
    advance_clock(shadow, at_us // HOUR_US * HOUR_US)


def send(
    shadow: Workspace, endpoint: Endpoint, task: Task, past: Past, fillers: list[Filler],
) -> Iterator[ReplayedDay]:
    """Asks for every request at its instant, and yields each day when it is over."""
    port = free_port()
    with process(shadow, "serve", "--host", HOST, "--port", str(port)) as server:
        client = Client(shadow, server, port)
        client.wait_until_ready()
        answered = ask(client, endpoint.routes[0], shadow, past, fillers)
        for number, answers in groupby(answered, key=lambda one: one.at_us // DAY_US):
            day = day_of(f"{EPOCH + timedelta(days=number):%Y-%m-%d}", task, list(answers))
            tell(day_line(day))
            yield day
        client.close()


def ask(client: Client, route: str, shadow: Workspace, past: Past, fillers: list[Filler]) -> Iterator[Answered]:
    before = None
    for number, (at_us, request, label) in enumerate(zip(past.at, past.requests, past.labels, strict=True)):
        if at_us != before:
            advance(shadow, fillers, at_us)
            before = at_us
        status, answer = client.predict(route, {"rows": [request], "at": at_us}, f"replay-{number}")
        yield Answered(at_us, answer["predictions"][0] if status == 200 else None, label)


def day_of(day: str, task: Task, answers: list[Answered]) -> ReplayedDay:
    given = [(one.prediction, one.label) for one in answers if one.prediction is not None]
    known = [(prediction, label) for prediction, label in given if label is not None]
    field = {"binary_classification": "probability", "regression": "prediction"}.get(task)
    return ReplayedDay(
        day=day, requests=len(answers), refused=len(answers) - len(given),
        predicted=mean([float(prediction[field]) for prediction, _ in given]) if field else None,
        happened=mean([float(label) for _, label in known]) if field else None,
        right=None if task == "regression" else mean([float(one["prediction"] == label) for one, label in known]),
    )


def mean(values: list[float]) -> float | None:
    return round(sum(values) / len(values), 6) if values else None


def judged(shadow: Workspace, model: str, end_us: int) -> MonitorState | None:
    """The monitor's state once it has seen the whole replay; None, said aloud, when it does not get there in time."""
    path, flushed_us = shadow.path("monitor", f"{model}.json"), time.time_ns() // 1000
    until = time.monotonic() + JUDGED_SECONDS
    while time.monotonic() < until:
        state = read_struct(path, MonitorState) if path.exists() else None
        if state is not None and state.written_us > flushed_us and (state.clock_us or 0) >= end_us:
            return state
        time.sleep(0.1)
    tell(f"the monitor has not judged the replay in {JUDGED_SECONDS:.0f} s; its log: {shadow.path('monitor.log')}")
    return None


def instant(text: str) -> int:
    """ISO 8601 to UTC microseconds; without an offset it is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        example = "2013-07-01 or 2013-07-01T12:00:00-04:00"
        raise MlsystemError(f"'{text}' is not an instant", f"write it as {example}") from error
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - EPOCH) // timedelta(microseconds=1)


def day_line(day: ReplayedDay) -> str:
    refused = f", {day.refused} refused" if day.refused else ""
    values = (("predicted", day.predicted), ("happened", day.happened), ("right", day.right))
    facts = [f"{word} {value:.3f}" for word, value in values if value is not None]
    return f"{day.day}  {day.requests} requests{refused}  {'  '.join(facts)}"


def conclusion(result: Replay) -> str:
    state = result.state
    requests = sum(day.requests for day in result.days)
    told = f"replayed {requests} requests in {result.seconds:.0f} s"
    if state is None or state.windows_judged == 0:
        return f"{told}; no drift window was judged"
    last = f"; last: {describe(state.last)}" if state.last is not None and state.last.verdict == "drift" else ""
    return f"{told}; {state.windows_drifted} of {state.windows_judged} windows drifted{last}"


def tell(line: str) -> None:
    """Progress for people."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()

