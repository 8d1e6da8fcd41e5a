"""What is known of an endpoint's replicas: how fast they come and go, what they cost, and what is proven of them.

Shares are between 0 and 1, times in seconds, money in dollars a month.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal

from mlsystem_runtime.contract.base import Struct


class ScalingPolicy(Struct):
    """At most `value` pods or percent of change in any `period` seconds."""

    kind: Literal["pods", "percent"]
    value: int
    period: int


class Direction(Struct):
    """Of several policies the one that allows most holds; `window` is the stabilisation window in seconds."""

    window: int
    policies: tuple[ScalingPolicy, ...]


class Behaviour(Struct):
    up: Direction
    down: Direction


STANDARD: Final = Behaviour(
    up=Direction(0, (ScalingPolicy("percent", 100, 15), ScalingPolicy("pods", 4, 15))),
    down=Direction(300, (ScalingPolicy("percent", 50, 60),)),
)
"""Up at once, at most to the double or by four in 15 s; down to what the last five minutes asked for at most, at most
to the half in a minute."""


class Interval(Struct):
    """A mean over replications, and the bounds between which the true one lies with 95% confidence."""

    mean: float
    low: float
    high: float


class Certified(Struct):
    """What `capacity.lock.json` says of the scenario with the least left of its objectives.

    `attainment`: in time, of all requests; `availability`: answered at all. `latency`: at the objective's percentile,
    the most of any scenario. `worst`: in time, of the five minutes in which fewest were, which begin `worst_start`
    into the traffic. `margin`: of the requests that may be bad, what is left. `inputs`: hashes by part.
    """

    scenario: str
    attainment: Interval
    availability: Interval
    latency: float
    worst: float
    worst_start: float
    cost: float
    margin: float
    binding: str
    seed: int
    replications: int
    inputs: Mapping[str, str]


class Capacity(Struct):
    """`replica` is what one costs; `prices` says whose prices those are, and when."""

    replica: float
    prices: str
    certified: Certified | None


def share(fraction: float) -> str:
    """As a percentage with three decimals at most, never more than it is: 0.999996 is no 100%."""
    return f"{math.floor(fraction * 1e5 + 1e-6) / 1e3:g}%"
