"""The pods in which steps run: one container template for each class of resources, whatever the step.

A template is told the name of its step and nothing more: what the step does stands in the ConfigMap, data goes by URI.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import reduce
from typing import Any, NamedTuple

from mlsystem.emit.kubernetes.objects import Body, Cluster
from mlsystem.emit.sections import PIPELINE, section_hash
from mlsystem.system.nodes import ModelNode
from mlsystem.system.target import TrainingHardware
from mlsystem_runtime.contract.names import MIRROR, ONLINE_STORE, PREEMPTED, PROPOSES
from mlsystem_runtime.contract.quantities import duration
from mlsystem_runtime.contract.run import Step, TrainStep

CONFIG = "/etc/mlsystem/run.json"
VOLUME, CLAIMED, MIRRORED = "workspace", "/var/lib/mlsystem/workspace", "/var/lib/mlsystem/mirror"
GPU = "nvidia.com/gpu"
USER = 65532  # of the images

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
    """Of one pod. `max_loss_us` is how much work of it may be lost; None where a step is run anew."""

    cpu: float
    memory_bytes: int
    gpus: int = 0
    gpu_type: str | None = None
    max_loss_us: int | None = None

    @property
    def name(self) -> str:
        """Of its template: what it has, so that models with the same hardware share one."""
        parts = ["step" if self.max_loss_us is None else "train", f"{cores(self.cpu)}cpu", size(self.memory_bytes)]
        if self.gpus:
            parts.append(f"{self.gpus}gpu" + (f"-{self.gpu_type}" if self.gpu_type else ""))
        if self.max_loss_us is not None:
            parts += ["loses", duration(self.max_loss_us) or ""]
        return "".join(one if one.isalnum() else "-" for one in "-".join(parts).lower())

    @property
    def grace_seconds(self) -> int:
        """The trainer saves at half of what may be lost and keeps the other half for a step and the write itself,
        which is what happens between SIGTERM and its end."""
        half = 0 if self.max_loss_us is None else -(-self.max_loss_us // 2_000_000)
        return min(max(half, SHORTEST_GRACE), LONGEST_GRACE)


def cores(cpu: float) -> str:
    return f"{cpu:g}" if cpu == int(cpu) else f"{round(cpu * 1000)}m"


def size(memory_bytes: int) -> str:
    """As Kubernetes writes it: the largest unit that divides it."""
    units = (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10))
    return next((f"{memory_bytes // unit}{name}" for name, unit in units if not memory_bytes % unit), f"{memory_bytes}")


def resources_of(step: Step, models: Mapping[str, ModelNode]) -> Resources:
    """A training's are the model's hardware; other steps of the model have its CPU and memory, for they hold the same
    rows; what several models share has the most that one of them has."""
    model = models.get(getattr(step.payload, "model", ""))
    if model is None:
        return reduce(larger, (plain(one.training.hardware) for one in models.values()), Resources(1, 2**30))
    hardware = model.training.hardware
    if isinstance(step.payload, TrainStep):
        return Resources(*plain(hardware)[:2], hardware.gpus, hardware.gpu_type, model.training.max_loss_of_work_us)
    return plain(hardware)


def plain(hardware: TrainingHardware) -> Resources:
    return Resources(hardware.cpu, hardware.memory_bytes)


def larger(one: Resources, other: Resources) -> Resources:
    return Resources(max(one.cpu, other.cpu), max(one.memory_bytes, other.memory_bytes))


def step_template(cluster: Cluster, resources: Resources) -> Body:
    """Runs the step that its parameter names."""
    training = resources.max_loss_us is not None
    template: Body = {
        "name": resources.name,
        "inputs": {"parameters": [{"name": "step"}]},
        "activeDeadlineSeconds": TRAINING_SECONDS if training else STEP_SECONDS,
        "retryStrategy": retries(limit=10 if training else 3),
        "container": container(cluster, ("step", "{{inputs.parameters.step}}"), resources),
    }
    if training:
        template["podSpecPatch"] = json.dumps({"terminationGracePeriodSeconds": resources.grace_seconds})
        # a run that was applied and one of the schedule would write the same checkpoints
        template["synchronization"] = {"mutexes": [{"name": f"{cluster.prefix}-{{{{inputs.parameters.step}}}}"}]}
    if resources.gpus:
        selector = cluster.target.platform.gpu_selector
        template["nodeSelector"] = {key: value for key, value in selector if resources.gpu_type in (None, value)}
        template["tolerations"] = [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}]
    return template


def record_template(cluster: Cluster, name: str, *arguments: str) -> Body:
    """Writes down that something begins, ends or is proposed; has no data of its own."""
    return {
        "name": name,
        "activeDeadlineSeconds": RECORD_SECONDS,
        "retryStrategy": retries(limit=3),
        "container": container(cluster, (name, *arguments), Resources(0.1, 256 * 2**20)),
    }


def retries(limit: int) -> Body:
    return {
        "limit": f"{limit}",
        "retryPolicy": "Always",
        "expression": RETRY_WHEN,
        "backoff": {"duration": "10s", "factor": "2", "cap": "5m"},
    }


def container(cluster: Cluster, arguments: tuple[str, ...], resources: Resources) -> Body:
    """The command line of one machine. Requests are the limits: what is measured is what there is."""
    amounts = {"cpu": cores(resources.cpu), "memory": size(resources.memory_bytes)}
    if resources.gpus:
        amounts[GPU] = f"{resources.gpus}"
    return {
        "image": cluster.images["trainer"],
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "mlsystem_runtime"],
        "args": [*arguments, *common_arguments(cluster)],
        "env": environment(cluster),
        "resources": {"requests": amounts, "limits": dict(amounts)},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "config", "mountPath": CONFIG.rpartition("/")[0], "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": VOLUME, "mountPath": CLAIMED if cluster.target.workspace is None else MIRRORED},
        ],
    }


def common_arguments(cluster: Cluster) -> tuple[str, ...]:
    release = f"configmap://{cluster.target.namespace}/{cluster.name('release')}"
    return (
        "--config", CONFIG, "--workspace", cluster.target.workspace or CLAIMED, "--run-id", "{{workflow.name}}",
        "--release", release,
    )  # fmt: skip


def environment(cluster: Cluster) -> list[Body]:
    """What processes read beside the command line; secrets by reference only."""
    target = cluster.target
    store, tracking = f"redis://{cluster.name('online-store')}:6379", f"http://{cluster.name('tracking')}:5000"
    found = [
        {"name": "HOME", "value": "/tmp"},
        {"name": PROPOSES, "value": "{{workflow.parameters.proposes}}"},
        variable(cluster, ONLINE_STORE, target.online_store or store),
        variable(cluster, "MLFLOW_TRACKING_URI", target.tracking or tracking),
    ]
    if target.workspace is not None:
        found.append({"name": MIRROR, "value": MIRRORED})
    if target.bucket_endpoint is not None:
        found.append({"name": "AWS_ENDPOINT_URL_S3", "value": target.bucket_endpoint})
    if target.bucket_secret is not None:
        found += [from_secret(name, target.bucket_secret) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
    return found


def variable(cluster: Cluster, name: str, value: str) -> Body:
    kind, _, secret = value.partition(":")
    if kind == "secret":
        return from_secret(name, cluster.target.secrets.name, secret)
    return {"name": name, "value": value}


def from_secret(name: str, secret: str, key: str | None = None) -> Body:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key or name}}}


def pod_settings(cluster: Cluster) -> dict[str, Any]:
    """What all pods of a workflow have, as fields of its spec."""
    target = cluster.target
    config = cluster.name("config", PIPELINE, section_hash(cluster.sections[PIPELINE]))
    claim = {"persistentVolumeClaim": {"claimName": cluster.name("workspace")}}
    found: dict[str, Any] = {
        "serviceAccountName": cluster.name("pipeline"),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "podSpecPatch": json.dumps({"enableServiceLinks": False}),
        "podMetadata": {"labels": cluster.labels("pipeline")},
        "volumes": [
            {"name": "config", "configMap": {"name": config}},
            {"name": "tmp", "emptyDir": {}},
            {"name": VOLUME, **(claim if target.workspace is None else {"emptyDir": {}})},
        ],
    }
    if target.platform.pull_secret is not None:
        found["imagePullSecrets"] = [{"name": target.platform.pull_secret}]
    return found
