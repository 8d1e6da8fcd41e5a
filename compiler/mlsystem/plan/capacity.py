"""How many replicas an endpoint has, what they cost and what is proven of them: as it was applied, and as it is meant.

Read from snapshots, so that a manifest tells it of an environment whose files have changed since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlsystem.system.certified import Capacity
from mlsystem.system.snapshot import Facet, Kind, NodeSnapshot, SystemSnapshot
from mlsystem_runtime.contract.base import Struct


class Proof(Struct):
    """In words, of the scenario with the least left: the promised percentile and its latency, what share is answered,
    how much of what may be bad is left."""

    scenario: str
    percentile: str | None
    latency: str
    available: str
    margin: str


class Fleet(Struct):
    """`least_cost` and `most_cost`: dollars a month; one that is certified costs the same on average, whatever comes of
    what is expected. None: not known."""

    min_replicas: int
    max_replicas: int
    metric: str
    target: str
    least_cost: float | None
    most_cost: float | None
    proof: Proof | None


class EndpointCapacity(Struct):
    """`before` None: there was no such endpoint. `prices` says whose they are, and when."""

    endpoint: str
    before: Fleet | None
    now: Fleet
    prices: str


def capacities(
    old: SystemSnapshot | None, new: SystemSnapshot, known: Mapping[str, Capacity]
) -> Iterator[EndpointCapacity]:
    """Of every endpoint in a cluster; `known` has them by name."""
    applied = {} if old is None else {node.id: node for node in old.nodes}
    for node in new.nodes:
        if node.kind is Kind.ENDPOINT and node.name in known:
            was = applied.get(node.id) or applied.get(node.renamed_from or "")
            capacity = known[node.name]
            yield EndpointCapacity(
                endpoint=node.name,
                before=None if was is None else before(was, node, capacity.replica),
                now=fleet(node, capacity.replica),
                prices=capacity.prices,
            )


def before(was: NodeSnapshot, node: NodeSnapshot, replica: float) -> Fleet | None:
    """What replicas of other hardware cost is not known any more; one machine had none."""
    old, new = was.facets[Facet.OPERATE], node.facets[Facet.OPERATE]
    if "scaling.min_replicas" not in old:
        return None
    same = all(old.get(name) == new[name] for name in ("hardware.cpu", "hardware.memory"))
    return fleet(was, replica if same else None)


def fleet(node: NodeSnapshot, replica: float | None) -> Fleet:
    """`replica`: dollars a month, None where that is not known any more."""
    values = node.facets[Facet.OPERATE]
    least, most = values["scaling.min_replicas"], values["scaling.max_replicas"]
    certified = values.get("certified.dollars_a_month")
    between = (None, None) if replica is None else (round(least * replica, 2), round(most * replica, 2))
    cheapest, dearest = between if certified is None else (certified, certified)
    return Fleet(
        min_replicas=least,
        max_replicas=most,
        metric=values["scaling.metric"],
        target=values["scaling.target"],
        least_cost=cheapest,
        most_cost=dearest,
        proof=None if certified is None else proof(values),
    )


def proof(values: Mapping[str, Any]) -> Proof:
    promised = values.get("slo.objective")
    return Proof(
        scenario=values["certified.scenario"],
        percentile=None if promised is None else f"p{promised.removesuffix('%')}",
        latency=values["certified.latency"],
        available=values["certified.available"],
        margin=values["certified.margin"],
    )
