"""A training on several nodes: one step that makes a Job, whose pods find each other and are run again together."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from clusters import EXAMPLES, cluster_named, cluster_of
from schemas import mistakes

from mlsystem.emit.argo import pipeline_objects, workflow_template
from mlsystem.emit.argo_gang import job_name
from mlsystem.emit.kubernetes.objects import Body, Cluster
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem.spec.platform import KUBERNETES
from mlsystem_runtime.__main__ import parser
from mlsystem_runtime.peers import Peers, peers_of

UID = "{{workflow.uid}}"
FLIGHTS = EXAMPLES / "flights" / "mlsystem.yaml"


def trained_by(nodes: int, **hardware: Any) -> Cluster:
    return cluster_of(FLIGHTS, override={"training": {"hardware": {"nodes": nodes, **hardware}}})


def gang_templates(cluster: Cluster) -> list[Body]:
    return [one for one in workflow_template(cluster)["spec"]["templates"] if "resource" in one]


def job_of(template: Body) -> Any:
    """As Argo makes it, its braces left as they are."""
    return yaml.safe_load(template["resource"]["manifest"])


def one_job(cluster: Cluster) -> Any:
    (template,) = gang_templates(cluster)
    return job_of(template)


def pod_of(job: Any) -> Any:
    return job["spec"]["template"]["spec"]


def pods_alone(cluster: Cluster) -> list[Body]:
    templates = workflow_template(cluster)["spec"]["templates"]
    return [one for one in templates if one["name"].startswith("train-") and "container" in one]


def test_one_node_is_written_or_left_out_alike() -> None:
    left_out = cluster_of(FLIGHTS)

    assert [one.body for one in pipeline_objects(trained_by(1))] == [one.body for one in pipeline_objects(left_out)]
    assert [one.body for one in kubernetes_objects(trained_by(1))] == [one.body for one in kubernetes_objects(left_out)]


def test_the_task_that_trains_is_carried_out_by_the_gang() -> None:
    cluster = trained_by(3)
    (template,) = gang_templates(cluster)
    (everything,) = [one for one in workflow_template(cluster)["spec"]["templates"] if one["name"] == "all"]
    (task,) = [one for one in everything["dag"]["tasks"] if one["name"] == "train-main"]

    assert task["template"] == template["name"]
    assert not pods_alone(cluster)


def test_a_step_is_done_when_all_pods_are_and_failed_when_the_job_is() -> None:
    resource = gang_templates(trained_by(3))[0]["resource"]

    assert (resource["action"], resource["setOwnerReference"]) == ("apply", True)
    assert resource["successCondition"] == "status.succeeded == 3"
    assert "status.conditions.1.type == Failed" in resource["failureCondition"].split(",")


def test_all_other_steps_are_carried_out_by_one_pod() -> None:
    names = [one["name"] for one in workflow_template(trained_by(3, gpu={"count": 1}))["spec"]["templates"]]

    assert sum("nodes-main" in name for name in names) == 1
    assert "step-1cpu-4gi" in names
    assert len(set(names)) == len(names)


def test_every_pod_has_a_number_and_one_that_is_stopped_is_run_again() -> None:
    spec = one_job(trained_by(3))["spec"]
    disrupted, left, refused = spec["podFailurePolicy"]["rules"]

    assert (spec["completions"], spec["parallelism"], spec["completionMode"]) == (3, 3, "Indexed")
    assert (disrupted["action"], disrupted["onPodConditions"][0]["type"]) == ("Ignore", "DisruptionTarget")
    assert (left["action"], left["onExitCodes"]["operator"], left["onExitCodes"]["values"]) == ("Ignore", "In", [75])
    assert (refused["action"], refused["onExitCodes"]["operator"]) == ("FailJob", "NotIn")
    assert refused["onExitCodes"]["values"] == [137, 143]
    assert spec["backoffLimit"] == 10
    assert spec["ttlSecondsAfterFinished"] > 0
    assert pod_of(one_job(trained_by(3)))["restartPolicy"] == "Never"


def test_an_executor_that_is_lost_waits_on_but_a_job_that_failed_is_not_made_again() -> None:
    expression = gang_templates(trained_by(2))[0]["retryStrategy"]["expression"]

    assert "lastRetry.status == 'Error'" in expression
    assert "!(lastRetry.message matches 'failure condition" in expression


def test_its_pods_are_those_of_a_training_alone_but_for_their_peers_and_the_token() -> None:
    hardware = {"gpu": {"count": 2, "type": "a10g"}, "cpu": 4, "memory": "8Gi"}
    (alone,) = pods_alone(trained_by(1, **hardware))
    pod = pod_of(one_job(trained_by(3, **hardware)))
    (container,) = pod["containers"]
    settings = workflow_template(trained_by(1))["spec"]

    assert {key: container[key] for key in alone["container"] if key != "command"} == {
        key: value for key, value in alone["container"].items() if key != "command"
    }
    assert (pod["nodeSelector"], pod["tolerations"]) == (alone["nodeSelector"], alone["tolerations"])
    assert pod["securityContext"] == settings["securityContext"]
    grace = json.loads(alone["podSpecPatch"])["terminationGracePeriodSeconds"]
    assert pod["terminationGracePeriodSeconds"] == grace
    assert pod["automountServiceAccountToken"] is False
    assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in pod["volumes"]}
    assert {"name": "config", "configMap": {"name": "{{inputs.parameters.config}}"}} in pod["volumes"]


def test_the_command_line_is_one_that_the_runtime_takes_and_leads_to_the_first_pod() -> None:
    cluster = trained_by(3)
    job = one_job(cluster)
    command = pod_of(job)["containers"][0]["command"]
    given = parser().parse_args(command[3:])
    peers = peers_of(given.nodes, given.peer, {"JOB_COMPLETION_INDEX": "2"})
    (service,) = [one for one in pipeline_objects(cluster) if one.kind == "Service"]

    assert peers == Peers(3, 2, f"{job['metadata']['name']}-0.{service.name}", 29400)
    assert pod_of(job)["subdomain"] == service.name
    assert service.body["spec"]["selector"].items() <= job["spec"]["template"]["metadata"]["labels"].items()
    assert service.body["spec"]["clusterIP"] == "None"
    assert service.body["spec"]["publishNotReadyAddresses"] is True


def test_nothing_is_left_to_the_variables_of_a_launcher() -> None:
    environment = pod_of(one_job(trained_by(3)))["containers"][0].get("env", [])

    assert not [one["name"] for one in environment if one["name"].startswith(("PET_", "MASTER_", "RANK", "WORLD"))]


def test_the_pipeline_may_make_jobs_only_where_there_is_a_gang() -> None:
    def rules(cluster: Cluster) -> list[Body]:
        roles = [one.body for one in kubernetes_objects(cluster) if one.kind == "Role"]
        return [rule for role in roles for rule in role["rules"] if "jobs" in rule["resources"]]

    assert rules(trained_by(2)) == [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "create"]}]
    assert rules(trained_by(1)) == []


def test_each_model_has_a_gang_of_its_own() -> None:
    cluster = cluster_named("two gangs")
    jobs = [job_of(one) for one in gang_templates(cluster)]

    assert {one["metadata"]["labels"]["mlsystem.dev/model"]: one["spec"]["completions"] for one in jobs} == {
        "rain": 2, "warmth": 4,
    }  # fmt: skip
    assert len({one["metadata"]["name"] for one in jobs}) == 2


@pytest.mark.parametrize("version", [KUBERNETES[0], KUBERNETES[-1]])
@pytest.mark.parametrize("variation", ["gang", "two gangs"])
def test_the_job_and_its_service_are_valid_strictly(variation: str, version: str) -> None:
    cluster = cluster_named(variation)
    jobs = [json.loads(json.dumps(job_of(one)).replace(UID, "0" * 36)) for one in gang_templates(cluster)]
    services = [one.body for one in pipeline_objects(cluster) if one.kind == "Service"]

    assert jobs
    assert [mistakes(one, version) for one in (*jobs, *services)] == [[]] * (len(jobs) + len(services))


@pytest.mark.parametrize("model", ["main", "a" * 63, "rain_today", "x" * 17])
def test_a_pods_host_name_fits(model: str) -> None:
    host = job_name(model).replace(UID, "12345678-1234-1234-1234-123456789012") + "-63"

    assert len(host) <= 63
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", host)


def test_braces_that_argo_fills_in_are_those_that_it_knows() -> None:
    (template,) = gang_templates(trained_by(2))

    assert set(re.findall(r"{{([^}]*)}}", template["resource"]["manifest"])) == {
        "inputs.parameters.step", "inputs.parameters.config", "workflow.name", "workflow.uid",
        "workflow.parameters.proposes",
    }  # fmt: skip


def test_a_pod_that_only_waits_has_limits_too() -> None:
    patch = json.loads(gang_templates(trained_by(2))[0]["podSpecPatch"])
    (container,) = patch["containers"]

    assert container["name"] == "main"
    assert container["resources"]["limits"].keys() == {"cpu", "memory"}
