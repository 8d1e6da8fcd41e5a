"""The controllers do on a simulated cluster what they do on any: workflows end, rollouts pause, scalers make HPAs."""

from __future__ import annotations

import json

import pytest
from engines.controllers import install_definitions, report_outputs
from engines.kubectl import Cluster, KubectlError, Object
from engines.objects import deployment, pod_template, service, workflow
from engines.processes import Processes
from engines.recipes import is_built


def phase(one: Object) -> object:
    return one.get("status", {}).get("phase")


@pytest.mark.parametrize(
    ("engine", "kinds"),
    [
        ("argo", ("workflows.argoproj.io", "workflowtemplates.argoproj.io", "cronworkflows.argoproj.io")),
        ("rollouts", ("rollouts.argoproj.io", "analysistemplates.argoproj.io")),
        ("keda", ("scaledobjects.keda.sh", "triggerauthentications.keda.sh")),
    ],
)
def test_the_definitions_of_a_controller_are_served(cluster: Cluster, engine: str, kinds: tuple[str, ...]) -> None:
    if not is_built(engine):
        pytest.skip(f"engine '{engine}' is not built: make engines")

    install_definitions(cluster, engine)

    assert [cluster.find(kind, "default") for kind in kinds] == [[]] * len(kinds)


def test_a_misspelt_field_of_a_workflow_is_refused(cluster: Cluster, argo: Processes) -> None:
    namespace = cluster.namespace("argo-misspelt")
    wrong = workflow("one", namespace)
    wrong["spec"]["onExitt"] = "main"

    with pytest.raises(KubectlError, match="onExitt"):
        cluster.validate(wrong)


def test_a_workflow_runs_to_its_end(cluster: Cluster, argo: Processes) -> None:
    namespace = cluster.namespace("argo-hello")
    cluster.apply(workflow("hello", namespace))

    done = cluster.wait_for("workflow", "hello", lambda one: phase(one) in ("Succeeded", "Failed", "Error"), namespace)

    assert phase(done) == "Succeeded"


def test_an_output_that_is_reported_is_the_workflows(cluster: Cluster, argo: Processes) -> None:
    namespace = cluster.namespace("argo-outputs")
    one = workflow("one", namespace)
    parameter = {"name": "version", "valueFrom": {"path": "/tmp/version"}}
    one["spec"]["templates"][0]["outputs"] = {"parameters": [parameter]}
    cluster.apply(one)
    cluster.eventually(lambda: cluster.find("pods", namespace), "a pod of the workflow")

    report_outputs(cluster, cluster.find("pods", namespace)[0], {"version": "7"})
    done = cluster.wait_for("workflow", "one", lambda found: phase(found) == "Succeeded", namespace)

    (step,) = done["status"]["nodes"].values()
    assert step["outputs"]["parameters"][0]["value"] == "7"


def test_a_rollout_pauses_where_its_steps_say(cluster: Cluster, rollouts: Processes) -> None:
    namespace = cluster.namespace("rollout")
    steps = [{"setWeight": 25}, {"pause": {}}]
    one: Object = {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "one", "namespace": namespace},
        "spec": {
            "replicas": 4, "selector": {"matchLabels": {"app": "one"}}, "strategy": {"canary": {"steps": steps}},
            "template": pod_template("one", "none:1"),
        },
    }  # fmt: skip
    cluster.apply(service("one", namespace), one)
    cluster.wait_for("rollout", "one", lambda found: phase(found) == "Healthy", namespace)

    cluster.apply({**one, "spec": {**one["spec"], "template": pod_template("one", "none:2")}})
    paused = cluster.wait_for("rollout", "one", lambda found: phase(found) == "Paused", namespace)

    assert paused["status"]["currentStepIndex"] == 1
    assert paused["status"]["updatedReplicas"] == 1


def test_a_scaled_object_becomes_an_hpa_whose_metric_the_adapter_answers(cluster: Cluster, keda: Processes) -> None:
    namespace = cluster.namespace("scaled")
    always = {"timezone": "Etc/UTC", "start": "0 0 * * *", "end": "59 23 * * *", "desiredReplicas": "3"}
    cluster.apply(deployment("one", namespace))
    cluster.apply({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "one", "namespace": namespace},
        "spec": {
            "scaleTargetRef": {"name": "one"}, "minReplicaCount": 1, "maxReplicaCount": 7,
            "triggers": [{"type": "cron", "metadata": always}],
        },
    })  # fmt: skip

    made = cluster.wait_for("hpa", "keda-hpa-one", lambda one: "maxReplicas" in one["spec"], namespace)
    metric = made["spec"]["metrics"][0]["external"]["metric"]
    selector = "labelSelector=scaledobject.keda.sh%2Fname%3Done"
    path = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric['name']}?{selector}"
    answer = json.loads(cluster.kubectl("get", "--raw", path))

    assert (made["spec"]["minReplicas"], made["spec"]["maxReplicas"]) == (1, 7)
    assert answer["items"][0]["value"] == "3"
