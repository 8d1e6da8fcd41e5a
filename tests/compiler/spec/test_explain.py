"""`explain` and the reference answer from the tables that validate."""

from __future__ import annotations

import pytest

from mlsystem.diagnostics.codes import CODES
from mlsystem.spec.explain import explain, keys, reference_markdown, topics


@pytest.mark.parametrize("topic", topics())
def test_everything_that_can_be_named_is_explained(topic: str) -> None:
    assert explain(topic)


@pytest.mark.parametrize(
    ("topic", "facts"),
    [
        ("training.seed", ["a whole number", "7", "retrain"]),
        ("features.history.ttl", ["a duration (us, ms, s, m, h, d or w)", "3h", "values never expire"]),
        ("training.split.test", ["a percentage", "15%"]),
        ("models.late.training.seed", ["training.seed"]),
        ("environments.prod.override.training.seed", ["training.seed"]),
        ("sources.flights.type", ["csv, parquet, json", "sql (a query on a database)"]),
        ("serving", ["rollout", "not supported yet"]),
        ("sources.flights.checks.kind", ["not_null, unique, range"]),
        ("MLS120", ["ttl: 3", "ttl: 3h"]),
        ("mls120", ["ttl: 3h"]),
        ("sources.flights.columns.carrier", ["sources.NAME.columns", "float?"]),
        ("features.history", ["latest, aggregate, request"]),
    ],
)
def test_an_explanation_has_the_facts(topic: str, facts: list[str]) -> None:
    text = explain(topic)

    assert text is not None
    assert [fact for fact in facts if fact not in text] == []


@pytest.mark.parametrize("topic", ["", "MLS999", "trainig", "training.sede", "features", "x.y.z", "MLS1", "."])
def test_what_is_not_there_is_not_explained(topic: str) -> None:
    assert (explain(topic) is None) == (topic != "features")


def test_the_reference_names_every_key_and_every_code() -> None:
    pages = reference_markdown()

    assert set(pages) == {"language.md", "diagnostics.md"}
    assert [key.path for key in keys() if f"`{key.path}`" not in pages["language.md"]] == []
    assert [code for code in CODES if f"## {code}:" not in pages["diagnostics.md"]] == []
