"""The record that an autoscaling configuration holds its SLO: what was asked, what was found, and how sure that is.

Shares are between 0 and 1, times in seconds, money in dollars a month.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from mlsystem.capacity.inputs import Controller, Inputs, Quantity
from mlsystem.system.certified import STANDARD, Behaviour, Direction, Interval, ScalingPolicy
from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.run import Slo

__all__ = [
    "STANDARD", "Behaviour", "Certificate", "Choice", "Direction", "Interval", "ScalingPolicy", "Scenario", "Settings",
    "Stretch", "stale",
]  # fmt: skip


class Settings(Struct):
    """What an autoscaler is given. `target`: a share of the requested CPU, or requests a second (or held) by a replica.
    `behaviour` None: the controller has none."""

    controller: Controller
    metric: Quantity
    target: Annotated[float, Meta(gt=0)]
    min_replicas: int
    max_replicas: int
    behaviour: Behaviour | None = STANDARD


class Stretch(Struct):
    """The worst five minutes of any replication: where in the traffic they begin, and what share was in time."""

    start: float
    attainment: float


class Scenario(Struct):
    """`attainment`: answered within the objective's latency, of all requests; `availability`: answered at all.

    `latency` is the one at the objective's percentile. `start` and `seconds`: the window of the traffic that was
    simulated; `traffic` says it to people.
    """

    name: str
    traffic: str
    start: float
    seconds: float
    attainment: Interval
    availability: Interval
    latency: float
    replicas_mean: float
    replicas_max: int
    worst: Stretch

    def left(self, slo: Slo) -> float:
        """Of the requests that may be bad, the share that is not, by the lower bounds: of the objective with the least
        left; 1 where nothing is promised."""
        objectives = ((self.attainment, slo.objective), (self.availability, slo.availability))
        return min((1 - (1 - found.low) / (1 - asked) for found, asked in objectives if asked is not None), default=1.0)


class Choice(Struct):
    """A configuration on the Pareto front: none that is cheaper has an attainment as high.

    `attainment`: the lower bound in the worst scenario; `certified`: it holds all objectives in all of them.
    """

    settings: Settings
    cost: float
    attainment: float
    availability: float
    certified: bool


class Certificate(Struct):
    """`inputs`: hashes by part. `whole`: one replication of all the traffic. `margin`: the share of the error budget
    that the worst lower bound leaves. `binding`: what keeps it from being cheaper. `static_cost`: of as many replicas
    all the time as hold the same, None where max_replicas are too few."""

    inputs: Mapping[str, str]
    seed: int
    replications: int
    settings: Settings
    scenarios: Annotated[tuple[Scenario, ...], Meta(min_length=1)]
    whole: Scenario
    cost: float
    static_cost: float | None
    prices: str
    margin: float
    binding: str
    assumptions: tuple[str, ...]
    front: tuple[Choice, ...] = ()


def stale(certificate: Certificate, inputs: Inputs) -> tuple[str, ...]:
    """The parts that are not what they were when the certificate was made; one that is new or gone is one too."""
    now = inputs.hashes()
    names = dict.fromkeys([*now, *certificate.inputs])
    return tuple(name for name in names if now.get(name) != certificate.inputs.get(name))
