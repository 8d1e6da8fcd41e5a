"""A training on several nodes: one step of the workflow, which makes an Indexed Job and waits for its end.

The Job keeps the gang together. Its pods find the first of them by a name of the headless Service. One that is lost
ends the others with the status of what may be run again, and the Job starts each anew: they go on from the checkpoint.
What says no itself fails the Job, and the step with it. Only the executor may ask the API server, the pods have no
token.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from mlsystem.emit.argo_pods import (
    HOUR,
    MAIN,
    RUN_ID,
    SMALL,
    TRAINING_SECONDS,
    Resources,
    main_container,
    mounted,
    on_gpus,
    one_at_a_time,
    retries,
)
from mlsystem.emit.kubernetes.access import account_name
from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.placement import placed
from mlsystem.emit.kubernetes.pods import pod_template
from mlsystem.emit.kubernetes.pods import resources as amounts
from mlsystem.emit.kubernetes.processes import GANG_PORT, PYTHON, gang_name, gangs, reads, told
from mlsystem.emit.manifests import manifest
from mlsystem.emit.sections import PIPELINE
from mlsystem.system.target import dns_name
from mlsystem_runtime.contract.names import PREEMPTED

LOSSES = 10
"""How often a gang may lose one of its pods: as often as one pod is run again."""
KEPT_SECONDS = 24 * HOUR
"""A Job that has ended, and the logs of its pods."""
JOB_NAME = 16
"""Characters of the model's name in that of its Job: with the run's UUID and a pod's number it is a host name."""
KILLED = (137, 143)
"""Exit statuses of what is run again beside PREEMPTED, as those of a pod that trains alone."""
CONDITIONS = 4
"""A Job has at most: suspended, resumed, about to fail, failed."""


EXECUTOR_LOST = (
    "lastRetry.status == 'Error' || "
    "!(lastRetry.message matches 'failure condition|no more retries|longer than the specified deadline')"
)
"""Whatever ended the executor: not that the Job failed, that the API server refuses it, or that the time is over."""


def gang_template(cluster: Cluster, resources: Resources) -> Body:
    """Applied, not created: an executor that is lost and tried again finds the Job that it made."""
    nodes = resources.hardware.nodes
    small = {"name": MAIN, "resources": amounts(SMALL.hardware.cpu, SMALL.hardware.memory_bytes)}
    return {
        "name": resources.name,
        "inputs": {"parameters": [{"name": "step"}, {"name": "config"}]},
        "activeDeadlineSeconds": TRAINING_SECONDS + HOUR,  # the Job says first that it took too long
        "retryStrategy": retries(LOSSES, EXECUTOR_LOST),
        "podSpecPatch": json.dumps({"containers": [small]}),
        "synchronization": one_at_a_time(cluster),
        **placed(cluster, "system"),
        "resource": {
            "action": "apply",
            "setOwnerReference": True,
            "successCondition": f"status.succeeded == {nodes}",
            # one of these is enough
            "failureCondition": ",".join(f"status.conditions.{one}.type == Failed" for one in range(CONDITIONS)),
            "manifest": manifest(job(cluster, resources)),
        },
    }


def job(cluster: Cluster, resources: Resources) -> Body:
    """What makes the pods; Argo fills in the braces."""
    assert resources.gang is not None, "its caller has looked"
    nodes = resources.hardware.nodes
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": cluster.metadata(job_name(resources.gang), PIPELINE, resources.gang),
        "spec": {
            "completions": nodes,
            "parallelism": nodes,
            "completionMode": "Indexed",
            "backoffLimit": LOSSES,
            "podFailurePolicy": {"rules": failure_rules()},
            "activeDeadlineSeconds": TRAINING_SECONDS,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": pod(cluster, resources, resources.gang),
        },
    }


def failure_rules() -> list[Body]:
    """The first that fits decides; what none fits counts. Nobody is to blame for a drained node, nor who left because
    another was lost; what says no itself says it again."""
    left = {"containerName": MAIN, "operator": "In", "values": [PREEMPTED]}
    no = {"containerName": MAIN, "operator": "NotIn", "values": list(KILLED)}
    return [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "Ignore", "onExitCodes": left},
        {"action": "FailJob", "onExitCodes": no},
    ]


def pod(cluster: Cluster, resources: Resources, model: str) -> Body:
    """As Argo makes that of a training on one node."""
    service = gang_name(cluster, model)
    command = [
        *PYTHON, "step", "{{inputs.parameters.step}}", *reads(cluster), "--run-id", RUN_ID,
        "--nodes", f"{resources.hardware.nodes}", "--peer", f"{job_name(model)}-0.{service}:{GANG_PORT}",
    ]  # fmt: skip
    config = told("{{inputs.parameters.config}}")
    volumes = [config if volume.name == config.name else volume for volume in mounted(cluster)]
    made = pod_template(
        cluster, PIPELINE, main_container(cluster, command, resources), volumes, model=model,
        account=account_name(cluster, PIPELINE), token=False, grace_seconds=resources.grace_seconds,
    )  # fmt: skip
    placed = {"restartPolicy": "Never", "subdomain": service, **on_gpus(cluster, resources.hardware)}
    return {**made, "spec": {**made["spec"], **placed}}


def job_name(model: str) -> str:
    return f"train-{dns_name(model, JOB_NAME)}-{{{{workflow.uid}}}}"


def gang_services(cluster: Cluster) -> Iterator[KubernetesObject]:
    """Names for pods, also of those that are not ready: they wait for each other. It has no address of its own."""
    for model in gangs(cluster):
        body = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": cluster.metadata(gang_name(cluster, model), PIPELINE, model),
            "spec": {
                "clusterIP": "None",
                "publishNotReadyAddresses": True,
                "selector": cluster.selector(PIPELINE, model),
                "ports": [{"name": "gang", "port": GANG_PORT, "targetPort": GANG_PORT}],
            },
        }
        yield KubernetesObject("pipeline", body, f"model.{model}", "pipelines", skip_await=True)
