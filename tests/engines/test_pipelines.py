"""The generated pipelines: Argo's linter and the API server take them, and its controller runs them to their end."""

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
from mlsystem.emit.kubernetes.config import configs
from mlsystem_runtime.steps.recording import described

SCHEDULE = {"training": {"schedule": "*/1 * * * *"}}
ENDED = ("Succeeded", "Failed", "Error")


def generated(name: str, namespace: str, **settings: Any) -> objects.Cluster:
    return cluster_of(EXAMPLES / name / "mlsystem.yaml", namespace={"name": namespace}, **settings)


def start(cluster: Cluster, made: objects.Cluster) -> str:
    """Everything that the pipeline needs of others, and the pipeline; the namespace."""
    namespace = made.target.namespace
    bodies = [one.body for one in pipeline_objects(made)]
    spec = bodies[0]["spec"]
    cluster.namespace(namespace)
    cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount",
         "metadata": {"name": spec["serviceAccountName"], "namespace": namespace}},
        *(one.body for one in configs(made)),
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
    cluster.eventually(lambda: pods_of("train", cluster, namespace), "a pod that trains", seconds=120)

    [pod] = pods_of("train", cluster, namespace)

    assert pod["spec"]["terminationGracePeriodSeconds"] == 300
    assert pod["spec"]["enableServiceLinks"] is False
    assert pod["spec"]["serviceAccountName"] == "seattle-weather-pipeline"


def pods_of(template: str, cluster: Cluster, namespace: str) -> list[Object]:
    return [pod for pod in cluster.find("pods", namespace) if f"-{template}-" in pod["metadata"]["name"]]


@pytest.mark.parametrize(("code", "reason", "again"), [
    ("75", "Error", True), ("143", "Error", True), ("1", "Error", False), ("2", "Error", False),
    ("137", "OOMKilled", False),
])  # fmt: skip
def test_what_was_stopped_is_run_again_and_what_says_no_is_not(
    cluster: Cluster, argo: Processes, code: str, reason: str, again: bool
) -> None:
    made = generated("seattle", f"pipelines-exit-{code}", workspace="s3://models/seattle")
    namespace = start(cluster, made)
    one = submitted("one", made, "refresh-15m")
    told = {"mlsystem.dev/exit-code": code, "mlsystem.dev/exit-reason": reason}
    one["spec"]["podMetadata"] = {"annotations": told}
    cluster.apply(one)

    def decided(workflow: Object) -> bool:
        return len(attempts(workflow)) > 1 or phase(workflow) in ENDED

    found = cluster.wait_for("workflow", "one", decided, namespace, seconds=120)

    assert (len(attempts(found)) > 1) == again


def test_the_exit_handler_is_told_what_failed_in_a_form_that_it_reads(cluster: Cluster, argo: Processes) -> None:
    made = generated("seattle", "pipelines-told", workspace="s3://models/seattle")
    namespace = start(cluster, made)
    one = submitted("one", made, "refresh-15m")
    one["spec"]["podMetadata"] = {"annotations": {"mlsystem.dev/exit-code": "1"}}
    cluster.apply(one)
    cluster.eventually(lambda: pods_of("end", cluster, namespace), "a pod of the exit handler", seconds=120)

    [pod] = pods_of("end", cluster, namespace)
    main = next(one for one in pod["spec"]["containers"] if one["name"] == "main")
    words = [*main["command"], *main.get("args", [])]
    said = {name: words[words.index(name) + 1] for name in ("--entrypoint", "--outcome", "--failures")}

    assert (said["--entrypoint"], said["--outcome"]) == ("refresh-15m", "Failed")
    assert described(said["--failures"]).startswith("ingest-weather")
    assert "exit code 1" in described(said["--failures"])


def attempts(workflow: Object) -> list[str]:
    """At the first step."""
    nodes = workflow.get("status", {}).get("nodes", {}).values()
    return [node["displayName"] for node in nodes if node["displayName"].startswith("ingest-weather(")]


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
