"""What a manifest remembers of a cluster: the values of the environment, in the words of the file, and who reads which.

What would be lost when it moves is told with its place: a volume is that of its namespace and class.
"""

from __future__ import annotations

import math

import msgspec

from mlsystem.system.aws import Aws
from mlsystem.system.certified import STANDARD, Behaviour, Certified, Direction, share
from mlsystem.system.target import KubernetesTarget, NodeGroup, Scaling, ServingHardware, Traffic, TrainingHardware
from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.identity import Values
from mlsystem_runtime.contract.quantities import percent

SERVER_READS = (
    "clock", "online_store", "workspace", "bucket", "namespace.name", "platform.argo_rollouts", "platform.pull_secret",
    "secrets.from", "secrets.name", "metrics_port", "tls",
)  # fmt: skip
"""What stands in the pods of an endpoint."""

MONITOR_READS = (
    "clock", "online_store", "workspace", "bucket", "namespace.name", "platform.pull_secret", "tracking",
    "secrets.from", "secrets.name", "secrets.needed",
)  # fmt: skip
SHOWN_DIGITS = 12
UNITS = {"requests": "rps", "concurrency": " at once"}
SIZES = (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10))


def environment_values(target: KubernetesTarget, secrets: tuple[str, ...]) -> Values:
    """By the path of the key in the file, but for `secrets.needed`: the names of those that the monitor reads."""
    of_class = f" of class {target.platform.storage_class}" if target.platform.storage_class else ""
    volumes = f"volumes{of_class} in namespace {target.namespace}"
    values: Values = {
        "target": "kubernetes",
        "context": target.context,
        "namespace.name": target.namespace,
        "namespace.create": target.create_namespace,
        "delivery": target.delivery,
        "workspace": target.workspace or volumes,
        "storage": size(target.storage_bytes),
        "bucket.endpoint": target.bucket_endpoint,
        "bucket.secret": target.bucket_secret,
        "online_store": target.online_store or f"redis on {volumes}",
        "tracking": target.tracking or f"mlflow on {volumes}",
        "images.redis": target.images.redis,
        "images.postgres": target.images.postgres,
        "secrets.needed": list(secrets),
        "secrets.from": "external_secrets" if target.secrets.store else "kubernetes",
        "secrets.name": target.secrets.name,
        "secrets.store": target.secrets.store,
        "pulumi.backend": target.pulumi.backend,
        "pulumi.secrets_provider": target.pulumi.secrets_provider,
    }
    if target.images.signing_key is not None:  # an older tool did not know it: not to give it is no change
        values["images.signing_key"] = target.images.signing_key
    if target.aws is not None:
        values |= {**account_values(target.aws), **node_values(target.node_groups)}
    platform = {f"platform.{name}": value for name, value in msgspec.to_builtins(target.platform).items()}
    platform["platform.gpu_selector"] = [f"{name}={value}" for name, value in target.platform.gpu_selector]
    if not target.platform.knative:  # as before
        del platform["platform.knative"]
    del platform["platform.storage_class"]  # told with the volumes, which are made anew with another one
    return {**values, **platform}


def account_values(aws: Aws) -> Values:
    """What is made in the account has its own names there; `network` is what would be made anew with another one."""
    network = aws.network
    values: Values = {
        "target": "aws",
        "account": aws.account,
        "region": aws.region,
        "cluster": "create" if aws.cluster is None else aws.cluster,
        "log_retention": f"{aws.log_retention_days}d",
    }
    if network is not None:
        zones = ", ".join(network.zones)
        values |= {"network.cidr": network.cidr, "network.zones": zones, "network.flow_logs": network.flow_logs}
        values["network.api_access"] = list(network.api_access)
        roles = {"review.plan_role": aws.plan_role, "review.apply_role": aws.apply_role}
        values |= {name: role for name, role in roles.items() if role is not None}  # as an older tool has it
    if aws.boundary is not None:  # as an older tool has it
        values["permissions_boundary"] = aws.boundary
    if aws.online_store == "redis":
        values["online_store"] = f"redis in account {aws.account}, {aws.region}"
    if aws.tracking_database:
        values["tracking"] = f"mlflow on a database in account {aws.account}, {aws.region}"
    return values


def node_values(groups: tuple[NodeGroup, ...]) -> Values:
    """By what they are for: how many of which machines."""
    found: dict[str, list[str]] = {}
    for group in groups:
        spot = " on spot capacity" if group.spot else ""
        said = f"{group.least} to {group.most} {' or '.join(group.instances)}{spot}"
        found.setdefault(f"nodes.{group.purpose}", []).append(said)
    return {name: ", ".join(said) for name, said in found.items()}


def image_values(target: KubernetesTarget) -> Values:
    """What images are built from. What is in them belongs to the tool: its version is no part of their identity."""
    return {
        "images.base": target.images.base,
        "images.wheelhouse": target.images.wheelhouse,
        "registry": target.registry,
    }


def replica_values(hardware: ServingHardware, scaling: Scaling) -> Values:
    carried = percent(scaling.target) if scaling.metric == "cpu" else f"{scaling.target:g}{UNITS[scaling.metric]}"
    values: Values = {
        "hardware.cpu": hardware.cpu,
        "hardware.memory": size(hardware.memory_bytes),
        "scaling.controller": scaling.controller,
        "scaling.min_replicas": scaling.min_replicas,
        "scaling.max_replicas": scaling.max_replicas,
        "scaling.metric": scaling.metric,
        "scaling.target": carried,
    }
    if scaling.controller == "knative":  # all of it stands in its pods' template, so that other bounds are other pods
        least, most = scaling.min_replicas, scaling.max_replicas
        values |= {"server": "Knative", "revision": f"{least} to {most} for {carried} each"}
    return values


def behaviour_values(behaviour: Behaviour | None) -> Values:
    """What nobody chose is left out: an older tool knew no other."""
    if behaviour is None or behaviour == STANDARD:
        return {}
    return {"scaling.up": direction(behaviour.up), "scaling.down": direction(behaviour.down)}


def direction(meant: Direction) -> str:
    """Such as `4 pods in 15s or 100% in 15s, after 300s`."""
    limits = (
        f"{policy.value}{' pods' if policy.kind == 'pods' else '%'} in {policy.period}s" for policy in meant.policies
    )
    return f"{' or '.join(limits)}, after {meant.window}s"


def certified_values(found: Certified) -> Values:
    """What stands beside the autoscaler, and what people compare."""
    return {
        "certified.scenario": found.scenario,
        "certified.latency": milliseconds(found.latency),
        "certified.in_time": share(found.attainment.mean),
        "certified.available": share(found.availability.mean),
        "certified.margin": f"{math.floor(found.margin * 100)}%",
        "certified.dollars_a_month": round(found.cost, 2),
        "certified.binding": found.binding,
        "certified.inputs": digest(found)[:SHOWN_DIGITS],
    }


def milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1e3, 1):g}ms"


def traffic_values(traffic: Traffic) -> Values:
    """What of it stands in alerts. What is not given is left out: an older tool did not know it."""
    rates = {"traffic.mean": traffic.mean_rps, "traffic.peak": traffic.peak_rps}
    return {name: f"{rate:g}rps" for name, rate in rates.items() if rate is not None}


def training_values(hardware: TrainingHardware, schedule: str | None) -> Values:
    return {
        "hardware.cpu": hardware.cpu,
        "hardware.memory": size(hardware.memory_bytes),
        "hardware.gpu.count": hardware.gpus,
        "hardware.gpu.type": hardware.gpu_type,
        "hardware.nodes": hardware.nodes,
        "schedule": schedule,
        **({"hardware.spot": True} if hardware.spot else {}),
    }


def size(number: int) -> str:
    """The largest unit that divides it; two sizes are equal exactly if their texts are."""
    return next((f"{number // unit}{name}" for name, unit in SIZES if number % unit == 0), str(number))
