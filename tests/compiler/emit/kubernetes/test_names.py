"""Names: whatever a system, a model, an environment is called, the cluster takes it, and no two become one."""

from __future__ import annotations

import re

import pytest
from clusters import EXAMPLES, cluster_of
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pods import of_kind
from schemas import mistakes

from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem.system.target import LONGEST_NAME

TWO = (EXAMPLES / "seattle-two" / "mlsystem.yaml").read_text()
FLIGHTS = cluster_of(EXAMPLES / "flights" / "mlsystem.yaml")
WORD = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL = re.compile(r"[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?")
names = st.from_regex(r"[a-z][a-z0-9_-]{0,62}", fullmatch=True)


def renamed(system: str, first: str, second: str, environment: str = "staging") -> Cluster:
    text = TWO.replace("name: seattle-two", f"name: {system}")
    text = text.replace("\n  rain:\n", f"\n  {first}:\n").replace("\n  warmth:\n", f"\n  {second}:\n")
    return cluster_of(text, environment)


@pytest.mark.parametrize(
    ("system", "first", "second"),
    [
        ("weather_of_seattle", "rain_today", "rain-today"),
        ("a" * 63, "b" * 62 + "1", "b" * 62 + "2"),
        ("s", "x_", "x-"),
    ],
)
def test_models_with_names_that_kubernetes_does_not_know_have_objects_of_their_own(
    system: str, first: str, second: str
) -> None:
    cluster = renamed(system, first, second)
    objects = kubernetes_objects(cluster)
    selectors = [one["spec"]["selector"]["matchLabels"] for one in of_kind(objects, "Deployment")]
    models = [one["mlsystem.dev/model"] for one in selectors if "mlsystem.dev/model" in one]

    assert len({(one.kind, one.name) for one in objects}) == len(objects)
    assert all(WORD.fullmatch(one.name) and len(one.name) <= LONGEST_NAME for one in objects)
    assert len(set(models)) == 2
    assert all(LABEL.fullmatch(model) for model in models)
    assert [found for one in objects for found in mistakes(one.body, "1.33")] == []


def test_a_name_that_fits_stands_as_it_is_written() -> None:
    cluster = renamed("seattle", "rain", "warmth")
    (rain, _) = of_kind(kubernetes_objects(cluster), "Service")[-2:]

    assert rain["metadata"]["name"] == "seattle-rain-server"
    assert rain["spec"]["selector"]["mlsystem.dev/model"] == "rain"


@settings(max_examples=200, deadline=None)
@given(system=names, environment=names, one=names, other=names)
def test_two_models_never_share_a_name_or_a_label(system: str, environment: str, one: str, other: str) -> None:
    cluster = Cluster(
        replace(FLIGHTS.system, name=system, environment=environment), FLIGHTS.target, FLIGHTS.images, FLIGHTS.sections
    )
    found = [cluster.name(model, "server") for model in (one, other)]
    labels = [cluster.selector("server", model)["mlsystem.dev/model"] for model in (one, other)]

    assert all(WORD.fullmatch(name) and len(name) <= LONGEST_NAME for name in found)
    assert all(LABEL.fullmatch(label) for label in (*labels, *cluster.labels("server", one).values()))
    assert (one == other) == (found[0] == found[1]) == (labels[0] == labels[1])
