"""Batch scoring: the predictions of one version for the rows of Parquet files, as a server would give them.

The output is a folder of parts, each of one range of rows of one file and published whole. `score.json` says what they
are the scores of: a run that was ended goes on with the parts that are missing, and one of anything else is refused. So
the folder of a run that was killed ten times holds the same bytes as that of one that was not.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.features import FeatureContract, RequestGroup
from mlsystem_runtime.contract.files import read_struct, write_struct
from mlsystem_runtime.contract.identity import group_fingerprint
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.release_store import ReleaseStore
from mlsystem_runtime.contract.run import Endpoint, FeaturesStep, IngestStep, RunConfig
from mlsystem_runtime.contract.workspace import Workspace, latest_record
from mlsystem_runtime.data import ROWS
from mlsystem_runtime.data.arrays import arrow, bits, numbers, text
from mlsystem_runtime.data.clock import CLOCK, ClockFile
from mlsystem_runtime.data.requests import Problem, check_columns, typed_rows
from mlsystem_runtime.features.table import TableAssembler
from mlsystem_runtime.registry.engines import Answers, open_version
from mlsystem_runtime.registry.recorded import read_recorded
from mlsystem_runtime.steps.score_files import Input, described, input_files, parts_of, publish
from mlsystem_runtime.train.architecture import Architecture
from mlsystem_runtime.train.encode import encode_table, in_blocks
from mlsystem_runtime.train.threads import thread_count

PART_ROWS = 65_536
MANIFEST = "score.json"
FILE, ROW, VERSION = "input_file", "input_row", "version"
OWN = (FILE, ROW, VERSION, "prediction", "probability")

logger = logging.getLogger(__name__)
T = TypeVar("T")
Done = TypeVar("Done")


class Scores(Struct):
    """`score.json`: what the parts beside it are the scores of. `at` is the column of each row's instant; without one
    it is `at_us` for all. `rows` says of what the features were computed: the output of each source's ingest step."""

    model: str
    version: int
    inputs: tuple[Input, ...]
    at: str | None
    at_us: int | None
    keep: tuple[str, ...]
    rejects: bool
    rows: dict[str, str]
    part_rows: int


@dataclass(frozen=True)
class Order:
    """What is to be scored. `at` names a column of instants, as in training; without one all rows are asked now.
    `keep` None are the columns that tell rows apart. `rejects`: rows that no request could be are put aside; else the
    first of them ends the run. `workers` score a part each at the same time; None: as many as there are processors."""

    inputs: str
    output: Path
    model: str | None = None
    version: int | None = None
    at: str | None = None
    keep: tuple[str, ...] | None = None
    rejects: bool = False
    part_rows: int = PART_ROWS
    workers: int | None = None


def score(config: RunConfig, workspace: Workspace, releases: ReleaseStore, order: Order) -> Scores:
    """Raises MlsystemError; what is finished by then stays, and the next run goes on from there."""
    endpoint = endpoint_of(config, order.model)
    model = endpoint.model
    version = order.version or champion(releases, model)
    folder = workspace.fetch_version(model, version)
    loaded = open_version(endpoint.engine, folder, 1, read_recorded(folder), f"version {version} of '{model}'")
    files = input_files(order.inputs)
    sources = sources_of(config, loaded.card.contract)
    rows = {name: ingested(workspace, name) for name in sources}
    wanted = Scores(
        model=model, version=version, inputs=tuple(map(described, files)), at=order.at, at_us=None,
        keep=kept_columns(config, model, order, files), rejects=order.rejects, rows=rows, part_rows=order.part_rows,
    )
    check_files(loaded.card, wanted, files)
    agreed = agree(order.output, wanted, config, workspace)
    paths = {name: workspace.storage.fetch(output) / ROWS for name, output in rows.items()}
    scorer = Scorer(loaded, TableAssembler(loaded.card.contract, sources, paths), agreed)
    for number, file in enumerate(files):
        score_file(scorer, file, number, order)
    return agreed


def endpoint_of(config: RunConfig, asked: str | None) -> Endpoint:
    endpoints = {endpoint.model: endpoint for endpoint in config.server.endpoints}
    if asked is None and len(endpoints) == 1:
        (asked,) = endpoints
    if asked not in endpoints:
        known = ", ".join(endpoints)
        raise MlsystemError("say which model" if asked is None else f"there is no model '{asked}'", f"--model: {known}")
    return endpoints[asked]


def champion(releases: ReleaseStore, model: str) -> int:
    released = releases.read().release.models.get(model)
    if released is None:
        raise MlsystemError(f"no version of '{model}' is released", "say which with --version, or apply first")
    return released.champion


def sources_of(config: RunConfig, contract: FeatureContract) -> dict[str, Source]:
    """Of the contract's stored groups, which have to mean over them what they meant to the version."""
    known = {one.payload.source.name: one.payload.source for one in config.steps if isinstance(one.payload, IngestStep)}
    found = {}
    for group in contract.groups:
        if isinstance(group, RequestGroup):
            continue
        source = known.get(group.source)
        if source is None or group_fingerprint(group, source) != group.fingerprint:
            raise MlsystemError(
                f"feature group '{group.name}' of this version is not computed any more as it was",
                "score with a version of today's features",
            )
        found[source.name] = source
    return found


def ingested(workspace: Workspace, source: str) -> str:
    record = latest_record(workspace, f"ingest.{source}")
    if record is None:
        raise MlsystemError(f"source '{source}' was not ingested yet", "mlsystem apply ingests it")
    return record.output


def kept_columns(config: RunConfig, model: str, order: Order, files: Sequence[Path]) -> tuple[str, ...]:
    """Those that were asked for; else what tells rows apart in the source of the examples, where the files have it,
    and the instant."""
    columns = pq.read_schema(files[0]).names
    if order.keep is not None:
        return order.keep
    steps = (one.payload for one in config.steps if isinstance(one.payload, FeaturesStep))
    keys = [key for step in steps if step.model == model for source in step.sources
            if source.name == step.examples.source for key in source.key or ()]
    instant = () if order.at is None else (order.at,)
    return tuple(name for name in dict.fromkeys([*keys, *instant]) if name in columns and name not in OWN)


def check_files(card: ModelCard, wanted: Scores, files: Sequence[Path]) -> None:
    """All of them before the first row is scored."""
    for file in files:
        schema = pq.read_schema(file)
        check_columns(card.contract.request, schema, file.name)
        for name in (*wanted.keep, *(() if wanted.at is None else (wanted.at,))):
            if name not in schema.names:
                raise MlsystemError(f"{file.name} has no column '{name}'", f"it has {', '.join(schema.names)}")
        for name in wanted.keep:
            if name in OWN:
                raise MlsystemError(f"'{name}' is a column of the scores themselves", "keep it under another name")


def agree(output: Path, wanted: Scores, config: RunConfig, workspace: Workspace) -> Scores:
    """What the folder holds the scores of; a new one begins now, on the clock of the environment."""
    place = output / MANIFEST
    if place.exists():
        found = read_struct(place, Scores)
        if replaced(found, None) != wanted:
            raise MlsystemError(f"{output} holds other scores: {place} says of what", "name another folder")
        return found
    begun = replaced(wanted, None if wanted.at is not None else now_us(config, workspace))
    output.mkdir(parents=True, exist_ok=True)
    write_struct(place, begun)
    return begun


def replaced(scores: Scores, at_us: int | None) -> Scores:
    return Scores(**{**{name: getattr(scores, name) for name in scores.__struct_fields__}, "at_us": at_us})


def now_us(config: RunConfig, workspace: Workspace) -> int:
    if config.clock == "wall":
        return time.time_ns() // 1000
    try:
        return workspace.read(ClockFile, CLOCK).clock_us
    except FileNotFoundError:
        raise MlsystemError("no data was ingested yet, so the data's clock does not run", "mlsystem apply") from None


@dataclass(frozen=True)
class Scorer:
    """Scores parts, on any thread."""

    model: Answers
    assembler: TableAssembler
    scores: Scores

    @cached_property
    def architecture(self) -> Architecture:
        return Architecture.of(self.model.card.architecture)

    def columns(self, file: Path) -> list[str]:
        """What is read of it."""
        scores = self.scores
        asked = {*scores.keep, scores.at, *(column.name for column in self.model.card.contract.request)}
        return [name for name in pq.read_schema(file).names if name in asked]

    def part(self, table: pa.Table, file: str, first: int) -> tuple[pa.Table, tuple[Problem, ...]]:
        """The scores of the rows of `table` that are requests, and what is wrong with the others. Its rows are those
        from `first` on of `file`."""
        card = self.model.card
        typed = typed_rows(card.contract.request, table)
        inputs = self.assembler.assemble(typed.table, self._instants(table, file, first)[typed.kept])
        arrays = encode_table(inputs, self.architecture)
        answers_BO = in_blocks(self.model.predict_arrays, *arrays, len(card.outputs)).astype(np.float64)
        count, copied = len(typed.kept), table.select(self.scores.keep)
        if count < len(table):
            copied = copied.take(arrow(typed.kept))
        columns = {name: copied[name] for name in self.scores.keep}
        columns |= {FILE: repeated(file, count), ROW: arrow(typed.kept + first)}
        columns |= {**predictions(card, answers_BO), VERSION: repeated(self.scores.version, count)}
        return pa.table(columns), typed.problems

    def _instants(self, table: pa.Table, file: str, first: int) -> np.ndarray:
        if self.scores.at is None:
            assert self.scores.at_us is not None, "agreed when the folder was begun"
            return np.full(len(table), self.scores.at_us)
        column = table[self.scores.at]
        if not pa.types.is_timestamp(column.type) or column.type.tz is None:
            raise MlsystemError(f"'{self.scores.at}' is no timestamp with a zone", "instants are such timestamps")
        instants, given = numbers(column.combine_chunks().cast(pa.timestamp("us", "UTC"), safe=False))
        if not given.all():
            row = first + int(np.flatnonzero(~given)[0])
            raise MlsystemError(f"{file}, row {row}: no instant in '{self.scores.at}'", "each row is asked at its own")
        return instants


def repeated(value: str | int, count: int) -> pa.Array:
    """A text once, and numbers that point to it."""
    if isinstance(value, int):
        return arrow(np.full(count, value))
    return pa.DictionaryArray.from_arrays(arrow(np.zeros(count, np.int64)), text([value]))


def predictions(card: ModelCard, answers_BO: np.ndarray) -> Mapping[str, pa.Array]:
    """As a server's answer has them; of several classes each has a column, `probability_CLASS`."""
    match card.task:
        case "binary_classification":
            return {"prediction": bits(answers_BO[:, 0] >= 0.5), "probability": arrow(answers_BO[:, 0])}
        case "multiclass":
            best = answers_BO.argmax(axis=1)
            each = {f"probability_{name}": arrow(answers_BO[:, at]) for at, name in enumerate(card.outputs)}
            most = arrow(answers_BO.max(axis=1)) if len(answers_BO) else arrow(np.empty(0))
            return {"prediction": text(card.outputs).take(arrow(best)), "probability": most, **each}
        case _:
            return {"prediction": arrow(answers_BO[:, 0])}


def score_file(scorer: Scorer, file: Path, number: int, order: Order) -> None:
    total, rows = scorer.scores.inputs[number].rows, scorer.scores.part_rows
    names = [f"{number:05}-{place:06}.parquet" for place in range(-(-total // rows))]
    missing = [place for place, name in enumerate(names) if not (order.output / f"part-{name}").exists()]
    if not missing:
        return

    def score_part(part: tuple[int, pa.Table]) -> tuple[int, int]:
        place, table = part
        first = place * rows
        made, problems = scorer.part(table, file.name, first)
        refuse(problems, file, first, scorer.scores.rejects)
        if problems:
            publish(rejected(problems, file.name, first), order.output / f"rejects-{names[place]}")
        publish(made, order.output / f"part-{names[place]}")  # last: a part that is there is whole
        return first + table.num_rows, table.num_rows - len(made)

    parts = (part for part in parts_of(file, scorer.columns(file), rows, missing[0]) if part[0] in missing)
    for end, put_aside in ahead(score_part, parts, order.workers or thread_count(None)):
        logger.info("%s: %d of %d rows, %d put aside", file.name, end, total, put_aside)


def ahead(work: Callable[[T], Done], items: Iterable[T], workers: int) -> Iterator[Done]:
    """What `work` makes of each, in their order; it is done on so many threads while the next item is fetched."""
    under_way: deque[Future[Done]] = deque()
    with ThreadPoolExecutor(workers, "score") as pool:
        for item in items:
            under_way.append(pool.submit(work, item))
            if len(under_way) > workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def refuse(problems: Sequence[Problem], file: Path, first: int, rejects: bool) -> None:
    if problems and not rejects:
        one, more = problems[0], len({problem.row for problem in problems}) - 1
        beside = f"; so it is with {more} rows after it" if more else ""
        raise MlsystemError(
            f"{file.name}, row {first + one.row}: '{one.field}' {one.message}{beside}",
            "correct it, or score the others: with --rejects such rows are put aside, with what is wrong with them",
        )


def rejected(problems: Sequence[Problem], file: str, first: int) -> pa.Table:
    rows = np.array([problem.row for problem in problems], np.int64)
    return pa.table({
        FILE: repeated(file, len(problems)), ROW: arrow(rows + first),
        "field": text([problem.field for problem in problems]),
        "problem": text([problem.message for problem in problems]),
    })


