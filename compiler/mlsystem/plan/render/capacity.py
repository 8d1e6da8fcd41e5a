"""Replicas in a plan, in words."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.cost.estimate import dollars
from mlsystem.plan.capacity import EndpointCapacity, Fleet
from mlsystem.plan.plan import Plan


def capacity_lines(plan: Plan) -> Iterator[str]:
    """Two for each endpoint in a cluster: how many and what they cost, then what is proven of them."""
    for one in plan.capacity:
        yield f"Endpoint {one.endpoint}: {replicas(one)}, {monthly(one)} a month at the prices of {one.prices}."
        yield f"  {proven(one.now, plan.environment)}"


def replicas(one: EndpointCapacity) -> str:
    old, new = one.before or one.now, one.now
    by = moved(old.metric, new.metric)
    return f"replicas {moved(span(old), span(new))} by {by} at {moved(old.target, new.target)}"


def span(fleet: Fleet) -> str:
    least, most = fleet.min_replicas, fleet.max_replicas
    return f"{least} to {most}" if least < most else f"{least}"


def monthly(one: EndpointCapacity) -> str:
    """With the difference, where both are known exactly."""
    old, new = one.before, one.now
    if old is None or old.least_cost is None:
        return between(new)
    difference = (new.least_cost or 0.0) - old.least_cost
    sign = "+" if difference > 0 else ""
    told = f" ({sign}{dollars(difference)})" if difference and is_exact(old) and is_exact(new) else ""
    return f"{moved(between(old), between(new))}{told}"


def between(fleet: Fleet) -> str:
    assert fleet.least_cost is not None, "of what is meant the price is known"
    assert fleet.most_cost is not None, "so is that of the most"
    least, most = dollars(fleet.least_cost), dollars(fleet.most_cost)
    return least if is_exact(fleet) else f"{least} to {most}"


def is_exact(fleet: Fleet) -> bool:
    return fleet.least_cost == fleet.most_cost


def proven(fleet: Fleet, environment: str) -> str:
    found = fleet.proof
    if found is None:
        return f"not certified: mlsystem capacity solve -e {environment}"
    latency = "" if found.percentile is None else f"{found.percentile} {found.latency}, "
    return f"certified: {latency}available {found.available}, margin {found.margin}; the worst case is {found.scenario}"


def moved(old: str, new: str) -> str:
    return new if old == new else f"{old} → {new}"
