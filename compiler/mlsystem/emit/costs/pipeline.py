"""Runs of the pipeline as what their pods have: on a schedule, and each training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from mlsystem.cost.price_list import GPU, POD_CPU, POD_MEMORY
from mlsystem.cost.prices import GIB
from mlsystem.cost.runs import Run, Task
from mlsystem.emit.argo import model_steps, step_classes
from mlsystem.emit.contract import refreshes
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.system.nodes import ModelNode
from mlsystem.system.schedules import cron_period
from mlsystem.system.target import TrainingHardware
from mlsystem_runtime.contract.quantities import duration

Machines = Callable[[TrainingHardware], tuple[dict[str, Decimal], str]]
"""What hardware costs an hour, by the name of a price, and how it is called."""


def by_requests(hardware: TrainingHardware) -> tuple[dict[str, Decimal], str]:
    """Where pods are paid for by what they request."""
    each = {POD_CPU: Decimal(str(hardware.cpu)), POD_MEMORY: Decimal(hardware.memory_bytes) / GIB}
    said = f"{each[POD_CPU].normalize():f} CPU, {each[POD_MEMORY].normalize():f} GiB"
    if hardware.gpus:
        each[gpu_price(hardware)] = Decimal(hardware.gpus)
        said += f", {hardware.gpus} {hardware.gpu_type or 'GPU'}"
    nodes = hardware.nodes
    return {name: amount * nodes for name, amount in each.items()}, said if nodes == 1 else f"{nodes} nodes of {said}"


def gpu_price(hardware: TrainingHardware) -> str:
    return GPU if hardware.gpu_type is None else f"{GPU}.{hardware.gpu_type}"


def trainings(cluster: Cluster, machines: Machines) -> dict[str, Task]:
    """By model: the step that learns, with the machines that it has."""
    return {model.name: next(tasks(cluster, [f"train.{model.name}"], machines)) for model in cluster.system.models}


def runs(cluster: Cluster, machines: Machines) -> Iterator[Run]:
    """What comes again and again: refreshes of the online store, and retrainings by the clock."""
    for refresh in refreshes(cluster.system):
        period = cron_period(refresh.every_us)
        assert period is not None, "a pass refuses what cron cannot say"
        yield Run(
            what=f"refresh of features every {duration(refresh.every_us)}",
            node="infrastructure.environment",
            models=(),
            tasks=tuple(tasks(cluster, refresh.steps, machines)),
            schedule=period.schedule,
            assumption="pods for as long as their steps work",
        )
    yield from (retraining(cluster, model, machines) for model in cluster.system.models if model.training.schedule)


def retraining(cluster: Cluster, model: ModelNode, machines: Machines) -> Run:
    waits = ", each approved" if "retrain" in model.monitoring.approve else ""
    return Run(
        what=f"retrainings of {model.name} by the clock",
        node=f"model.{model.name}",
        models=(model.name,),
        tasks=tuple(tasks(cluster, model_steps(cluster, model), machines)),
        schedule=model.training.schedule,
        assumption=f"pods for as long as their steps work{waits}",
    )


def tasks(cluster: Cluster, steps: Iterable[str], machines: Machines) -> Iterator[Task]:
    classes = step_classes(cluster)
    for step in steps:
        rate, said = machines(classes[step].hardware)
        yield Task(step, rate, said)
