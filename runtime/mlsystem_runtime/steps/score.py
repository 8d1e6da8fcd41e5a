"""Batch scoring: the predictions of one version for the rows of Parquet files, as a server would give them.

The output is a folder of parts, each of one range of rows of one file and published whole. `score.json` says what they
are the scores of: a run that was ended goes on with the parts that are missing, and one of anything else is refused. So
the folder of a run that was killed ten times holds the same bytes as that of one that was not.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.features import FeatureContract, RequestGroup
from mlsystem_runtime.contract.files import read_struct, write_atomically, write_struct
from mlsystem_runtime.contract.identity import group_fingerprint
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.release_store import ReleaseStore
from mlsystem_runtime.contract.run import FeaturesStep, IngestStep, RunConfig
from mlsystem_runtime.contract.workspace import Workspace, latest_record
from mlsystem_runtime.data import ROWS
from mlsystem_runtime.data.arrays import arrow, numbers
from mlsystem_runtime.data.clock import CLOCK, ClockFile
from mlsystem_runtime.data.requests import Problem, TypedRows, check_columns, typed_rows
from mlsystem_runtime.features.table import TableAssembler
from mlsystem_runtime.registry.artifact import LoadedModel

PART_ROWS = 65_536
MANIFEST = "score.json"
FILE, ROW, VERSION = "input_file", "input_row", "version"
OWN = (FILE, ROW, VERSION, "prediction", "probability")

logger = logging.getLogger(__name__)


class Input(Struct):
    """One file. `digest` is the SHA-256 of its bytes."""

    name: str
    digest: str
    rows: int


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
    first of them ends the run."""

    inputs: str
    output: Path
    model: str | None = None
    version: int | None = None
    at: str | None = None
    keep: tuple[str, ...] | None = None
    rejects: bool = False
    part_rows: int = PART_ROWS


def score(config: RunConfig, workspace: Workspace, releases: ReleaseStore, order: Order) -> Scores:
    """Raises MlsystemError; what is finished by then stays, and the next run goes on from there."""
    model = model_name(config, order.model)
    version = order.version or champion(releases, model)
    loaded = LoadedModel.load(workspace.fetch_version(model, version))
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
        score_file(scorer, file, number, order.output)
    return agreed


def model_name(config: RunConfig, asked: str | None) -> str:
    names = [endpoint.model for endpoint in config.server.endpoints]
    if asked is None and len(names) == 1:
        return names[0]
    if asked not in names:
        known = ", ".join(names)
        raise MlsystemError("say which model" if asked is None else f"there is no model '{asked}'", f"--model: {known}")
    return asked


def champion(releases: ReleaseStore, model: str) -> int:
    released = releases.read().release.models.get(model)
    if released is None:
        raise MlsystemError(f"no version of '{model}' is released", "say which with --version, or apply first")
    return released.champion


def input_files(pattern: str) -> list[Path]:
    """A file, or all that a pattern finds, in the order of their names."""
    whole = Path(pattern)
    found = [whole] if whole.exists() else Path(whole.anchor).glob(str(whole.relative_to(whole.anchor)))
    files = sorted(path for path in found if path.is_file())
    if not files:
        raise MlsystemError(f"there is no file {pattern}", "name a Parquet file, or several: 'folder/*.parquet'")
    return files


def described(file: Path) -> Input:
    try:
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        return Input(name=file.name, digest=digest, rows=pq.read_metadata(file).num_rows)
    except pa.ArrowInvalid as error:
        raise MlsystemError(f"{file} is not a Parquet file: {error}", "scores are made of Parquet files") from error


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
    model: LoadedModel
    assembler: TableAssembler
    scores: Scores

    def part(self, table: pa.Table, file: str, first: int) -> tuple[pa.Table, tuple[Problem, ...]]:
        """The scores of the rows of `table` that are requests, and what is wrong with the others. Its rows are those
        from `first` on of `file`."""
        typed = typed_rows(self.model.card.contract.request, table)
        at, unknown = self._instants(table, typed)
        inputs = self.assembler.assemble(typed.table, at)
        answers_BO = self.model.predict_table(inputs).double().numpy()
        kept = arrow(typed.kept)
        columns = {name: table[name].take(kept) for name in self.scores.keep}
        count = len(typed.kept)
        columns |= {FILE: repeated(file, count), ROW: arrow(typed.kept + first)}
        columns |= {**predictions(self.model.card, answers_BO), VERSION: repeated(self.scores.version, count)}
        return pa.table(columns), (*typed.problems, *unknown)

    def _instants(self, table: pa.Table, typed: TypedRows) -> tuple[np.ndarray, tuple[Problem, ...]]:
        if self.scores.at is None:
            assert self.scores.at_us is not None, "agreed when the folder was begun"
            return np.full(len(typed.kept), self.scores.at_us), ()
        column = table[self.scores.at]
        if not pa.types.is_timestamp(column.type) or column.type.tz is None:
            raise MlsystemError(f"'{self.scores.at}' is no timestamp with a zone", "instants are such timestamps")
        instants, given = numbers(column.combine_chunks().cast(pa.timestamp("us", "UTC"), safe=False))
        if not given.all():
            row = int(np.flatnonzero(~given)[0])
            raise MlsystemError(f"row {row} has no instant in '{self.scores.at}'", "every row is asked at an instant")
        return instants[typed.kept], ()


def repeated(value: str | int, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string() if isinstance(value, str) else pa.int64()), count)


def predictions(card: ModelCard, answers_BO: np.ndarray) -> Mapping[str, pa.Array]:
    """As a server's answer has them; of several classes each has a column, `probability_CLASS`."""
    match card.task:
        case "binary_classification":
            probability = arrow(answers_BO[:, 0])
            return {"prediction": pc.greater_equal(probability, 0.5), "probability": probability}
        case "multiclass":
            best = answers_BO.argmax(axis=1)
            names = pa.array(list(card.outputs), pa.string())
            each = {f"probability_{name}": arrow(answers_BO[:, at].copy()) for at, name in enumerate(card.outputs)}
            most = arrow(answers_BO.max(axis=1)) if len(answers_BO) else arrow(np.empty(0))
            return {"prediction": names.take(arrow(best)), "probability": most, **each}
        case _:
            return {"prediction": arrow(answers_BO[:, 0])}


def score_file(scorer: Scorer, file: Path, number: int, output: Path) -> None:
    scores = scorer.scores
    total = scores.inputs[number].rows
    starts = range(0, total, scores.part_rows)
    names = [f"{number:05}-{place:06}.parquet" for place in range(len(starts))]
    missing = [place for place, name in enumerate(names) if not (output / f"part-{name}").exists()]
    if not missing:
        return
    for place, table in parts_of(file, scores.part_rows, missing[0]):
        if place not in missing:
            continue
        first = starts[place]
        made, problems = scorer.part(table, file.name, first)
        refuse(problems, file, first, scores.rejects)
        if problems:
            publish(rejected(problems, file.name, first), output / f"rejects-{names[place]}")
        publish(made, output / f"part-{names[place]}")  # last: a part that is there is whole
        put_aside = table.num_rows - len(made)
        logger.info("%s: %d of %d rows, %d put aside", file.name, first + table.num_rows, total, put_aside)


def parts_of(file: Path, rows: int, first: int) -> Iterator[tuple[int, pa.Table]]:
    """(number, rows) of each part from number `first` on. Row groups before it are not read."""
    with pq.ParquetFile(file, pre_buffer=False) as opened:
        groups, skipped = list(range(opened.num_row_groups)), 0
        while groups and skipped + opened.metadata.row_group(groups[0]).num_rows <= first * rows:
            skipped += opened.metadata.row_group(groups.pop(0)).num_rows
        held: list[pa.RecordBatch] = []
        have, place, drop = 0, first, first * rows - skipped
        for batch in opened.iter_batches(batch_size=rows, row_groups=groups):
            left = batch.slice(min(drop, len(batch)))
            drop -= len(batch) - len(left)
            while len(left):
                held.append(left[: rows - have])
                left = left[len(held[-1]) :]
                have += len(held[-1])
                if have == rows:
                    yield place, pa.Table.from_batches(held)
                    held, have, place = [], 0, place + 1
        if held:
            yield place, pa.Table.from_batches(held)


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
        "field": pa.array([problem.field for problem in problems], pa.string()),
        "problem": pa.array([problem.message for problem in problems], pa.string()),
    })


def publish(table: pa.Table, path: Path) -> None:
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    write_atomically(path, buffer.getvalue().to_pybytes())
