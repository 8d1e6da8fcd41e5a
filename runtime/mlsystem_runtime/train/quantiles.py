"""Quantiles that are values of the data: what model inputs are scaled by and monitors count on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def sorted_values(values: Floats) -> Floats:
    """Ascending, without NaN."""
    kept: Floats = np.sort(values[~np.isnan(values)])
    return kept


def quantiles(ascending: Floats, fractions: Floats) -> Floats:
    """The value at the nearest rank for each fraction in [0, 1]; `ascending` holds at least one value."""
    ranks = np.rint(fractions * (len(ascending) - 1)).astype(np.int64)
    chosen: Floats = ascending[ranks]
    return chosen


def cut_points(ascending: Floats, most: int) -> Floats:
    """At most `most` distinct values that cut the data evenly: every value where there are few, else quantiles."""
    distinct = np.unique(ascending)
    if len(distinct) <= most:
        return distinct
    cuts: Floats = np.unique(quantiles(ascending, np.linspace(0.0, 1.0, most + 2)[1:-1]))
    return cuts
