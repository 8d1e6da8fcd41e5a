"""How long a batch takes, as a·n + b over its rows n, learned from batches that were computed and from nothing else.

Time spent waiting is no part of it: a burst that made requests wait says nothing about the next idle moment.
"""

from __future__ import annotations

import math

FORGET = 0.98            # weight of the past at each new batch: about the last 50 count
OUTLIER = 5.0            # a batch counts as at most this many times what was expected: a pause is not the model's
FIRST_SECONDS = 0.001    # of one row, where nothing was measured
MOST_ROWS = 1024         # of one batch, unless one request alone has more


class ServiceTime:
    """Least squares with exponential forgetting. `a` seconds a row, `b` seconds a batch, neither below 0."""

    def __init__(self) -> None:
        self.a = 0.0
        self.b = FIRST_SECONDS
        self._weight = self._n = self._t = self._nn = self._nt = 0.0

    def seconds(self, rows: int) -> float:
        return self.a * rows + self.b

    def rows_within(self, seconds: float) -> int:
        """The largest batch that takes at most `seconds`, of 1 to MOST_ROWS."""
        if self.a <= 0.0:
            return MOST_ROWS
        return max(1, math.floor(min((seconds - self.b) / self.a, MOST_ROWS)))

    def observe(self, rows: int, seconds: float) -> None:
        if self._weight > 0.0:
            seconds = min(seconds, OUTLIER * self.seconds(rows) + 1e-6)
        self._weight = self._weight * FORGET + 1.0
        self._n = self._n * FORGET + rows
        self._t = self._t * FORGET + seconds
        self._nn = self._nn * FORGET + rows * rows
        self._nt = self._nt * FORGET + rows * seconds
        self._fit()

    def _fit(self) -> None:
        """The slope stays what it was while all batches are alike: nothing can be said of it then."""
        mean_n, mean_t = self._n / self._weight, self._t / self._weight
        variance = self._nn / self._weight - mean_n * mean_n
        if variance > 0.25 + 1e-3 * mean_n * mean_n:
            self.a = max(0.0, (self._nt / self._weight - mean_n * mean_t) / variance)
        self.a = min(self.a, mean_t / mean_n)
        self.b = mean_t - self.a * mean_n
