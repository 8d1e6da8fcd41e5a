"""From a file's name to the spec of one environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlsystem.diagnostics.report import Report
from mlsystem.source.secret import SecretRef
from mlsystem.spec.features import AggregateGroupSpec, LatestGroupSpec, RequestGroupSpec
from mlsystem.spec.monitoring import WebhookAlert
from mlsystem.spec.parse import Loaded, load, load_all
from mlsystem_runtime.contract.columns import ColumnType

HEAD = """apiVersion: mlsystem/v1
name: flight-delay
sources:
  flights: {type: csv, uri: flights.csv, time: at, columns: {at: timestamp, carrier: string, delay: "float?"}}
entities:
  carrier: {key: {carrier: string}}
features:
  history:
    kind: aggregate
    source: flights
    entity: carrier
    aggregate: {mean_1d: {mean: delay, over: 1d}, all_7d: {count: "*", over: 7d, tail: 1h}}
  latest: {kind: latest, source: flights, entity: carrier, columns: [delay], ttl: 3h}
  trip: {kind: request, fields: [at], compute: {hour: hour(at)}}
"""
MODEL = """model:
  task: regression
  examples: {source: flights, at: at}
  label: {is: delay}
  features: [history.*, trip.hour, {group: latest, lookup: {carrier: carrier}, as: now}]
"""


def loaded(tmp_path: Path, text: str, environment: str | None = None) -> Loaded:
    report = Report()
    found = load(write(tmp_path, text), environment, report, {})
    assert found is not None, report.diagnostics
    assert not report.diagnostics
    return found


def codes(tmp_path: Path, text: str, environment: str | None = None) -> list[tuple[str, int]]:
    report = Report()
    assert load(write(tmp_path, text), environment, report, {}) is None
    return [(one.code, one.span.line) for one in report.diagnostics if one.span is not None]


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mlsystem.yaml"
    path.write_text(text)
    return path


def test_values_are_typed_and_canonical(tmp_path: Path) -> None:
    spec = loaded(tmp_path, HEAD + MODEL).spec
    history, latest, trip = spec.features["history"], spec.features["latest"], spec.features["trip"]

    assert isinstance(history, AggregateGroupSpec)
    assert isinstance(latest, LatestGroupSpec)
    assert isinstance(trip, RequestGroupSpec)
    assert latest.ttl == 3 * 3_600_000_000
    assert (history.aggregate["mean_1d"].function, history.aggregate["mean_1d"].column) == ("mean", "delay")
    assert (history.aggregate["all_7d"].function, history.aggregate["all_7d"].column) == ("count", None)
    assert (history.aggregate["mean_1d"].tail, history.aggregate["all_7d"].tail) == (300_000_000, 3_600_000_000)
    assert spec.sources["flights"].columns["delay"] == (ColumnType.FLOAT, True)
    assert spec.entities["carrier"].key == {"carrier": ColumnType.STRING}


def test_short_forms_of_features_are_the_long_ones(tmp_path: Path) -> None:
    features = loaded(tmp_path, HEAD + MODEL).spec.models["main"].model.features

    assert [(one.group, one.columns, one.name) for one in features] == [
        ("history", None, "history"),
        ("trip", ("hour",), "trip"),
        ("latest", None, "now"),
    ]


def test_one_model_at_the_top_is_the_model_main(tmp_path: Path) -> None:
    indented = MODEL.replace("\n", "\n      ")
    top = loaded(tmp_path, HEAD + MODEL + "training: {seed: 3}\n")
    named = loaded(tmp_path, f"{HEAD}models:\n  main:\n    training: {{seed: 3}}\n    {indented.rstrip()}\n")

    assert top.spec == named.spec
    assert top.spec.models["main"].training.seed == 3


def test_places_of_the_sugar_are_found_by_both_paths(tmp_path: Path) -> None:
    found = loaded(tmp_path, HEAD + MODEL + "training: {seed: 3}\n")

    assert found.span("training", "seed").line == 20
    assert found.span("models", "main", "training", "seed") == found.span("training", "seed")
    assert found.span("models", "main", "training", "seed", key=True).column == 12
    assert found.span("features", "history", "aggregate", "mean_1d").line == 12
    assert found.span("features", "history", "ttl").line == 8


def test_without_environments_there_is_a_local_dev(tmp_path: Path) -> None:
    found = loaded(tmp_path, HEAD + MODEL)

    assert found.environment == "dev"
    assert (found.settings.target, found.settings.clock, found.settings.port) == ("local", "wall", 8080)


@pytest.mark.parametrize(
    ("environments", "asked", "chosen"),
    [
        ("{here: {target: local}}", None, "here"),
        ("{here: {target: local}, dev: {target: local}}", None, "dev"),
        ("{here: {target: local}, dev: {target: local}}", "here", "here"),
    ],
)
def test_the_environment_is_the_one_asked_for_or_the_only_one_or_dev(
    tmp_path: Path, environments: str, asked: str | None, chosen: str
) -> None:
    assert loaded(tmp_path, f"{HEAD}{MODEL}environments: {environments}\n", asked).environment == chosen


def test_an_environment_that_is_not_declared_is_refused_with_a_guess(tmp_path: Path) -> None:
    report = Report()

    load(write(tmp_path, HEAD + MODEL + "environments: {prod: {target: local}}\n"), "prdo", report, {})

    assert [(one.code, one.help) for one in report.diagnostics] == [("MLS502", "did you mean 'prod'?")]


def test_an_override_holds_in_its_environment_only(tmp_path: Path) -> None:
    text = f"""{HEAD}{MODEL}training: {{seed: 3, parameters: {{epochs: 4}}}}
environments:
  dev: {{target: local}}
  small:
    target: local
    override:
      sources: {{flights: {{uri: small.csv}}}}
      training: {{parameters: {{epochs: 1}}}}
"""
    dev, small = loaded(tmp_path, text), loaded(tmp_path, text, "small")

    assert dev.spec.sources["flights"].uri == "flights.csv"
    assert small.spec.sources["flights"].uri == "small.csv"
    assert dev.spec.models["main"].training.parameters.epochs == 4
    assert small.spec.models["main"].training.parameters.epochs == 1
    assert small.spec.models["main"].training.seed == 3
    assert small.span("training", "parameters", "epochs").line == 27


def test_every_environment_is_checked_whichever_is_chosen(tmp_path: Path) -> None:
    text = f"""{HEAD}{MODEL}environments:
  dev: {{target: local}}
  small: {{target: local, override: {{training: {{seed: x}}}}}}
"""

    assert codes(tmp_path, text, "dev") == [("MLS104", 22)]


def test_a_mistake_of_the_file_is_told_once_though_environments_override_around_it(tmp_path: Path) -> None:
    text = f"""{HEAD}{MODEL.replace("  label: {is: delay}" + chr(10), "")}training: {{sed: 3}}
environments:
  one: {{target: local, override: {{model: {{task: multiclass}}, training: {{seed: 4}}}}}}
  two: {{target: local, override: {{training: {{seed: 5}}}}}}
"""

    assert codes(tmp_path, text, "one") == [("MLS101", 15), ("MLS102", 19)]


def test_load_all_gives_every_environment(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + MODEL + "environments: {a: {target: local}, b: {target: local}}\n")

    assert [one.environment for one in load_all(path, Report(), {})] == ["a", "b"]


def test_the_closure_names_every_file_and_variable(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("owners: [me]\n")
    text = HEAD + MODEL + "include: [more.yaml]\nvariables: {n: {type: int, default: 1, env: N}}\n"

    found = load(write(tmp_path, text), None, Report(), {"N": "4", "OTHER": "5"})

    assert found is not None
    assert [one.path for one in found.inputs] == ["mlsystem.yaml", "more.yaml"]
    assert found.variables == {"n": 4}
    assert found.root == tmp_path


def test_a_secret_reaches_the_spec_as_a_reference(tmp_path: Path) -> None:
    text = HEAD + MODEL + 'monitoring: {alerts: {to: [{kind: webhook, url: "${secret:URL}"}]}}\n'

    alert = loaded(tmp_path, text).spec.models["main"].monitoring.alerts.to[0]

    assert isinstance(alert, WebhookAlert)
    assert alert.url == SecretRef("URL")


def test_specs_are_frozen(tmp_path: Path) -> None:
    spec = loaded(tmp_path, HEAD + MODEL).spec

    with pytest.raises(Exception, match="frozen"):
        spec.name = "other"
