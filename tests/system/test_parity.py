"""What the endpoint gave the model is what the offline engine says was known at that instant; training saw no more."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from environments import eventually

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.contract.features import RequestGroup
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.run import FeaturesStep, decode_run_config
from mlsystem_runtime.features.dataset import request_features, stored_features
from mlsystem_runtime.serve.reading import predictions

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("flights")]

DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TYPES = {
    ColumnType.STRING: pa.string(),
    ColumnType.INT: pa.int64(),
    ColumnType.FLOAT: pa.float64(),
    ColumnType.BOOL: pa.bool_(),
    ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
}


@pytest.fixture(scope="module")
def flights(start):
    return start("flights")


def questions(requests, clock):
    """Known flights and mixtures of them, unknown keys and no key, at the clock and up to forty days after it."""
    draw = random.Random(3)
    for number in range(60):
        row = {name: draw.choice(requests)[name] for name in ("carrier", "flight", "aircraft", "origin", "dest")}
        row |= draw.choice([{}, {}, {"aircraft": None}, {"carrier": "??"}, {"dest": "XXX"}, {"flight": 0}])
        later = draw.choice([0, 1, 59, 300, 3600, 3 * 3600, 86_400, 7 * 86_400, 40 * 86_400])
        at = clock + timedelta(seconds=later, microseconds=draw.choice([0, 0, 1]))
        row |= {"distance": float(draw.randint(80, 5000)), "scheduled_departure": at.isoformat()}
        yield row if number % 5 == 0 else row | {"at": at.isoformat()}
    yield from requests


def logged(project):
    """The prediction log, by request."""
    return {one.request_id: one for one in predictions(project.workspace, "main")}


def rows_of(project, source):
    (path,) = project.workspace.path("steps", f"ingest.{source}").glob("*/rows.parquet")
    return path


def offline(project, answered):
    """The model's inputs for logged requests, as the engine that makes training sets computes them."""
    card = msgspec.json.decode(project.workspace.version("main", 1).joinpath("model.json").read_bytes(), type=ModelCard)
    config = decode_run_config((project.folder / ".mlsystem/dev/generated/contract/run.json").read_bytes())
    step = config.step("features.main").payload
    assert isinstance(step, FeaturesStep)
    sources = {source.name: source for source in step.sources}
    columns = {column.name: column for column in card.contract.request}
    asked = pa.table({
        name: pa.chunked_array([pa.array([one.request[name] for one in answered]).cast(TYPES[column.type])])
        for name, column in columns.items()
    })
    at = np.array([one.at_us for one in answered])
    values = {}
    for use in card.contract.uses:
        group = card.contract.group(use.group)
        if isinstance(group, RequestGroup):
            computed = request_features(group, asked)
            values |= {f"{use.alias}.{name}": computed[name] for name in use.columns}
        else:
            values |= stored_features(
                group, sources[group.source], [use], rows_of(project, group.source), asked, at
            )
    names = [wanted.name for wanted in card.contract.inputs]
    return [dict(zip(names, row, strict=True)) for row in zip(*(values[n].to_pylist() for n in names), strict=True)]


def test_the_endpoint_uses_exactly_the_features_that_the_offline_engine_computes(flights):
    requests = json.loads((flights.folder / "data/requests.json").read_text())
    clock = datetime.fromisoformat(flights.get("/status")[1]["clock"]["at"])
    answers = [flights.ask(row) for row in questions(requests, clock)]
    assert {status for status, _ in answers} == {200}
    names = [said["request_id"] for _, said in answers]
    eventually(lambda: set(names) <= logged(flights).keys(), 10)
    found = logged(flights)
    answered = [found[name] for name in names]
    expected = offline(flights, answered)

    for prediction, wanted in zip(answered, expected, strict=True):
        assert prediction.inputs == wanted
    for name in ("carrier_history.delay_mean_1d", "airport_weather.temp", "aircraft_history.late_share_30d"):
        given = [wanted[name] for wanted in expected]
        assert None in given, name
        assert len({value for value in given if value is not None}) > 1, name


def test_the_past_is_not_answered(flights):
    request = json.loads((flights.folder / "data/requests.json").read_text())[0]
    clock = datetime.fromisoformat(flights.get("/status")[1]["clock"]["at"])
    status, said = flights.ask(request | {"at": (clock - timedelta(microseconds=1)).isoformat()})

    assert (status, said["field"]) == (422, "at")


def test_training_saw_only_flights_that_had_landed(template):
    folder = template("flights")
    flown = pq.read_table(folder / "data/flights.parquet").to_pylist()
    (path,) = folder.glob(".mlsystem/dev/workspace/steps/features.main/*/dataset.parquet")
    examples = pq.read_table(path, columns=["__row", "__at", "carrier_history.delay_mean_1d"]).to_pylist()
    of_carrier = {}
    for flight in flown:
        of_carrier.setdefault(flight["carrier"], []).append(flight)
    leaky = 0
    for example in random.Random(5).sample(examples, 200):
        at = EPOCH + timedelta(microseconds=example["__at"])
        flight = flown[example["__row"]]
        assert flight["scheduled_departure"] == at
        since = floored(at - DAY)
        window = [one for one in of_carrier[flight["carrier"]] if since <= one["scheduled_departure"] < at]
        known = [one["arr_delay"] for one in window if one["landed_at"] is not None and one["landed_at"] <= at]
        later = [one["arr_delay"] for one in window if one["arr_delay"] is not None]

        assert mean(known) == pytest.approx(example["carrier_history.delay_mean_1d"], rel=1e-12), example
        leaky += mean(known) != mean(later)
    assert leaky > 150, "a mean that looks at flights in the air is another one"


def floored(instant):
    """To a whole five minutes, the group's tail."""
    return EPOCH + (instant - EPOCH) // timedelta(minutes=5) * timedelta(minutes=5)


def mean(values):
    return math.fsum(values) / len(values) if values else None
