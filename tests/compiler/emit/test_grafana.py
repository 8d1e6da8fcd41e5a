"""The generated dashboards: complete, stable, and asking for nothing that nobody says."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import combinations
from typing import Any

import pytest
from clusters import EXAMPLES, PLATFORM, cluster_of

from mlsystem.emit.alerts import groups
from mlsystem.emit.grafana import dashboard_objects, dashboards
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem_runtime.contract import names

NAMES = ("flights", "seattle", "seattle-two")
OF_THE_CLIENT_LIBRARY = {"process_cpu_seconds_total", "process_resident_memory_bytes"}


@cache
def system(name: str, environment: str = "staging") -> Cluster:
    path = EXAMPLES / name / "mlsystem.yaml"
    return cluster_of(path, environment, platform={**PLATFORM, "prometheus": True})


def contents(cluster: Cluster) -> list[dict[str, Any]]:
    return [json.loads(artifact.content) for artifact in dashboards(cluster)]


def panels(cluster: Cluster) -> list[dict[str, Any]]:
    return [panel for body in contents(cluster) for panel in body["panels"]]


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    apart = (one["x"] + one["w"] <= other["x"], other["x"] + other["w"] <= one["x"],
             one["y"] + one["h"] <= other["y"], other["y"] + other["h"] <= one["y"])  # fmt: skip
    return not any(apart)


@pytest.mark.parametrize("name", NAMES)
def test_there_is_one_for_each_endpoint_and_one_for_the_system(name: str) -> None:
    cluster = system(name)

    paths = [artifact.path for artifact in dashboards(cluster)]

    expected = [*(f"endpoint-{model.name}" for model in cluster.system.models), "system"]
    assert paths == [f"observability/dashboards/{one}.json" for one in expected]


@pytest.mark.parametrize("name", NAMES)
def test_every_series_is_one_that_a_process_exports(name: str) -> None:
    known = {value for value in vars(names).values() if isinstance(value, str) and value.startswith("mlsystem_")}
    known |= {f"{name}_bucket" for name in known} | {f"{names.LATENCY}_count", "up"} | OF_THE_CLIENT_LIBRARY
    known |= {recording.record for group in groups(system(name)) for recording in group.recordings}

    used = {
        found
        for panel in panels(system(name))
        for target in panel["targets"]
        for found in re.findall(r"([a-z_:0-9]+)\{", target["expr"])
    }
    assert used <= known


def test_every_series_that_a_process_exports_is_on_a_dashboard() -> None:
    serving = {"shadow": "10%", "auth": {"tokens": "${secret:API_TOKENS}"}}
    cluster = cluster_of(EXAMPLES / "flights" / "mlsystem.yaml", override={"serving": serving})
    exported = {value for value in vars(names).values() if re.fullmatch("mlsystem_[a-z_]+", str(value))}

    asked = " ".join(target["expr"] for panel in panels(cluster) for target in panel["targets"])
    assert {name for name in exported if not re.search(rf"{name}(_bucket)?{{", asked)} == set()


@pytest.mark.parametrize("name", NAMES)
def test_panels_ask_the_chosen_prometheus_for_this_system_alone(name: str) -> None:
    cluster = system(name)
    for panel in panels(cluster):
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            selectors = re.findall(r"[a-z_:0-9]+\{([^}]*)\}", target["expr"])
            assert all(f'system="{cluster.prefix}",environment="staging"' in one for one in selectors)
    for body in contents(cluster):
        assert body["templating"]["list"][0]["type"] == "datasource"


@pytest.mark.parametrize("name", NAMES)
def test_no_panel_lies_on_another_and_each_has_a_title_and_a_unit(name: str) -> None:
    for body in contents(system(name)):
        places = [panel["gridPos"] for panel in body["panels"]]
        assert not any(overlap(one, other) for one, other in combinations(places, 2))
        assert len({panel["title"] for panel in body["panels"]}) == len(places)
        assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in body["panels"])
        assert all(place["x"] + place["w"] <= 24 for place in places)


def test_the_objectives_are_drawn_where_they_are() -> None:
    found = {panel["title"]: panel for panel in panels(system("flights"))}

    def limit(title: str) -> float:
        return float(found[title]["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]["value"])

    assert limit("Latency") == 0.05
    assert limit("Answers in time") == 0.95
    assert limit("Age of sources") == 172_800
    assert limit("Age of the online store") == 3 * 900


def test_the_budget_that_is_left_is_of_the_whole_period_by_its_requests() -> None:
    found = next(panel for panel in panels(system("flights")) if panel["title"] == "Budget left")
    recorded = '{system="flight-delay",environment="staging",model="main"}[30d:60m])'

    assert [target["legendFormat"] for target in found["targets"]] == ["availability", "latency"]
    assert found["targets"][0]["expr"] == (
        f"1 - sum_over_time(mlsystem:errors:rate1h{recorded}"
        f" / sum_over_time(mlsystem:requests:rate1h{recorded} / 0.001"
    )


def test_replicas_stand_beside_their_bounds() -> None:
    found = next(panel for panel in panels(system("flights")) if "bounds" in panel["description"])

    assert [target["expr"] for target in found["targets"]][1:] == ["vector(2)", "vector(10)"]


def test_links_to_a_dashboard_stay_and_no_two_share_one() -> None:
    bodies = [body for name in NAMES for body in contents(system(name))]
    uids = [body["uid"] for body in bodies]

    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 40 for uid in uids)
    again = cluster_of((EXAMPLES / "flights" / "mlsystem.yaml").read_text(), override={"training": {"seed": 8}})
    assert [body["uid"] for body in contents(again)] == [body["uid"] for body in contents(system("flights"))]
    elsewhere = contents(system("flights", "prod"))
    assert not {body["uid"] for body in elsewhere} & set(uids)


def test_grafanas_sidecar_finds_them_by_a_label_where_there_is_a_prometheus() -> None:
    cluster = system("seattle-two")
    objects = dashboard_objects(cluster)

    assert [json.loads(text) for one in objects for text in one.body["data"].values()] == contents(cluster)
    assert all(one.body["metadata"]["labels"]["grafana_dashboard"] == "1" for one in objects)
    assert dashboard_objects(cluster_of(EXAMPLES / "flights" / "mlsystem.yaml")) == ()
