"""Chance as a function: the same request has the same fate in every configuration that is compared."""

from __future__ import annotations

import numpy as np

from mlsystem.capacity.simulation.compiled import compiled


@compiled
def uniform(key: int, stream: int, number: int) -> float:
    """A number from [0, 1) that depends on these three alone, each at least 0: SplitMix64 (Steele, Lea, Flood 2014),
    whose state is itself drawn from key and stream."""
    start = _mixed(np.uint64(key) ^ (np.uint64(stream) * np.uint64(0xD1342543DE82EF95)))
    bits = _mixed(start + np.uint64(number) * np.uint64(0x9E3779B97F4A7C15))
    return np.float64(bits >> np.uint64(11)) * 2.0**-53


@compiled
def _mixed(bits: np.uint64) -> np.uint64:
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
