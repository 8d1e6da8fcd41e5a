"""The Job of a training on several nodes, as a real Job controller reads it; its pods end as a test says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from clusters import EXAMPLES, cluster_of
from engines.kubectl import Cluster, Object

from mlsystem.emit.argo import workflow_template
from mlsystem_runtime.contract.names import PREEMPTED, RANK

NODES = 3
NOWHERE = {"nodeSelector": {"example.com/nowhere": "true"}}
"""Pods that no node takes: nothing ends them but the test."""


def started(cluster: Cluster, namespace: str) -> Object:
    """In a namespace of its own."""
    made = cluster_of(EXAMPLES / "flights" / "mlsystem.yaml", namespace={"name": namespace},
                      override={"training": {"hardware": {"nodes": NODES}}})  # fmt: skip
    (template,) = [one for one in workflow_template(made)["spec"]["templates"] if "resource" in one]
    text = re.sub(r"{{[^}]*}}", "0-0", template["resource"]["manifest"])
    job: Object = yaml.safe_load(text)
    account = {"name": made.name("pipeline"), "namespace": cluster.namespace(namespace)}
    cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    job["spec"]["template"]["spec"] |= NOWHERE
    cluster.apply(job)
    return job


def live(cluster: Cluster, namespace: str) -> list[Object]:
    """Its pods that have not ended, by their numbers."""
    pods = [one for one in cluster.find("pods", namespace) if one["status"].get("phase") == "Pending"]
    return sorted(pods, key=lambda one: str(one["spec"]["hostname"]))


def all_live(cluster: Cluster, namespace: str, seconds: float = 60) -> list[Object]:
    cluster.eventually(lambda: len(live(cluster, namespace)) == NODES, "pods of the gang", seconds=seconds)
    return live(cluster, namespace)


def end(cluster: Cluster, pod: Object, code: int) -> None:
    ended = {"exitCode": code, "reason": "Completed" if code == 0 else "Error"}
    main = {"name": "main", "image": "trainer", "imageID": "", "ready": False, "restartCount": 0,
            "state": {"terminated": ended}}  # fmt: skip
    status = {"phase": "Succeeded" if code == 0 else "Failed", "containerStatuses": [main]}
    cluster.kubectl(
        "patch", "pod", pod["metadata"]["name"], "-n", pod["metadata"]["namespace"], "--subresource=status",
        "--type=merge", "-p", json.dumps({"status": status}),
    )  # fmt: skip


def conditions(job: Any) -> list[str]:
    """Where the step looks for failure, in the order in which it does."""
    return [one["type"] for one in job.get("status", {}).get("conditions", ())]


@pytest.mark.slow
def test_pods_have_numbers_and_names_and_a_gang_that_lost_one_is_made_anew_until_all_end_well(cluster: Cluster) -> None:
    namespace, name = "gang-goes-on", started(cluster, "gang-goes-on")["metadata"]["name"]
    first = all_live(cluster, namespace)

    for pod, code in zip(first, (PREEMPTED, 137, PREEMPTED), strict=True):
        end(cluster, pod, code)
    again = all_live(cluster, namespace)
    for pod in again:
        end(cluster, pod, 0)
    done = cluster.wait_for(
        "job", name, lambda job: job.get("status", {}).get("succeeded") == NODES, namespace, seconds=60
    )

    assert [pod["spec"]["hostname"] for pod in first] == [f"{name}-{rank}" for rank in range(NODES)]
    assert {pod["spec"]["subdomain"] for pod in first} == {"flight-delay-main-gang"}
    assert all(RANK in {one["name"] for one in pod["spec"]["containers"][0]["env"]} for pod in first)
    assert not {one["metadata"]["name"] for one in first} & {one["metadata"]["name"] for one in again}
    assert "Failed" not in conditions(done)
    assert done["status"]["failed"] == 1


@pytest.mark.parametrize("code", [1, 2])
def test_a_pod_that_says_no_fails_the_job_and_ends_the_others(cluster: Cluster, code: int) -> None:
    namespace = f"gang-says-no-{code}"
    name = started(cluster, namespace)["metadata"]["name"]
    end(cluster, all_live(cluster, namespace)[1], code)

    failed = cluster.wait_for("job", name, lambda job: "Failed" in conditions(job)[:4], namespace, seconds=60)

    assert failed["status"].get("succeeded", 0) == 0
    assert live(cluster, namespace) == []
