"""The generated pipelines: Argo's own linter and the API server take them, and its controller runs them to their end."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from clusters import EXAMPLES, VARIATIONS, cluster_named, cluster_of
from engines.controllers import install_definitions
from engines.kubectl import Cluster, Object
from engines.processes import Processes
from engines.recipes import is_built, program

from mlsystem.emit.argo import pipeline_objects
from mlsystem.emit.kubernetes import objects

SCHEDULE = {"training": {"schedule": "*/1 * * * *"}}
ENDED = ("Succeeded", "Failed", "Error")


def generated(name: str, namespace: str, **settings: Any) -> objects.Cluster:
    return cluster_of(EXAMPLES / name / "mlsystem.yaml", namespace={"name": namespace}, **settings)


def start(cluster: Cluster, made: objects.Cluster) -> str:
    """Everything that the pipeline needs of others, and the pipeline; the namespace."""
    namespace = made.target.namespace
    bodies = [one.body for one in pipeline_objects(made)]
    spec = bodies[0]["spec"]
    config = next(one["configMap"]["name"] for one in spec["volumes"] if "configMap" in one)
    cluster.namespace(namespace)
    cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount",
         "metadata": {"name": spec["serviceAccountName"], "namespace": namespace}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": config, "namespace": namespace},
         "data": {"run.json": "{}"}},
    )  # fmt: skip
    cluster.apply(*bodies)
    return namespace


def submitted(name: str, made: objects.Cluster, entrypoint: str) -> Object:
    return {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"name": name, "namespace": made.target.namespace},
        "spec": {"workflowTemplateRef": {"name": made.name("pipeline")}, "entrypoint": entrypoint},
    }  # fmt: skip


def phase(one: Object) -> str:
    return str(one.get("status", {}).get("phase", ""))


def ran(workflow: Object) -> set[str]:
    """The tasks whose pods ended well."""
    nodes = workflow["status"]["nodes"].values()
    return {node["displayName"] for node in nodes if node["type"] == "Retry" and node["phase"] == "Succeeded"}


@pytest.mark.parametrize("name", VARIATIONS)
def test_argos_linter_finds_nothing(name: str, tmp_path: Path) -> None:
    if not is_built("argo"):
        pytest.skip("engine 'argo' is not built: make engines")
    files = []
    for one in pipeline_objects(cluster_named(name)):
        files.append(tmp_path / Path(one.path).name)
        files[-1].write_text(yaml.safe_dump(one.body))

    done = subprocess.run([program("argo", "argolint"), *files], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_api_server_takes_every_pipeline_as_it_stands(cluster: Cluster) -> None:
    if not is_built("argo"):
        pytest.skip("engine 'argo' is not built: make engines")
    install_definitions(cluster, "argo")
    namespace = cluster.namespace("pipelines-taken")

    for name, settings in (("flights", {"override": SCHEDULE}), ("seattle-two", {})):
        cluster.validate(*(one.body for one in pipeline_objects(generated(name, namespace, **settings))))


@pytest.mark.parametrize("entrypoint", ["all", "model-rain", "refresh-15m"])
def test_a_run_comes_to_its_end_with_every_step(cluster: Cluster, argo: Processes, entrypoint: str) -> None:
    made = generated("seattle-two", f"pipelines-{entrypoint}", workspace="s3://models/seattle")
    namespace = start(cluster, made)
    template = next(one.body for one in pipeline_objects(made) if one.kind == "WorkflowTemplate")
    dag = next(one["dag"] for one in template["spec"]["templates"] if one["name"] == entrypoint)
    cluster.apply(submitted("one", made, entrypoint))

    done = cluster.wait_for("workflow", "one", lambda one: phase(one) in ENDED, namespace, seconds=180)

    assert phase(done) == "Succeeded", done["status"].get("message")
    assert ran(done) == {task["name"] for task in dag["tasks"]} | {"one.onExit"}


def test_a_training_pod_is_as_patient_as_the_trainer_needs(cluster: Cluster, argo: Processes) -> None:
    made = generated("seattle", "pipelines-patient", workspace="s3://models/seattle")
    namespace = start(cluster, made)
    cluster.apply(submitted("one", made, "model-main"))
    cluster.eventually(lambda: training_pods(cluster, namespace), "a pod that trains", seconds=120)

    [pod] = training_pods(cluster, namespace)

    assert pod["spec"]["terminationGracePeriodSeconds"] == 300
    assert pod["spec"]["enableServiceLinks"] is False
    assert pod["spec"]["serviceAccountName"] == "seattle-weather-pipeline"


def training_pods(cluster: Cluster, namespace: str) -> list[Object]:
    return [pod for pod in cluster.find("pods", namespace) if "-train-" in pod["metadata"]["name"]]


@pytest.mark.slow
def test_a_schedule_fires_on_the_minute(cluster: Cluster, argo: Processes) -> None:
    made = generated("seattle", "pipelines-schedule", workspace="s3://models/seattle", override=SCHEDULE)
    namespace = start(cluster, made)
    label = {"workflows.argoproj.io/cron-workflow": made.name("train", "main")}
    cluster.eventually(lambda: cluster.find("workflows", namespace, label), "a workflow on the minute", seconds=90)
    [found] = cluster.find("workflows", namespace, label)

    name = found["metadata"]["name"]
    done = cluster.wait_for("workflow", name, lambda one: phase(one) in ENDED, namespace, seconds=120)

    assert phase(done) == "Succeeded"
    assert done["spec"]["entrypoint"] == "propose"
    assert ran(done) == {name, f"{name}.onExit"}
