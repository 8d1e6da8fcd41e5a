"""Which machines a cluster has that is made here; what may be chosen at all, tests of the table say."""

from __future__ import annotations

from typing import Any

import pytest
from clusters import EXAMPLES, cluster_of
from msgspec.structs import replace

from mlsystem.cost.instances import BY_NAME, InstancePrices, Need, fits, room
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.passes.hardware import node_groups, own_pods, replica, step
from mlsystem.system.installed import platform_pods
from mlsystem.system.node_groups import group_for, group_of_training, one_machine
from mlsystem.system.target import NodeGroup, TrainingHardware

HERE = InstancePrices("us-east-1", {})
ZONES = 3


def cluster(example: str = "flights", **settings: Any) -> Cluster:
    return cluster_of(EXAMPLES / example / "mlsystem.yaml", workspace="s3://models/delay", **settings)


def groups_of(one: Cluster, **hardware: Any) -> tuple[NodeGroup, ...]:
    return node_groups(models_with(one, **hardware), one.target, tuple(own_pods(one.target)), ZONES, HERE)


def models_with(one: Cluster, **hardware: Any) -> tuple[Any, ...]:
    return tuple(
        replace(model, training=replace(model.training, hardware=replace(model.training.hardware, **hardware)))
        for model in one.system.models
    )


def named(groups: tuple[NodeGroup, ...], name: str) -> NodeGroup:
    return next(group for group in groups if group.name == name)


def test_what_always_runs_has_as_many_nodes_in_every_zone_and_room_for_all_of_it() -> None:
    one = cluster(platform={"argo_workflows": True, "prometheus": True})

    system = named(groups_of(one), "system")

    there = room(BY_NAME[system.instances[0]])
    cpu = sum(pod.cpu * pod.replicas for pod in platform_pods(one.target, gpus=False))
    cpu += sum(pod.cpu for pod in own_pods(one.target))
    assert system.least % ZONES == 0
    assert system.least * there.cpu >= cpu
    assert not system.spot


def test_servers_have_room_for_their_most_replicas_and_more_while_others_take_over() -> None:
    one = cluster(override={"serving": {"scaling": {"min_replicas": 2, "max_replicas": 20}}})
    (model,) = one.system.models

    serving = named(groups_of(one), "serving")

    instance, need = BY_NAME[serving.instances[0]], replica(model)
    each = min(int(room(instance).cpu / need.cpu), room(instance).memory // need.memory)
    assert serving.least * each >= 2
    assert serving.most * each >= 30
    assert serving.least >= 2


def test_one_replica_needs_one_node_only() -> None:
    one = cluster(override={"serving": {"scaling": {"min_replicas": 1, "max_replicas": 1}}})

    assert named(groups_of(one), "serving").least == 1


def test_steps_run_on_nodes_that_are_there_while_they_do() -> None:
    pipeline = named(groups_of(cluster()), "pipeline")

    assert (pipeline.least, pipeline.gpus, pipeline.spot) == (0, 0, False)
    assert fits(step(TrainingHardware(1.0, 4 * 2**30, 0, None)), BY_NAME[pipeline.instances[0]])


@pytest.mark.parametrize("gpu", ["a10g", "A10G", "h100", None])
def test_a_training_with_gpus_has_nodes_of_its_own_with_these(gpu: str | None) -> None:
    groups = groups_of(cluster(), gpus=1, gpu_type=gpu, nodes=3)

    training = groups[-1]
    assert (training.least, training.most, training.purpose) == (0, 3, "training")
    assert gpu is None or training.gpu == gpu.lower()
    assert training.name == f"training-{training.instances[0].replace('.', '-')}"


def test_spot_capacity_is_of_several_machines_and_never_that_of_servers() -> None:
    groups = groups_of(cluster(), gpus=1, gpu_type="a10g", spot=True)

    assert [group.spot for group in groups] == [False, False, False, True]
    assert len(groups[-1].instances) > 1
    assert groups[-1].name.endswith("-spot")


def test_models_with_the_same_machines_share_them() -> None:
    one = cluster("seattle-two")

    groups = groups_of(one, gpus=1, gpu_type="l4")

    assert [group.name for group in groups] == ["system", "serving", "pipeline", "training-g6-xlarge"]
    assert groups[-1].most == 2


def test_every_training_finds_the_group_that_was_made_for_it() -> None:
    one = cluster("seattle-two")
    rain, warmth = models_with(one)
    big = TrainingHardware(4.0, 8 * 2**30, 1, "l4", nodes=2)
    rain = replace(rain, training=replace(rain.training, hardware=big))

    groups = node_groups((rain, warmth), one.target, tuple(own_pods(one.target)), ZONES, HERE)

    found = group_of_training(groups, big)
    assert found is not None
    assert found.trains == (one_machine(big),)
    assert group_of_training(groups, warmth.training.hardware) == group_for(groups, "pipeline")


def test_a_store_of_the_system_takes_room_that_an_existing_one_does_not() -> None:
    own = sum(pod.memory for pod in own_pods(cluster().target))
    given = sum(pod.memory for pod in own_pods(cluster(online_store={"uri": "redis://cache.example.com"}).target))

    assert own > given


def test_the_prices_of_the_file_choose_other_machines() -> None:
    one = cluster()
    dear = InstancePrices("us-east-1", dict.fromkeys(("c7i.large", "m7i.large"), BY_NAME["p5.48xlarge"].hour))

    cheap = named(groups_of(one), "pipeline").instances
    found = node_groups(one.system.models, one.target, tuple(own_pods(one.target)), ZONES, dear)

    assert cheap[0] in ("c7i.large", "m7i.large")
    assert named(found, "pipeline").instances[0] not in ("c7i.large", "m7i.large")


def test_a_need_says_itself_in_words() -> None:
    assert str(Need(2.0, 8 * 2**30, 2, "a10g")) == "2 CPU, 8 GiB, 2 a10g"
