"""A small system that uses every section of the language, and ways to compile variations of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlsystem.compile import Compiled, compile_system
from mlsystem.diagnostics.report import Report
from mlsystem.spec.platform import KUBERNETES

SPEC = """
apiVersion: mlsystem/v1
name: flight-delay
description: Late or not.
owners: [ml-platform]
variables: {peak: {type: rate, default: 300rps, env: PEAK, description: The peak.}}
sources:
  flights:
    type: csv
    uri: data/flights.csv
    time: departure
    timezone: America/New_York
    available: landed_at
    known_at_time: [departure, carrier, origin, dest, distance]
    key: [flight_id]
    columns: {flight_id: string, departure: timestamp, carrier: string, origin: string, dest: string, distance: float,
              arr_delay: "float?", landed_at: "timestamp?", unused: "int?"}
    derive: {late: arr_delay > 15}
    checks:
      - {kind: not_null, columns: [carrier, origin]}
      - {kind: unique, columns: [flight_id]}
      - {kind: range, column: distance, min: 0, max: 6000}
      - {kind: one_of, column: origin, values: [EWR, JFK, LGA]}
      - {kind: matches, column: dest, pattern: "[A-Z]{3}"}
      - {kind: row_count, min: 1, max: 1000000}
      - {kind: freshness, within: 2d, severity: warn}
    description: Flights.
    owners: [data]
  weather:
    type: csv
    uri: data/weather.csv
    time: time_hour
    timezone: UTC
    columns: {time_hour: timestamp, origin: string, temp: "float?", wind: "float?"}
entities:
  carrier: {key: {carrier: string}, description: An airline., owners: [data]}
  airport: {key: {code: string}}
features:
  carrier_history:
    kind: aggregate
    source: flights
    entity: carrier
    aggregate:
      delay_1d: {mean: arr_delay, over: 1d}
      late_7d: {mean: late, over: 7d, tail: 1h}
      total_1d: {sum: arr_delay, over: 1d}
      least_1d: {min: arr_delay, over: 1d}
      most_1d: {max: arr_delay, over: 1d}
      flights_1d: {count: "*", over: 1d}
    online: {every: 15m, on_failure: nulls}
    description: How late a carrier was.
    owners: [ml]
  airport_weather:
    kind: latest
    source: weather
    entity: airport
    on: {code: origin}
    columns: [temp, wind]
    ttl: 3h
  trip:
    kind: request
    fields: [departure, distance, carrier]
    compute: {hour: "hour(departure, 'America/New_York')", log_distance: ln(distance), carrier: carrier}
models:
  main:
    model:
      task: binary_classification
      examples: {source: flights, at: departure, where: arr_delay is not null}
      label: {is: late, known: landed_at}
      features:
        - carrier_history.*
        - trip.*
        - {group: airport_weather, lookup: {code: origin}}
        - {group: airport_weather, lookup: {code: dest}, as: dest_weather, columns: [temp]}
      type: tabular
    training:
      split: {by: time, validation: 15%, test: 15%}
      parameters: {hidden: [64, 64], epochs: 3, batch_size: 512, learning_rate: 0.001, weight_decay: 0.00001,
                   dropout: 0.1, numeric_embedding: periodic, embedding_size: 8, patience: 2}
      hardware: {cpu: 2}
      limits: {max_loss_of_work: 10m}
      seed: 7
    evaluation:
      metrics: [roc_auc, log_loss]
      slices: [carrier]
      baseline: boosted_trees
      gates:
        - {metric: roc_auc, at_least: 0.6, slice: origin, min_rows: 100}
        - {metric: log_loss, at_most: 0.9}
        - {metric: roc_auc, than: champion, worse_by_at_most: 0.01, if_incomparable: fail}
    serving:
      mode: online
      engine: onnx
      slo: {latency: {p95: 50ms}, availability: 99.9%, window: 30d}
      sticky: [carrier]
      log: {sample: 10%, retain: 30d}
    monitoring:
      drift: {features: all, predictions: true, window: 1d, false_alarms: 1/month}
      data: {freshness: 2d, missing: true}
      alerts: {to: [{kind: log}, {kind: webhook, url: "${secret:ALERT_URL}"}]}
      retrain: {on: [drift], cooldown: 3d}
      approve: [retrain, promote]
    description: The one.
    owners: [ml]
environments:
  dev:
    target: local
    clock: data
    port: 8080
    workspace: /tmp/workspace
    online_store: {type: sqlite}
    secrets: {from: env}
    override: {}
    description: Here.
    owners: [me]
"""

Path_ = Sequence[str | int]


def read(text: str) -> Any:
    return yaml.load(text, Loader=yaml.BaseLoader)  # text stays text, as it was written


@pytest.fixture
def spec() -> Any:
    """The system as nested maps and lists of text, to change and hand to `compiled`."""
    return read(SPEC)


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[[Any], Compiled]:
    """Compiles nested maps or text; there must be no error."""

    def compile_it(spec: Any, environment: str | None = "dev") -> Compiled:
        report = Report()
        path = tmp_path / "mlsystem.yaml"
        path.write_text(spec if isinstance(spec, str) else plain_yaml(spec))
        result = compile_system(path, environment, {}, report)
        assert result is not None, [(one.code, one.message, str(one.span)) for one in report.diagnostics]
        return result

    return compile_it


@pytest.fixture
def changed() -> Callable[[Any, Path_, Any], Any]:
    """A copy of nested maps with the value at a path set."""

    def change(spec: Any, path: Path_, value: Any) -> Any:
        copied = copy.deepcopy(spec)
        place = copied
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = value
        return copied

    return change


def plain_yaml(value: Any, indent: int = 0) -> str:
    """Block YAML with scalars as they were read: plain where they were plain, so that types survive."""
    pad = "  " * indent
    if isinstance(value, dict) and value:
        return "".join(f"{pad}{key}:{below(item, indent)}" for key, item in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{pad}-{below(item, indent)}" for item in value)
    return f"{pad}{scalar(value)}\n"


def below(value: Any, indent: int) -> str:
    return "\n" + plain_yaml(value, indent + 1) if isinstance(value, (dict, list)) and value else f" {scalar(value)}\n"


def scalar(value: Any) -> str:
    if value in ({}, []):
        return str(value)
    text = str(value)
    if text in KUBERNETES:  # a version is text, not a number
        return f'"{text}"'
    return f"'{text.replace(chr(39), chr(39) * 2)}'" if any(mark in text for mark in "*?'\"{}[],:#%$") else text
