"""All that an environment uses, with the prices that hold there: what `plan` and the limits are told."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.cost.consumption import Consumption, Costs
from mlsystem.cost.price_list import PriceList, price_list
from mlsystem.emit.cluster import InCluster
from mlsystem.emit.costs.aws import Setting, account_uses
from mlsystem.emit.costs.kubernetes import pod_uses, volume_uses
from mlsystem.emit.costs.nodes import Nodes
from mlsystem.emit.costs.pipeline import by_requests, runs, trainings
from mlsystem.system.target import KubernetesTarget


def costs_of(inside: InCluster) -> Costs:
    return Costs(consumption_of(inside), prices_in(inside.cluster.target))


def consumption_of(inside: InCluster) -> Consumption:
    """Where machines are made here they are paid for, whatever runs on them; else pods, by what they request."""
    cluster, objects = inside.cluster, inside.objects
    nodes = Nodes(cluster.system, cluster.target.node_groups)
    machines = nodes.machines if nodes.groups else by_requests
    below = [one for stack in inside.stacks for one in stack.resources]
    return Consumption(
        uses=(
            *account_uses(below, Setting(cluster.system, nodes)),
            *(() if nodes.groups else pod_uses(cluster, objects)),
            *volume_uses(objects),
        ),
        runs=tuple(run for run in runs(cluster, machines) if any(task.rate for task in run.tasks)),
        trainings=trainings(cluster, machines),
        excluded=tuple(not_counted(cluster.target)),
    )


def prices_in(target: KubernetesTarget) -> PriceList:
    return price_list(target.prices, None if target.aws is None else target.aws.region)


def not_counted(target: KubernetesTarget) -> Iterator[str]:
    """What the environment needs and somebody else has, and what nobody can tell."""
    aws = target.aws
    if aws is None or aws.cluster is not None:
        yield "the cluster itself"
    if aws is None or not aws.repositories:
        yield f"the registry {target.registry}"
    if target.workspace is not None and (aws is None or aws.bucket is None):
        yield f"the bucket of {target.workspace}"
    yield "network" if aws is None else "data to the internet and between zones, support and taxes"
