from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from mlsystem.cost.instances import BY_NAME, GPUS, INSTANCES, MIB, Instance, InstancePrices, Need, fits, room
from mlsystem.cost.nodes import cheapest, cheapest_nodes, interchangeable, largest, packed

GI = 2**30
HERE = InstancePrices("us-east-1", {})
CORES = (0.25, 1.0, 1.7, 2.0, 4.0, 7.5, 16.0, 33.0, 100.0)
MEMORIES = (GI // 2, 3 * GI, 8 * GI, 15 * GI, 60 * GI, 200 * GI, 900 * GI)
NEEDS = [Need(cpu, memory) for cpu, memory in itertools.product(CORES, MEMORIES)]
WITH_GPUS = [
    Need(cpu, memory, gpus, gpu)
    for cpu, memory, gpus, gpu in itertools.product((1.0, 6.0, 40.0), (4 * GI, 100 * GI), (1, 2, 8), (None, *GPUS))
]


@pytest.mark.parametrize(
    ("name", "milli", "mib"),
    [("m7i.large", 1930, 6903), ("c7i.xlarge", 3920, 6584), ("g5.48xlarge", 191450, 723299)],
)
def test_pods_have_what_the_node_does_not_keep_for_itself(name: str, milli: int, mib: int) -> None:
    """Reckoned by hand: 7.5% of the memory, then 255 MiB, 11 for each address and 100; 6%, 1%, .5%, .5%, .25%…"""
    instance = BY_NAME[name]

    assert instance.cores_for_pods * 1000 == pytest.approx(milli)
    assert instance.bytes_for_pods // MIB == mib


def test_every_machine_has_room_for_some_pod_and_no_two_are_alike() -> None:
    assert all(room(one).cpu > 1 and room(one).memory > GI for one in INSTANCES)
    assert len(BY_NAME) == len(INSTANCES)


@pytest.mark.parametrize("need", [*NEEDS, *WITH_GPUS], ids=str)
def test_the_choice_is_the_cheapest_of_all_that_fit(need: Need) -> None:
    fitting = [one for one in INSTANCES if by_definition(need, one.name)]

    found = cheapest(need, HERE)

    assert (found is None) == (not fitting)
    assert found is None or (found in fitting and found.hour == min(one.hour for one in fitting))


def by_definition(need: Need, name: str) -> bool:
    """Whether one pod fits, written out."""
    one, there = BY_NAME[name], room(BY_NAME[name])
    if need.gpus and need.gpu is not None and one.gpu != need.gpu:
        return False
    if bool(need.gpus) != bool(one.gpus):
        return False
    return there.cpu >= need.cpu and there.memory >= need.memory and one.gpus >= need.gpus


@pytest.mark.parametrize(("need", "count"), list(itertools.product(NEEDS[::4], (1, 2, 7, 30))), ids=str)
def test_alike_pods_are_on_as_few_machines_as_can_be_and_these_cost_the_least(need: Need, count: int) -> None:
    costs = {
        one.name: -(-count // each) * one.hour
        for one in INSTANCES
        if fits(need, one) and (each := min(int(room(one).cpu / need.cpu + 1e-9), room(one).memory // need.memory))
    }

    found = cheapest_nodes({need: count}, HERE)

    assert (found is None) == (not costs)
    assert found is None or found.nodes * found.instance.hour == min(costs.values())


def test_pods_of_several_sizes_never_take_more_than_a_node_has() -> None:
    """First fit decreasing: no worse than 22% and one above the least number, which the sums bound from below."""
    pods = {Need(1.0, 2 * GI): 5, Need(3.0, 3 * GI): 4, Need(0.5, 6 * GI): 7}
    for instance in (BY_NAME["m7i.xlarge"], BY_NAME["c7i.4xlarge"], BY_NAME["r7i.2xlarge"]):
        there = room(instance)
        nodes = packed(pods, instance)

        assert nodes is not None
        cpu = sum(need.cpu * count for need, count in pods.items()) / there.cpu
        memory = sum(need.memory * count for need, count in pods.items()) / there.memory
        assert max(cpu, memory) <= nodes <= 2 * max(cpu, memory) + 1


def test_a_thousand_replicas_are_packed_at_once() -> None:
    assert packed({Need(1.0, GI): 1000, Need(0.3, GI): 3}, BY_NAME["m7i.xlarge"]) == 334


def test_a_pod_without_gpus_is_not_put_where_they_are() -> None:
    assert not fits(Need(1.0, GI), BY_NAME["g5.xlarge"])
    assert fits(Need(1.0, GI, 1), BY_NAME["g5.xlarge"])


def test_spot_capacity_may_be_of_several_machines_the_cheapest_first_and_each_with_room() -> None:
    need = Need(3.0, 12 * GI, 1, "a10g")

    found = interchangeable(need, HERE)

    assert [one.name for one in found] == ["g5.xlarge", "g5.2xlarge", "g5.4xlarge"]
    assert all(fits(need, one) and one.gpus == 1 for one in found)


def test_prices_of_the_file_decide_and_those_of_other_regions_are_not_guessed() -> None:
    given = InstancePrices("eu-west-1", {"m7i.large": Decimal("0.01")})

    found = cheapest(Need(0.5, GI), given)

    assert found is not None
    assert found.name == "m7i.large"
    assert (given.hour("m7i.large"), given.hour("c7i.large")) == (Decimal("0.01"), None)
    assert given.source("m7i.large") == "the file's own prices"
    assert HERE.hour("c7i.large") == Decimal("0.08925")
    assert HERE.source("c7i.large").endswith("us-east-1, Linux on demand, of 2026-02-09")


def test_the_largest_is_of_the_kind_that_was_asked_for() -> None:
    assert largest(Need(500.0, GI)).name == "r7i.48xlarge"
    assert largest(Need(1.0, GI, 16, "a10g")).name == "g5.48xlarge"
    assert largest(Need(1.0, GI, 16)).name == "p5.48xlarge"


def test_machines_that_come_and_go_with_their_pods_are_small_where_many_small_ones_cost_as_much() -> None:
    one, most, fewest = Need(1.0, 2 * GI), 10, 2
    steady = cheapest_nodes({one: most}, HERE)
    varying = cheapest_nodes({one: most}, HERE, fewest={one: fewest})
    assert steady is not None
    assert varying is not None

    def paid(instance: Instance, count: int) -> Decimal:
        nodes = packed({one: count}, instance)
        assert nodes is not None
        return nodes * HERE.order(instance)

    assert paid(varying.instance, fewest) <= paid(steady.instance, fewest)
    assert all(
        paid(varying.instance, most) + paid(varying.instance, fewest) <= paid(other, most) + paid(other, fewest)
        for other in INSTANCES if packed({one: 1}, other) is not None
    )  # fmt: skip
