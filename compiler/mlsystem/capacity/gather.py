"""What a system says of one endpoint, as the inputs of an answer: the search and the compiler gather them alike, so
that a certificate is stale exactly where the search would be asked something else."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mlsystem.capacity.inputs import Demand, Inputs, Machine, Price, Speed, Wanted
from mlsystem.capacity.profile import Profile
from mlsystem.cost.prices import Prices
from mlsystem.system.nodes import ModelNode, Serving
from mlsystem.system.target import Scaling, Traffic
from mlsystem_runtime.contract.base import digest


def inputs_of(model: ModelNode, prices: Prices, profile: Profile | None, folder: Path) -> Inputs:
    """`profile`: what was measured of this model in this environment. `folder` is the spec's, where the trace is found;
    raises OSError where it cannot be read."""
    serving = model.serving
    return Inputs(
        slo=serving.slo,
        traffic=demand(serving.traffic, folder),
        scaling=wanted(serving.scaling),
        hardware=Machine(serving.hardware, serving.workers),
        profile=speed(serving, profile),
        price=Price(cpu=str(prices.cpu), memory=str(prices.memory), of=str(prices)),
    )


def demand(traffic: Traffic, folder: Path) -> Demand:
    content = None if traffic.trace is None else (folder / traffic.trace).read_bytes()
    sha256 = None if content is None else hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()
    return Demand(mean_rps=traffic.mean_rps, peak_rps=traffic.peak_rps, trace=sha256)


def wanted(scaling: Scaling) -> Wanted:
    free = scaling.free
    return Wanted(
        controller=scaling.controller,
        max_replicas=scaling.max_replicas,
        min_replicas=None if "min_replicas" in free else scaling.min_replicas,
        metric=None if "metric" in free else scaling.metric,
        target=None if "target" in free else scaling.target,
        max_cost=scaling.max_cost,
    )


def speed(serving: Serving, profile: Profile | None) -> Speed:
    """What was measured; without that, what is declared; else nothing. A declared start counts beside a measured."""
    declared = serving.profile
    cold_start_us = None if declared is None else declared.cold_start_us
    if profile is not None:
        return Speed(digest(profile), None, cold_start_us)
    return Speed(None, None if declared is None else declared.service_time_us, cold_start_us)
