"""Two-sample tests on counts: did a window come from the distribution of the reference? numpy only.

Every test takes two integer vectors over the same frozen cells, both of them samples: the reference's own sampling
error is part of each p-value. Cells are fixed and counts exact, so an outlier is one row in an outer cell, no more.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

KS_CELLS = 48          # cells of at least this share of all rows; more would add cost, not power
KS_NODES = 96          # of the quadrature: spacing well below the standard deviation of one step
KS_FAR = 3.2           # beyond it the p-value is below 3e-9 and the bound by Kolmogorov's law is enough
LEAST_EXPECTED = 5.0   # rows that a cell of a chi-square test must expect (Cochran 1954)
EXACT_BELOW = 20.0     # expected rows below which the test of two rates is exact
PSI_CELLS = 10


@dataclass(frozen=True)
class Outcome:
    """`effect` is the share of rows that moved, in [0, 1]; `p_value` None where the cells allow no test (one cell)."""

    p_value: float | None
    effect: float


@dataclass(frozen=True)
class Psi:
    """`critical` is exceeded with probability 0.05 where both samples come from one distribution."""

    value: float
    critical: float


def ks(reference: Counts, window: Counts) -> Outcome:
    """Kolmogorov-Smirnov for two samples that are known by ordered cells.

    The p-value is that of the largest absolute value of a Brownian bridge at the pooled shares of the cells' edges,
    which is the limit of the statistic on a grid; the usual law, of the whole path, rejects too rarely there. Small
    samples are corrected as by Stephens (1970). Only pooled counts decide which cells are put together, so the p-value
    stays valid.
    """
    rows, other = int(window.sum()), int(reference.sum())
    if not rows or not other:
        return Outcome(None, 0.0)
    reference, window = _joined(reference, window, _starts(reference + window, (rows + other) / KS_CELLS))
    if len(window) < 2:
        return Outcome(1.0, 0.0)
    distance = float(np.abs(np.cumsum(reference)[:-1] / other - np.cumsum(window)[:-1] / rows).max())
    effective = math.sqrt(rows * other / (rows + other))
    shares = np.cumsum(reference + window)[:-1] / (rows + other)
    return Outcome(bridge_exceeds((effective + 0.12 + 0.11 / effective) * distance, shares), distance)


def bridge_exceeds(bound: float, times: Floats) -> float:
    """P(max |B(t)| >= bound) over `times`, ascending in (0, 1), of a Brownian bridge B.

    Chapman-Kolmogorov step by step: the density of a Brownian motion that has stayed inside, by Gauss-Legendre
    quadrature, and at last the density of its return to 0, over that of an unhindered one. Times closer together than
    the quadrature resolves are one.
    """
    if bound <= 0.0:
        return 1.0
    if bound > KS_FAR:
        return min(1.0, 2.0 * math.exp(-2.0 * bound * bound))
    times = _apart(times, (4.0 * bound / KS_NODES) ** 2)
    nodes, weights = (one * bound for one in _legendre())
    squares = (nodes[:, None] - nodes[None, :]) ** 2
    density = _normal(nodes**2, times[0])
    for step in np.diff(times):
        density = _normal(squares, step) @ (weights * density)
    inside = float(_normal(nodes**2, 1.0 - times[-1]) @ (weights * density)) * math.sqrt(2.0 * math.pi)
    return min(1.0, max(0.0, 1.0 - inside))


@functools.cache
def _legendre() -> tuple[Floats, Floats]:
    """Nodes and weights on [-1, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(KS_NODES)
    return nodes, weights


def _apart(times: Floats, step: float) -> Floats:
    """The times at least `step` from 0, from 1 and from the one kept before; at least the one next to the middle."""
    kept = [0.0]
    for time in times.tolist():
        if step <= time - kept[-1] and time <= 1.0 - step:
            kept.append(time)
    return np.array(kept[1:]) if len(kept) > 1 else times[[int(np.abs(times - 0.5).argmin())]]


def _normal(squares: Floats, variance: float) -> Floats:
    density: Floats = np.exp(squares / (-2.0 * variance)) / math.sqrt(2.0 * math.pi * variance)
    return density


def chi_square(reference: Counts, window: Counts) -> Outcome:
    """Pearson's test of homogeneity on the 2 x cells table, both rows random.

    Cells are put together, from frequent to rare, until each expects LEAST_EXPECTED rows in the smaller sample; the
    share of what is left over is tested apart, exactly (Sidak corrects for two tests). The effect is the total
    variation over the cells as given.
    """
    rows, other = int(window.sum()), int(reference.sum())
    if not rows or not other:
        return Outcome(None, 0.0)
    effect = float(np.abs(reference / other - window / rows).sum()) / 2.0
    pooled = reference + window
    order = np.argsort(-pooled, kind="stable")[: int((pooled > 0).sum())]
    least = LEAST_EXPECTED * (rows + other) / min(rows, other)
    grouped, found = _joined(reference[order], window[order], _starts(pooled[order], least))
    common = grouped + found >= least
    p_values = [_homogeneity(grouped[common], found[common])]
    if not common.all():
        p_values.append(rates(int(found[~common].sum()), rows, int(grouped[~common].sum()), other).p_value or 0.0)
    return Outcome(1.0 - (1.0 - min(p_values)) ** len(p_values), effect)


def _homogeneity(reference: Counts, window: Counts) -> float:
    rows, other = int(window.sum()), int(reference.sum())
    if len(window) < 2 or not rows or not other:
        return 1.0
    if len(window) == 2:  # one rate: exact, where counts are small
        return rates(int(window[0]), rows, int(reference[0]), other).p_value or 0.0
    pooled = (reference + window) / (rows + other)
    statistic = sum(
        float(((counts - pooled * total) ** 2 / (pooled * total)).sum())
        for counts, total in ((reference, other), (window, rows))
    )
    return chi_square_exceeds(statistic, len(pooled) - 1)


def psi(reference: Counts, window: Counts) -> Psi | None:
    """Population stability index over at most PSI_CELLS cells of about equal reference share, half a row added to each.

    Where nothing has changed it is distributed as (1/n + 1/m) times chi-square with cells - 1 degrees of freedom
    (Yurdakul 2018), so a fixed bound would mean something else for every n; `critical` says what chance alone reaches.
    """
    reference, window = _joined(reference, window, _starts(reference, reference.sum() / (PSI_CELLS + 0.5)))
    rows, other = int(window.sum()), int(reference.sum())
    if len(window) < 2 or not rows or not other:
        return None
    expected = (reference + 0.5) / (other + 0.5 * len(reference))
    found = (window + 0.5) / (rows + 0.5 * len(window))
    value = float(((found - expected) * np.log(found / expected)).sum())
    return Psi(value, (1.0 / rows + 1.0 / other) * chi_square_quantile(0.05, len(window) - 1))


def rates(hits: int, rows: int, other_hits: int, other_rows: int) -> Outcome:
    """Do two shares differ? Pooled z-test, or where a count is expected to be small Fisher's test with the mid-p-value,
    which is neither blind nor trigger-happy at rates near 0 or 1."""
    if not rows or not other_rows:
        return Outcome(None, 0.0)
    effect = abs(hits / rows - other_hits / other_rows)
    total, all_hits = rows + other_rows, hits + other_hits
    if all_hits in (0, total):
        return Outcome(1.0, effect)
    if min(all_hits, total - all_hits) * min(rows, other_rows) / total < EXACT_BELOW:
        return Outcome(_fisher(hits, rows, all_hits, total), effect)
    share = all_hits / total
    z = effect / math.sqrt(share * (1.0 - share) * (1.0 / rows + 1.0 / other_rows))
    return Outcome(math.erfc(z / math.sqrt(2.0)), effect)


def _fisher(hits: int, rows: int, all_hits: int, total: int) -> float:
    """Two-sided mid-p of the hypergeometric law: what is less likely than what was seen, and half of the as likely."""
    lowest, highest = max(0, all_hits - (total - rows)), min(rows, all_hits)
    support = range(lowest, highest + 1)
    logs = np.array([_log_choose(all_hits, k) + _log_choose(total - all_hits, rows - k) for k in support])
    likely = np.exp(logs - logs.max())
    likely /= likely.sum()
    seen = likely[hits - lowest]
    same = np.isclose(likely, seen, rtol=1e-7, atol=0.0)
    return float(min(1.0, likely[(likely < seen) & ~same].sum() + likely[same].sum() / 2.0))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def holm(p_values: list[float], level: float) -> list[float]:
    """The bound of each p-value under Holm's step-down procedure: a hypothesis is rejected where its p-value is at most
    its bound. With probability at most `level` any true one is, however the tests depend on each other."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    bounds, going = [0.0] * len(p_values), True
    for rank, index in enumerate(order):
        bound = level / (len(p_values) - rank)
        bounds[index] = bound if going else min(bound, math.nextafter(p_values[index], 0.0))
        going = going and p_values[index] <= bound
    return bounds


def _starts(weights: Counts, least: float) -> NDArray[np.intp]:
    """Where groups of neighbouring cells start. A cell of at least weight `least` is a group of its own; lighter ones
    are put together until they weigh that much, or a heavy one follows."""
    starts, weight = [0], 0.0
    for index, one in enumerate(weights.tolist()):
        if weight > 0.0 and (weight >= least or one >= least):
            starts.append(index)
            weight = 0.0
        weight += one
    return np.array(starts, dtype=np.intp)


def _joined(reference: Counts, window: Counts, starts: NDArray[np.intp]) -> tuple[Counts, Counts]:
    return np.add.reduceat(reference, starts), np.add.reduceat(window, starts)


def chi_square_exceeds(statistic: float, degrees: int) -> float:
    """The upper tail of chi-square: the regularised incomplete gamma function Q(degrees / 2, statistic / 2), by its
    series below its mean and by Lentz's continued fraction above (Numerical Recipes 6.2)."""
    a, x = degrees / 2.0, statistic / 2.0
    if x <= 0.0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    return max(0.0, 1.0 - front * _gamma_series(a, x)) if x < a + 1.0 else front * _gamma_fraction(a, x)


def _gamma_series(a: float, x: float) -> float:
    term = total = 1.0 / a
    while term > total * 1e-16:
        a += 1.0
        term *= x / a
        total += term
    return total


def _gamma_fraction(a: float, x: float) -> float:
    b = x + 1.0 - a
    c, d = 1e300, 1.0 / b
    value, step, number = d, 0.0, 0
    while abs(step - 1.0) > 1e-15 and number < 10_000:
        number += 1
        factor = -number * (number - a)
        b += 2.0
        d = 1.0 / (factor * d + b)
        c = b + factor / c
        step = c * d
        value *= step
    return value


def chi_square_quantile(tail: float, degrees: int) -> float:
    """The value that chi-square exceeds with probability `tail`; by bisection, to 1e-9 of itself."""
    low, high = 0.0, float(degrees)
    while chi_square_exceeds(high, degrees) > tail:
        high *= 2.0
    while high - low > 1e-9 * high:
        middle = (low + high) / 2.0
        low, high = (middle, high) if chi_square_exceeds(middle, degrees) > tail else (low, middle)
    return high
