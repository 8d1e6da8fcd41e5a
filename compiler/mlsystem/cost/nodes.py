"""Which machines carry which pods: the cheapest that fit, and how many of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from mlsystem.cost.instances import INSTANCES, Instance, InstancePrices, Need, fits, room

SPOT_TYPES = 4
"""Kinds of machines that a group of spot capacity may be made of: where one is taken away, another is left."""
SPOT_DEARER = Decimal(2)
"""How many times the cheapest another of them may cost."""

TINY = 1e-9
"""Of a core: less than what a request can say, more than what sums of them are off by."""

Pods = Mapping[Need, int]
"""How many of each."""


class Packed(NamedTuple):
    """`nodes` machines of one kind hold all the pods."""

    instance: Instance
    nodes: int


def cheapest(need: Need, prices: InstancePrices, among: Iterable[Instance] = INSTANCES) -> Instance | None:
    """The one with room for such a pod that costs least; None where none has room. Of equals the larger one."""
    fitting = [one for one in among if fits(need, one)]
    return min(fitting, key=lambda one: (prices.order(one), -one.cpu, -one.memory, one.name), default=None)


def interchangeable(need: Need, prices: InstancePrices) -> tuple[Instance, ...]:
    """For spot capacity: the cheapest first, then others with room for the pod and as many GPUs of the same kind, the
    smallest first. An autoscaler takes all of a group for its first one, which therefore is no larger than others."""
    best = cheapest(need, prices)
    if best is None:
        return ()
    dearest = prices.order(best) * SPOT_DEARER
    others = [
        one for one in INSTANCES
        if one != best and fits(need, one) and (one.gpu, one.gpus) == (best.gpu, best.gpus)
        and one.cpu >= best.cpu and one.memory >= best.memory and prices.order(one) <= dearest
    ]  # fmt: skip
    others.sort(key=lambda one: (prices.order(one), one.name))
    return (best, *others[: SPOT_TYPES - 1])


def packed(pods: Pods, instance: Instance) -> int | None:
    """How many such nodes hold all pods: the largest first, each on the first node with room. None where one fits on
    none. The least number may be smaller: by less than a quarter and one (first fit decreasing, of one resource)."""
    free: list[Need] = []
    for need, count in sorted(pods.items(), key=lambda found: size_of(found[0], instance), reverse=True):
        if count and not fits(need, instance):
            return None
        without = count
        for place, left in enumerate(free):
            taken = min(without, how_many(need, left))
            free[place] = less(left, need, taken)
            without -= taken
        while without > 0:
            taken = min(without, how_many(need, room(instance)))
            free.append(less(room(instance), need, taken))
            without -= taken
    return len(free)


def how_many(need: Need, left: Need) -> int:
    """Such pods that have room in what is left; at most as many as a node could ever have."""
    found = [left.cpu / need.cpu + TINY, left.memory / need.memory] + ([left.gpus / need.gpus] if need.gpus else [])
    return int(min(found))


def less(left: Need, need: Need, count: int) -> Need:
    """What is left without `count` pods more."""
    cpu = round(left.cpu - count * need.cpu, 6)
    return Need(cpu, left.memory - count * need.memory, left.gpus - count * need.gpus, left.gpu)


def size_of(need: Need, instance: Instance) -> tuple[float, float, int]:
    """The share of a node that it takes, of the resource of which it takes most."""
    there = room(instance)
    return (max(need.cpu / there.cpu, need.memory / there.memory), need.cpu, need.memory)


def cheapest_nodes(
    pods: Pods, prices: InstancePrices, least: int = 0, zones: int = 1, fewest: Pods | None = None
) -> Packed | None:
    """One kind of machine, and how many hold all pods, but no fewer than `least` and as many in each of `zones`, for
    the least money; of equals the fewer and larger ones. None where some pod fits on none.

    `fewest`: there are as few pods as these at times, and machines come and go with them; what counts is half-way.
    """
    def nodes(wanted: Pods, one: Instance) -> int | None:
        held = packed(wanted, one)
        return None if held is None else math.ceil(max(held, least) / zones) * zones

    def paid(one: Packed) -> int:
        return one.nodes + (one.nodes if fewest is None else nodes(fewest, one.instance) or 0)

    found = [Packed(one, held) for one in INSTANCES if (held := nodes(pods, one)) is not None]
    return min(found, key=lambda one: (paid(one) * prices.order(one.instance), one.nodes, one.instance.name),
               default=None)  # fmt: skip


def largest(need: Need) -> Instance:
    """Of the kind that was asked for (with its GPU, any GPU, or none), the one with most."""
    kind = [one for one in INSTANCES if (one.gpus > 0) == (need.gpus > 0) and need.gpu in (None, one.gpu)]
    return max(kind, key=lambda one: (one.gpus, one.cpu, one.memory, one.gpu_memory))
