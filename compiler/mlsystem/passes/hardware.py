"""Which machines a cluster that is made here has: for every pod of the system the cheapest that it fits on.

Nodes of the system carry what has to run always, those for serving the replicas, those for the pipeline its steps.
Trainings with GPUs or on spot capacity have nodes of their own, which are there while they run.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import reduce

from msgspec.structs import replace

from mlsystem.cost.instances import GPUS, Instance, InstancePrices, Need, room
from mlsystem.cost.nodes import cheapest, cheapest_nodes, interchangeable, largest, less, packed
from mlsystem.cost.price_list import EC2
from mlsystem.cost.prices import GIB
from mlsystem.diagnostics.suggest import help_among
from mlsystem.passes.draft import Draft, Path, Problems
from mlsystem.system.installed import platform_pods
from mlsystem.system.node_groups import one_machine
from mlsystem.system.nodes import ModelNode
from mlsystem.system.own_pods import (
    EXECUTOR,
    MONITOR,
    ONLINE_STORE,
    RECORD,
    STEPS_AT_ONCE,
    TRACKING,
    TRACKING_DATABASE,
    PodSize,
    larger,
    ordinary,
)
from mlsystem.system.target import KubernetesTarget, NodeGroup, TrainingHardware

SURGE = 1.5
"""How many times its replicas a server has at most, while pods of another version take over."""
ROOM_SHOWN = 100
"""In hundredths of a GiB."""


def resolve_hardware(draft: Draft, problems: Problems) -> Draft:
    """Does nothing where nodes are others' business."""
    target = draft.target
    if not isinstance(target, KubernetesTarget) or target.aws is None or target.aws.network is None:
        return draft
    check_fits(draft.models, problems)
    if problems.report.has_errors:
        return draft
    zones, prices = len(target.aws.network.zones), InstancePrices(target.aws.region, given_prices(target))
    groups = node_groups(tuple(draft.models.values()), target, tuple(own_pods(target)), zones, prices)
    return replace(draft, target=replace(target, node_groups=groups))


def given_prices(target: KubernetesTarget) -> dict[str, Decimal]:
    """Of machines, by their kind."""
    items = target.prices.items if target.prices is not None else {}
    return {name.removeprefix(EC2): Decimal(str(hour)) for name, hour in items.items() if name.startswith(EC2)}


def node_groups(
    models: Sequence[ModelNode], target: KubernetesTarget, own: Sequence[PodSize], zones: int, prices: InstancePrices
) -> tuple[NodeGroup, ...]:
    """All groups; every pod fits on some machine. `own`: what of the system runs always, beside the servers."""
    trained = own_nodes(models, prices)
    gpus = any(group.gpus for group in trained)
    pods = Counter(Need(one.cpu, one.memory) for one in own)
    for one in platform_pods(target, gpus):
        pods[Need(one.cpu, one.memory)] += one.replicas
    return (
        system_nodes(pods, zones, prices),
        serving_nodes(models, prices),
        pipeline_nodes(models, prices),
        *trained,
    )


def system_nodes(pods: Mapping[Need, int], zones: int, prices: InstancePrices) -> NodeGroup:
    """As many in every zone, at least one: a volume belongs to a zone, and its pod has to find a node there. There is
    room for one more in each, for what comes and goes."""
    found = cheapest_nodes(pods, prices, least=zones, zones=zones)
    assert found is not None, "what is installed is small"
    return NodeGroup("system", "system", (found.instance.name,), least=found.nodes, most=found.nodes + zones)


def serving_nodes(models: Sequence[ModelNode], prices: InstancePrices) -> NodeGroup:
    """Cheapest half-way between the least and the most replicas that all servers may have."""
    most, least, surge = (Counter[Need](), Counter[Need](), Counter[Need]())
    for model in models:
        need, scaling = replica(model), model.serving.scaling
        most[need] += scaling.max_replicas
        least[need] += scaling.min_replicas
        surge[need] += math.ceil(scaling.max_replicas * SURGE)
    spread = min(2, max(model.serving.scaling.min_replicas for model in models))
    found = cheapest_nodes(most, prices, least=spread, fewest=least)
    assert found is not None, "a replica that fits nowhere is a diagnostic"
    few, many = packed(least, found.instance) or 0, packed(surge, found.instance) or 0
    return NodeGroup("serving", "serving", (found.instance.name,), least=max(few, spread), most=max(many, spread + 1))


def pipeline_nodes(models: Sequence[ModelNode], prices: InstancePrices) -> NodeGroup:
    """Of steps, and of trainings that need nothing else. Nobody pays for them while nothing runs."""
    trainings = [model.training.hardware for model in models if not apart(model.training.hardware)]
    steps = step(reduce(larger, (ordinary(model.training.hardware) for model in models)))
    pods = Counter({steps: STEPS_AT_ONCE})
    for hardware in trainings:
        pods[step(ordinary(hardware))] += hardware.nodes
    instance = cheapest(steps, prices)
    assert instance is not None, "a step that fits nowhere is a diagnostic"
    nodes = packed(pods, instance)
    assert nodes is not None, "none is larger than a step of all models"
    return NodeGroup("pipeline", "pipeline", (instance.name,), least=0, most=nodes)


def own_nodes(models: Sequence[ModelNode], prices: InstancePrices) -> tuple[NodeGroup, ...]:
    """Of trainings: one pod a node, and one group for all that have the same machines."""
    found: dict[tuple[tuple[str, ...], bool], NodeGroup] = {}
    for model in models:
        hardware = model.training.hardware
        if not apart(hardware):
            continue
        machines = machines_of(hardware, prices)
        before = found.get((names := tuple(one.name for one in machines), hardware.spot))
        trains = dict.fromkeys([*(before.trains if before else ()), one_machine(hardware)])
        found[names, hardware.spot] = NodeGroup(
            f"training-{names[0].replace('.', '-')}{'-spot' if hardware.spot else ''}", "training", names, least=0,
            most=hardware.nodes + (before.most if before else 0), gpu=machines[0].gpu, gpus=machines[0].gpus,
            spot=hardware.spot, trains=tuple(trains),
        )  # fmt: skip
    return tuple(found.values())


def machines_of(hardware: TrainingHardware, prices: InstancePrices) -> tuple[Instance, ...]:
    need = step(hardware)
    machines = interchangeable(need, prices) if hardware.spot else tuple(filter(None, [cheapest(need, prices)]))
    assert machines, "a training that fits nowhere is a diagnostic"
    return machines


def apart(hardware: TrainingHardware) -> bool:
    """Whether it has nodes of its own."""
    return hardware.gpus > 0 or hardware.spot


def replica(model: ModelNode) -> Need:
    hardware = model.serving.hardware
    return Need(hardware.cpu, hardware.memory_bytes)


def step(hardware: TrainingHardware) -> Need:
    """With what Argo puts beside it."""
    return with_executor(asked(hardware))


def asked(hardware: TrainingHardware) -> Need:
    gpu = None if hardware.gpu_type is None else hardware.gpu_type.lower()
    return Need(hardware.cpu, hardware.memory_bytes, hardware.gpus, gpu)


def with_executor(need: Need) -> Need:
    return Need(need.cpu + EXECUTOR.cpu, need.memory + EXECUTOR.memory, need.gpus, need.gpu)


def own_pods(target: KubernetesTarget) -> Iterator[PodSize]:
    """Of the system, beside its servers: what it has of its own, its monitor, and what the pipeline writes down."""
    yield MONITOR
    yield PodSize(RECORD.cpu + EXECUTOR.cpu, RECORD.memory + EXECUTOR.memory)
    if target.online_store is None:
        yield ONLINE_STORE
    if target.tracking is None:
        yield TRACKING
        if target.aws is None or not target.aws.tracking_database:
            yield TRACKING_DATABASE


def check_fits(models: Mapping[str, ModelNode], problems: Problems) -> None:
    """Every pod that the file asks for has to fit on some machine of the table, whatever that costs."""
    for name, model in models.items():
        training = ("models", name, "training", "hardware")
        check_pod(replica(model), ("models", name, "serving", "hardware"), "a replica", problems)
        hardware = model.training.hardware
        if hardware.gpu_type is not None and hardware.gpu_type.lower() not in GPUS:
            message = f"no machine has a GPU of type '{hardware.gpu_type}'"
            help = help_among(hardware.gpu_type, GPUS) or f"there are {', '.join(GPUS)}"
            problems.error("MLS646", message, (*training, "gpu", "type"), help)
            continue
        before = problems.errors
        check_pod(asked(hardware), training, "a training", problems)
        if hardware.gpus and problems.errors == before:
            check_pod(asked(ordinary(hardware)), training, "what comes before and after the training, without GPUs,",
                      problems)  # fmt: skip


def check_pod(need: Need, place: Path, what: str, problems: Problems) -> None:
    if cheapest(need if place[-2] != "training" else with_executor(need), IN_ORDER) is not None:
        return
    biggest = largest(need)
    training = place[-2] == "training"
    there = less(room(biggest), Need(EXECUTOR.cpu, EXECUTOR.memory), 1 if training else 0)
    several = ", or train on several machines: `nodes: 2`" if training else ""
    problems.error(
        "MLS645", f"{what} asks for {need}, and no machine has room for it", (*place, *short_of(need, there)),
        f"the largest is {biggest}; a pod on it can have {shown(there)}{several}",
    )  # fmt: skip


def short_of(need: Need, there: Need) -> Path:
    """The key of the hardware that asks for more than the largest machine has."""
    if need.gpus > there.gpus:
        return ("gpu", "count")
    return ("memory",) if need.memory > there.memory else ("cpu",)


def shown(there: Need) -> str:
    gib = math.floor(there.memory / GIB * ROOM_SHOWN) / ROOM_SHOWN
    gpus = f" and {there.gpus} {there.gpu}" if there.gpus else ""
    return f"{there.cpu:g} CPU, {gib:g} GiB{gpus}"


IN_ORDER = InstancePrices("", {})
"""Whether something fits does not depend on what it costs."""
