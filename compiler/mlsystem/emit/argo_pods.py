"""The pods in which steps run: one container template for each class of resources, whatever the step.

A template is told the name of its step and nothing more: what the step does stands in the ConfigMap, data goes by URI.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import reduce
from typing import Any, NamedTuple

from mlsystem.emit.kubernetes.access import account_name
from mlsystem.emit.kubernetes.objects import Body, Cluster
from mlsystem.emit.kubernetes.placement import placed, placed_training
from mlsystem.emit.kubernetes.pods import Volume, container, cpu, memory, pod_security
from mlsystem.emit.kubernetes.processes import (
    PYTHON,
    common,
    config_name,
    step,
    told,
    tracking_env,
    value,
    volumes,
    workspace_env,
)
from mlsystem.emit.sections import PIPELINE
from mlsystem.system.nodes import ModelNode
from mlsystem.system.own_pods import RECORD, larger, ordinary
from mlsystem.system.target import TrainingHardware, dns_name
from mlsystem_runtime.contract.names import PREEMPTED, PROPOSES
from mlsystem_runtime.contract.quantities import duration
from mlsystem_runtime.contract.run import Step, TrainStep

RUN_ID = "{{workflow.name}}"
MAIN = "main"
"""What Argo calls the container of a step."""
GPU = "nvidia.com/gpu"
GPU_PRODUCT = "nvidia.com/gpu.product"
"""The label by which GPU feature discovery says which one a node has."""

HOUR = 3600
STEP_SECONDS, TRAINING_SECONDS, RECORD_SECONDS = 6 * HOUR, 72 * HOUR, HOUR // 4
"""How long one attempt may take before it is held to hang."""
SHORTEST_GRACE, LONGEST_GRACE = 30, 600
"""Seconds: what every pod gets, and the longest that node autoscalers wait."""

AGAIN = f"lastRetry.exitCode in ['-1', '{PREEMPTED}', '137', '143']"
NEVER = "lastRetry.message matches 'OOMKilled|longer than the specified deadline'"
RETRY_WHEN = f"lastRetry.status == 'Error' || ({AGAIN} && !({NEVER}))"
"""What was stopped or lost is run again: preempted (it goes on where it was saved), a pod without an end, signals.

A step that says no itself (wrong data, a mistake: status 1 or 2) says it again, and so does one without enough memory.
"""


class Resources(NamedTuple):
    """Of one pod. `max_loss_us` is how much work of it may be lost; None where a step is run anew. `gang` is the model
    whose training several such pods carry out."""

    hardware: TrainingHardware
    max_loss_us: int | None = None
    gang: str | None = None

    @property
    def name(self) -> str:
        """Of its template: what it has, so that models with the same hardware share one."""
        hardware = self.hardware
        parts = ["step" if self.max_loss_us is None else "train", f"{cpu(hardware.cpu)}cpu"]
        parts.append(memory(hardware.memory_bytes))
        if hardware.gpus:
            parts.append(f"{hardware.gpus}gpu" + (f"-{hardware.gpu_type}" if hardware.gpu_type else ""))
        if self.max_loss_us is not None:
            parts.append(f"loses-{duration(self.max_loss_us)}")
        if self.gang is not None:
            parts.append(f"{hardware.nodes}nodes-{dns_name(self.gang)}")
        return "".join(one if one.isalnum() else "-" for one in "-".join(parts).lower())

    @property
    def grace_seconds(self) -> int:
        """The trainer saves at half of what may be lost and keeps the other half for a step and the write itself,
        which is what happens between SIGTERM and its end."""
        half = 0 if self.max_loss_us is None else -(-self.max_loss_us // 2_000_000)
        return min(max(half, SHORTEST_GRACE), LONGEST_GRACE)


SMALL = Resources(TrainingHardware(cpu=RECORD.cpu, memory_bytes=RECORD.memory, gpus=0, gpu_type=None))
"""Of a pod that only writes something down."""


def resources_of(one: Step, models: Mapping[str, ModelNode]) -> Resources:
    """A training's are the model's hardware; other steps of the model have its CPU and memory, for they hold the same
    rows; what several models share has the most that one of them has."""
    model = models.get(getattr(one.payload, "model", ""))
    if model is None:
        return Resources(reduce(larger, (ordinary(found.training.hardware) for found in models.values())))
    if isinstance(one.payload, TrainStep):
        gang = model.name if model.training.hardware.nodes > 1 else None
        return Resources(model.training.hardware, model.training.max_loss_of_work_us, gang)
    return Resources(ordinary(model.training.hardware))


def step_template(cluster: Cluster, resources: Resources) -> Body:
    """Runs the step that its parameter names."""
    training = resources.max_loss_us is not None
    template: Body = {
        "name": resources.name,
        "inputs": {"parameters": [{"name": "step"}, {"name": "config"}]},
        "volumes": [told("{{inputs.parameters.config}}").declared],
        "activeDeadlineSeconds": TRAINING_SECONDS if training else STEP_SECONDS,
        "retryStrategy": retries(limit=10 if training else 3),
        "container": process(cluster, step(cluster, "{{inputs.parameters.step}}", RUN_ID), resources),
    }
    if training:
        template["podSpecPatch"] = json.dumps({"terminationGracePeriodSeconds": resources.grace_seconds})
        template["synchronization"] = one_at_a_time(cluster)
    return {**template, **on_gpus(cluster, resources.hardware)}


def one_at_a_time(cluster: Cluster) -> Body:
    """A run that was applied and one of the schedule would write the same checkpoints."""
    return {"mutexes": [{"name": f"{cluster.prefix}-{{{{inputs.parameters.step}}}}"}]}


def on_gpus(cluster: Cluster, hardware: TrainingHardware) -> Body:
    """Where a pod with such hardware may run: one with GPUs on the nodes that have them."""
    if cluster.target.node_groups:
        return placed_training(cluster, hardware)
    if not hardware.gpus:
        return {}
    selector = dict(cluster.target.platform.gpu_selector)
    if hardware.gpu_type is not None and hardware.gpu_type not in selector.values():
        selector[GPU_PRODUCT] = hardware.gpu_type
    return {
        **({"nodeSelector": selector} if selector else {}),
        "tolerations": [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}],
    }


def record_template(cluster: Cluster, name: str, *arguments: str) -> Body:
    """Writes down that something begins, ends or is proposed; has no data of its own."""
    command = [*PYTHON, name, *common(cluster), "--run-id", RUN_ID, *arguments]
    return {
        "name": name,
        "volumes": [told(config_name(cluster, PIPELINE)).declared],
        "activeDeadlineSeconds": RECORD_SECONDS,
        "retryStrategy": retries(limit=3),
        "container": process(cluster, command, SMALL),
        **placed(cluster, "system"),
    }


def retries(limit: int, when: str = RETRY_WHEN) -> Body:
    return {
        "limit": f"{limit}",
        "retryPolicy": "Always",
        "expression": when,
        "backoff": {"duration": "10s", "factor": "2", "cap": "5m"},
    }


def process(cluster: Cluster, command: list[str], resources: Resources) -> Body:
    """The command line of one machine. Argo gives the container its name."""
    found = main_container(cluster, command, resources)
    return {key: content for key, content in found.items() if key != "name"}


def main_container(cluster: Cluster, command: list[str], resources: Resources) -> Body:
    hardware = resources.hardware
    found = container(
        MAIN, cluster.images["trainer"], command, cpu_cores=hardware.cpu, memory_bytes=hardware.memory_bytes,
        env=[*workspace_env(cluster), tracking_env(cluster), value(PROPOSES, "{{workflow.parameters.proposes}}")],
        volumes=mounted(cluster),
    )  # fmt: skip
    if hardware.gpus:
        amounts = {kind: {**amount, GPU: f"{hardware.gpus}"} for kind, amount in found["resources"].items()}
        return {**found, "resources": amounts}
    return found


def mounted(cluster: Cluster) -> list[Volume]:
    return volumes(cluster, PIPELINE, cluster.target.storage_bytes)


def pod_settings(cluster: Cluster) -> dict[str, Any]:
    """What all pods of a workflow have, as fields of its spec; what they are told, their templates say."""
    return {
        "serviceAccountName": account_name(cluster, PIPELINE),
        "securityContext": pod_security(),
        "podSpecPatch": json.dumps({"enableServiceLinks": False}),
        "podMetadata": {"labels": cluster.labels(PIPELINE)},
        "volumes": [volume.declared for volume in mounted(cluster) if volume.name != "config"],
    }
