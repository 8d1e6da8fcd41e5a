"""The generated Pulumi program under the real SDK: it declares the manifests, whatever it knows of outputs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from clusters import every_cluster
from generated_types import type_errors
from recorder import Recorded, record
from stacks_by_hand import cluster_by_hand, objects_by_hand, program_in, stack_settings, workflow_template

from mlsystem.emit.argo import pipeline_objects
from mlsystem.emit.grafana import dashboard_objects
from mlsystem.emit.kubernetes.objects import Cluster, KubernetesObject
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem.emit.prometheus import rule_objects
from mlsystem.emit.pulumi_kubernetes import SKIP_AWAIT

PROVIDER = "pulumi:providers:kubernetes"
CREATED = {"namespace": {"name": "weather", "create": True}}


def program(folder: Path, **environment: Any) -> tuple[Cluster, tuple[KubernetesObject, ...], Path]:
    cluster = cluster_by_hand(folder, **environment)
    objects = (*objects_by_hand(cluster), workflow_template(cluster))
    return cluster, objects, program_in(folder, cluster, objects)


def declared(folder: Path, **environment: Any) -> dict[str, Recorded]:
    """By kind."""
    cluster, _, place = program(folder, **environment)
    return {one.type.rpartition(":")[2]: one for one in record(place, stack_settings(cluster))}


def plain(one: Recorded) -> dict[str, Any]:
    """Its inputs without what is said to Pulumi alone."""
    metadata = dict(one.inputs["metadata"])
    annotations = {key: value for key, value in metadata.pop("annotations", {}).items() if key != SKIP_AWAIT}
    return {**one.inputs, "metadata": {**metadata, **({"annotations": annotations} if annotations else {})}}


def test_the_program_declares_exactly_the_objects_of_the_manifests(tmp_path: Path) -> None:
    cluster, objects, place = program(tmp_path, **CREATED)

    recorded = [plain(one) for one in record(place, stack_settings(cluster)) if one.type != PROVIDER]

    assert len(recorded) == len(objects)
    assert all(one.body in recorded for one in objects)


def test_the_program_runs_where_no_output_is_known_yet(tmp_path: Path) -> None:
    cluster, objects, place = program(tmp_path, **CREATED)

    recorded = record(place, stack_settings(cluster), unknown=True)

    assert len(recorded) == len(objects) + 1


def test_a_second_run_in_the_same_process_declares_everything_again(tmp_path: Path) -> None:
    cluster, _, place = program(tmp_path)

    first, second = (record(place, stack_settings(cluster)) for _ in range(2))

    assert [one.urn for one in first] == [one.urn for one in second]
    assert not list(place.rglob("__pycache__"))


def test_context_and_namespace_come_from_the_stack_and_objects_that_exist_are_adopted(tmp_path: Path) -> None:
    provider = declared(tmp_path, context="company", namespace={"name": "weather"})["kubernetes"]

    assert provider.inputs == {
        "context": "company",
        "namespace": "weather",
        "clusterIdentifier": "company",
        "upsertExistingObjects": "true",
    }


def test_no_path_of_this_machine_comes_into_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))

    provider = declared(tmp_path)["kubernetes"]

    assert "kubeconfig" not in provider.inputs


def test_a_server_waits_for_what_its_pods_name_and_for_nothing_else(tmp_path: Path) -> None:
    found = declared(tmp_path)

    waits_for = {one.partition("::")[0].rpartition(":")[2] for one in found["Deployment"].depends_on}
    assert waits_for == {"ConfigMap", "ServiceAccount"}
    assert found["Service"].depends_on == ()


def test_everything_waits_for_a_namespace_that_is_made_here(tmp_path: Path) -> None:
    found = declared(tmp_path, **CREATED)

    without = [
        kind for kind, one in found.items()
        if not any(urn.endswith("::weather") for urn in one.depends_on) and kind not in ("Namespace", "kubernetes")
    ]  # fmt: skip
    assert without == []


def test_what_is_kept_is_left_when_the_stack_is_destroyed(tmp_path: Path) -> None:
    found = declared(tmp_path, **CREATED)

    kept = {kind for kind, one in found.items() if "retain_on_delete" in one.options}
    assert kept == {"Namespace", "ConfigMap"}


def test_nothing_waits_for_what_needs_a_model(tmp_path: Path) -> None:
    found = declared(tmp_path)

    skipped = {
        kind for kind, one in found.items() if one.inputs.get("metadata", {}).get("annotations", {}).get(SKIP_AWAIT)
    }
    assert skipped == {"Deployment", "Service"}


def test_every_object_goes_through_the_one_provider(tmp_path: Path) -> None:
    found = declared(tmp_path)

    assert {one.provider for kind, one in found.items() if kind != "kubernetes"} == {f"{PROVIDER}::cluster"}


def test_a_hash_in_a_name_is_in_no_variable(tmp_path: Path) -> None:
    _, _, place = program(tmp_path)

    assert "config_server_weather_config_map = k8s.core.v1.ConfigMap(" in (place / "system/config.py").read_text()


def test_the_source_is_what_a_formatter_would_leave_alone(tmp_path: Path) -> None:
    _, _, place = program(tmp_path, **CREATED)

    assert unformatted(place) == ""


def unformatted(place: Path) -> str:
    """What a formatter would change."""
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "100", "--diff", str(place)]
    return subprocess.run(ruff, capture_output=True, text=True, check=False).stdout


@pytest.mark.slow
def test_a_strict_type_checker_finds_nothing_to_say(tmp_path: Path) -> None:
    _, _, place = program(tmp_path, **CREATED)

    assert type_errors(place) == ""


@pytest.mark.slow
def test_a_strict_type_checker_finds_a_field_that_the_server_would_drop(tmp_path: Path) -> None:
    _, _, place = program(tmp_path)
    server = place / "system" / "server.py"
    server.write_text(server.read_text().replace('"service_account_name"', '"service_acount_name"'))

    assert 'No overload variant of "Deployment"' in type_errors(place)


CLUSTERS = every_cluster()


def everything(cluster: Cluster) -> tuple[KubernetesObject, ...]:
    return (
        *kubernetes_objects(cluster), *pipeline_objects(cluster), *rule_objects(cluster), *dashboard_objects(cluster)
    )  # fmt: skip


@pytest.mark.parametrize("name", CLUSTERS)
def test_the_program_of_any_system_declares_its_manifests(name: str, tmp_path: Path) -> None:
    cluster = CLUSTERS[name]
    objects = everything(cluster)
    place = program_in(tmp_path, cluster, objects)

    known, unknown = (record(place, stack_settings(cluster), unknown=one) for one in (False, True))

    bodies = {
        (one.inputs["apiVersion"], one.inputs["kind"], one.name): plain(one) for one in known if one.type != PROVIDER
    }
    assert bodies == {(one.body["apiVersion"], one.kind, one.name): one.body for one in objects}
    assert [one.urn for one in known] == [one.urn for one in unknown]


@pytest.mark.parametrize("name", CLUSTERS)
def test_the_program_of_any_system_is_formatted(name: str, tmp_path: Path) -> None:
    place = program_in(tmp_path, CLUSTERS[name], everything(CLUSTERS[name]))

    assert unformatted(place) == ""


@pytest.mark.slow
def test_a_strict_type_checker_finds_nothing_in_the_program_of_any_system(tmp_path: Path) -> None:
    found = {}
    for name, cluster in CLUSTERS.items():
        found[name] = type_errors(program_in(tmp_path / name, cluster, everything(cluster)))

    assert {name: errors for name, errors in found.items() if errors} == {}
