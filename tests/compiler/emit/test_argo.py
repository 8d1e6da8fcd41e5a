"""The generated pipeline: its graph is that of one machine, its names fit, and it holds nothing big."""

from __future__ import annotations

import json
import re
from functools import cache
from graphlib import TopologicalSorter
from typing import Any

import pytest
from clusters import EXAMPLES as FOLDER
from clusters import cluster_of

from mlsystem.emit.argo import pipeline_objects, task_names
from mlsystem.emit.argo_pods import RETRY_WHEN, SMALL, Resources
from mlsystem.emit.kubernetes.objects import Body, Cluster
from mlsystem.emit.kubernetes.processes import config_name
from mlsystem_runtime.contract.base import pretty_json

EXAMPLES = ("flights", "seattle", "seattle-two")
SCHEDULED = {"override": {"training": {"schedule": "0 3 * * 1"}}}
MINUTE_US = 60_000_000


@cache
def example(name: str) -> Cluster:
    return variation(name)


def variation(name: str, **settings: Any) -> Cluster:
    return cluster_of(FOLDER / name / "mlsystem.yaml", **settings)


def example_text(name: str) -> str:
    return (FOLDER / name / "mlsystem.yaml").read_text()


def bodies(cluster: Cluster, kind: str) -> list[Body]:
    return [one.body for one in pipeline_objects(cluster) if one.kind == kind]


def template_of(cluster: Cluster) -> dict[str, Any]:
    spec: dict[str, Any] = bodies(cluster, "WorkflowTemplate")[0]["spec"]
    return spec


def templates(cluster: Cluster) -> dict[str, Body]:
    return {one["name"]: one for one in template_of(cluster)["templates"]}


def tasks(cluster: Cluster, entrypoint: str) -> dict[str, Body]:
    return {task["name"]: task for task in templates(cluster)[entrypoint]["dag"]["tasks"]}


def waits_for(task: Body) -> set[str]:
    return set(task["depends"].split(" && ")) if "depends" in task else set()


def step_of(task: Body) -> str | None:
    found = [one["value"] for one in task.get("arguments", {}).get("parameters", [])]
    return found[0] if found else None


def containers(cluster: Cluster) -> list[Body]:
    return [one["container"] for one in templates(cluster).values() if "container" in one]


@pytest.mark.parametrize("name", EXAMPLES)
def test_everything_runs_every_step_after_what_it_reads(name: str) -> None:
    cluster = example(name)
    steps = [step for section in cluster.sections.values() for step in section.steps]
    found = tasks(cluster, "all")

    by_step = {step_of(task): task for task in found.values() if step_of(task)}
    assert set(by_step) == {step.name for step in steps}
    for step in steps:
        before = {step_of(found[task]) for task in waits_for(by_step[step.name])}
        assert before - {None} == {read.step for read in step.reads}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_graph_has_an_order(name: str) -> None:
    cluster = example(name)
    for entrypoint, template in templates(cluster).items():
        if "dag" in template:
            graph = {task: waits_for(one) for task, one in tasks(cluster, entrypoint).items()}
            assert set().union(*graph.values()) <= set(graph)
            assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_task_names_a_template_and_every_variable_is_known(name: str) -> None:
    cluster = example(name)
    spec, found = template_of(cluster), templates(cluster)
    declared = {f"workflow.parameters.{one['name']}" for one in spec["arguments"]["parameters"]}
    engine = {f"workflow.{one}" for one in ("name", "status", "failures", "mainEntrypoint")}
    inputs = {"inputs.parameters.step", "inputs.parameters.config"}

    used = {task["template"] for one in found.values() for task in one.get("dag", {}).get("tasks", [])}
    assert used <= set(found)
    assert {spec["entrypoint"], spec["onExit"]} <= set(found)
    assert set(re.findall(r"{{([^}]*)}}", json.dumps(spec))) <= declared | engine | inputs


def test_a_models_entrypoint_has_the_steps_of_a_retraining() -> None:
    found = {step_of(task) for task in tasks(example("seattle-two"), "model-rain").values()} - {None}

    assert found == {f"{kind}.rain" for kind in ("features", "train", "evaluate", "register")} | {"ingest.weather"}


def test_a_failed_step_stops_only_what_reads_it() -> None:
    assert templates(example("seattle-two"))["all"]["dag"]["failFast"] is False


def test_a_runs_beginning_and_end_are_recorded_and_a_refresh_has_no_beginning() -> None:
    cluster = example("flights")

    roots = [task for task in tasks(cluster, "all").values() if not waits_for(task)]
    assert [task["name"] for task in roots] == ["begin"]
    assert template_of(cluster)["onExit"] == "end"
    assert "begin" not in tasks(cluster, "refresh-15m")


def test_a_container_runs_the_command_line_of_one_machine() -> None:
    container = templates(example("flights"))["step-1cpu-4gi"]["container"]

    assert container["command"] == [
        "python", "-m", "mlsystem_runtime", "step", "{{inputs.parameters.step}}", "--config", "/etc/mlsystem/run.json",
        "--workspace", "/var/lib/mlsystem/workspace", "--release", "configmap://flight-delay/flight-delay-release",
        "--run-id", "{{workflow.name}}",
    ]  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_container_has_a_command_limits_and_no_rights(name: str) -> None:
    cluster = example(name)

    for container in containers(cluster):
        assert container["command"]
        assert container["resources"]["limits"] == container["resources"]["requests"]
        assert set(container["resources"]["limits"]) >= {"cpu", "memory"}
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert template_of(cluster)["securityContext"]["runAsNonRoot"] is True


def test_every_step_is_told_by_the_section_that_has_it() -> None:
    cluster = example("seattle-two")
    held = {config_name(cluster, name): section for name, section in cluster.sections.items()}

    for task in tasks(cluster, "all").values():
        given = {one["name"]: one["value"] for one in task.get("arguments", {}).get("parameters", [])}
        if given:
            assert given["step"] in {step.name for step in held[given["config"]].steps}
    assert all(len(pretty_json(section)) < 2**20 for section in held.values())


def test_what_is_mounted_is_a_volume_and_the_workspace_is_the_claim() -> None:
    cluster = example("flights")
    volumes = {one["name"]: one for one in template_of(cluster)["volumes"]}

    for template in templates(cluster).values():
        own = {one["name"] for one in template.get("volumes", ())}
        mounts = template.get("container", {}).get("volumeMounts", ())
        assert {mount["name"] for mount in mounts} <= set(volumes) | own
    assert volumes["workspace"]["persistentVolumeClaim"] == {"claimName": "flight-delay-workspace"}


def test_a_workspace_in_a_bucket_is_reached_with_a_secret_that_is_only_named() -> None:
    bucket = {"endpoint": "http://minio.storage:9000", "secret": "bucket"}
    cluster = variation("flights", workspace="s3://models/flights", bucket=bucket)
    container = containers(cluster)[0]
    found = {one["name"]: one for one in container["env"]}

    assert found["AWS_ENDPOINT_URL_S3"]["value"] == "http://minio.storage:9000"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert found[name]["valueFrom"] == {"secretKeyRef": {"name": "bucket", "key": name}}
    assert "s3://models/flights" in container["command"]
    assert {"name": "mirror", "emptyDir": {"sizeLimit": "20Gi"}} in template_of(cluster)["volumes"]


def test_a_store_whose_address_is_secret_is_named_by_reference() -> None:
    cluster = variation("flights", online_store={"uri": "${secret:REDIS_URL}"})
    found = {one["name"]: one for one in containers(cluster)[0]["env"]}

    reference = {"secretKeyRef": {"name": "flight-delay-secrets", "key": "REDIS_URL"}}
    assert found["MLSYSTEM_ONLINE_STORE"] == {"name": "MLSYSTEM_ONLINE_STORE", "valueFrom": reference}


def test_training_has_its_hardware_and_other_steps_have_no_gpu() -> None:
    hardware = {"cpu": 8, "memory": "32Gi", "gpu": {"type": "a10g", "count": 2}}
    platform = {"argo_workflows": True, "gpu_selector": {"cloud.example.com/gpu": "a10g"}}
    found = templates(variation("flights", platform=platform, override={"training": {"hardware": hardware}}))
    training = found["train-8cpu-32gi-2gpu-a10g-loses-10m"]

    assert training["container"]["resources"]["limits"] == {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "2"}
    assert training["nodeSelector"] == {"cloud.example.com/gpu": "a10g"}
    assert training["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    others = [one for name, one in found.items() if "container" in one and name != training["name"]]
    assert all("nvidia.com/gpu" not in one["container"]["resources"]["limits"] for one in others)


@pytest.mark.parametrize(
    ("may_lose_us", "seconds"), [(10 * MINUTE_US, 300), (1_000_000, 30), (120 * MINUTE_US, 600), (90_000_001, 46)]
)
def test_the_grace_of_a_training_is_the_half_of_what_may_be_lost_that_it_keeps_for_saving(
    may_lose_us: int, seconds: int
) -> None:
    assert Resources(SMALL.hardware, may_lose_us).grace_seconds == seconds


def test_only_training_has_a_grace_of_its_own() -> None:
    found = templates(example("flights"))

    assert json.loads(found["train-1cpu-4gi-loses-10m"]["podSpecPatch"]) == {"terminationGracePeriodSeconds": 300}
    assert "podSpecPatch" not in found["step-1cpu-4gi"]


def test_every_pod_is_tried_again_when_it_was_stopped_and_has_an_end() -> None:
    for template in templates(example("flights")).values():
        if "container" in template:
            assert template["retryStrategy"]["expression"] == RETRY_WHEN
            assert template["activeDeadlineSeconds"] > 0


def test_a_period_of_the_online_store_is_a_schedule_that_never_overlaps() -> None:
    [cron] = bodies(example("flights"), "CronWorkflow")

    assert cron["metadata"]["name"] == "flight-delay-refresh-15m"
    assert cron["spec"]["schedules"] == ["*/15 * * * *"]
    assert (cron["spec"]["timezone"], cron["spec"]["concurrencyPolicy"]) == ("UTC", "Forbid")
    assert cron["spec"]["workflowSpec"]["entrypoint"] == "refresh-15m"
    assert cron["spec"]["workflowSpec"]["workflowTemplateRef"] == {"name": "flight-delay-pipeline"}


def test_a_schedule_proposes_where_retraining_has_to_be_approved() -> None:
    cron = {one["metadata"]["name"]: one for one in bodies(variation("flights", **SCHEDULED), "CronWorkflow")}
    run = cron["flight-delay-train-main"]["spec"]["workflowSpec"]

    assert cron["flight-delay-train-main"]["spec"]["schedules"] == ["0 3 * * 1"]
    assert run["entrypoint"] == "propose"
    assert {one["name"]: one["value"] for one in run["arguments"]["parameters"]} == {
        "reason": "schedule 0 3 * * 1", "model": "main",
    }  # fmt: skip


def test_a_schedule_that_needs_no_approval_trains_and_what_it_makes_may_still_have_to_be_promoted() -> None:
    text = example_text("flights").replace("approve: [retrain]", "approve: [promote]")
    cron = {one["metadata"]["name"]: one for one in bodies(cluster_of(text, **SCHEDULED), "CronWorkflow")}
    run = cron["flight-delay-train-main"]["spec"]["workflowSpec"]

    assert run["entrypoint"] == "model-main"
    assert {"name": "proposes", "value": "1"} in run["arguments"]["parameters"]


def test_names_fit_and_labels_are_on_everything() -> None:
    text = example_text("flights").replace("name: flight-delay", "name: " + "flight-delay-of-new-york-" * 2 + "city", 1)
    for one in pipeline_objects(cluster_of(text, **SCHEDULED)):
        assert len(one.name) <= (52 if one.kind == "CronWorkflow" else 63)
        assert one.body["metadata"]["labels"]["app.kubernetes.io/component"] == "pipeline"
        assert one.path.startswith("pipelines/")


def test_tasks_whose_names_would_be_one_are_told_apart() -> None:
    names = task_names(["materialize.a_b", "materialize.a.b", f"ingest.{'x' * 80}", "ingest.c"])

    assert len(set(names.values())) == 4
    assert names["ingest.c"] == "ingest-c"
    assert all(len(name) <= 63 for name in names.values())


def test_twenty_models_of_two_hundred_features_stay_far_below_what_the_api_server_takes() -> None:
    sizes = [len(json.dumps(one.body)) for one in pipeline_objects(cluster_of(many(models=20, features=200)))]

    assert max(sizes) < 256_000


def many(models: int, features: int) -> str:
    """A system of that size, as text."""
    aggregates = "\n".join(f"      f{n}: {{mean: value, over: {n % 30 + 1}d, tail: 1h}}" for n in range(features))
    sections = "\n".join(
        f"  model_{n}:\n    model:\n      task: regression\n      examples: {{source: events, at: at}}\n"
        f"      label: {{is: target, known: known_at}}\n      features: [history.*]\n"
        for n in range(models)
    )
    return f"""
apiVersion: mlsystem/v1
name: many
sources:
  events:
    type: csv
    uri: s3://events/events.csv
    time: at
    timezone: UTC
    available: known_at
    known_at_time: [at, who]
    columns: {{at: timestamp, known_at: timestamp, who: string, value: float, target: float}}
entities:
  who: {{key: {{who: string}}}}
features:
  history:
    kind: aggregate
    source: events
    entity: who
    aggregate:
{aggregates}
models:
{sections}
environments:
  dev: {{target: local}}
"""
