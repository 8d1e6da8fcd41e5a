"""Waiting in queues, by formula: where a search for replicas begins. What decides is the simulation.

Rates are per second, times in seconds. `load` is a = λ·E[S], the servers that would be busy if there were no end of
them; a queue with as many servers or fewer never comes to rest, and its waits are infinite. Only the standard library
is used, so that a plan may ask too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, pvariance

MOST_SERVERS = 100_000
NORMAL = NormalDist()


def erlang_b(load: float, servers: int) -> float:
    """The share of requests that are lost where nobody waits: M/G/c/c.

    B(0) = 1, B(k) = a·B(k-1) / (k + a·B(k-1)) (Erlang 1917): all terms are positive, so nothing is lost to rounding.
    """
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked


def erlang_c(load: float, servers: int) -> float:
    """The share of requests that wait in M/M/c: B / (1 - a/c·(1 - B)); 1 where the queue never comes to rest."""
    return _waiting(erlang_b(load, servers), load, servers)


def _waiting(blocked: float, load: float, servers: int) -> float:
    if load >= servers:
        return 1.0
    return blocked / (1.0 - load / servers * (1.0 - blocked))


@dataclass(frozen=True)
class Wait:
    """How long requests wait: none of it with probability 1 - `share`, else exponentially with `mean` seconds.

    Exact for M/M/c served in order of arrival, and what Allen and Cunneen take for other queues.
    """

    share: float
    mean: float

    def average(self) -> float:
        return self.share * self.mean

    def beyond(self, seconds: float) -> float:
        """P(W > seconds): 1 before 0 seconds."""
        if seconds < 0.0:
            return 1.0
        return self.share * math.exp(-seconds / self.mean) if self.mean > 0.0 else 0.0

    def quantile(self, share: float) -> float:
        """What that share of requests waits at most."""
        if share <= 1.0 - self.share:
            return 0.0
        return self.mean * math.log(self.share / (1.0 - share))


def mmc(rate: float, service: float, servers: int) -> Wait:
    """M/M/c: Poisson arrivals, exponential service with that mean."""
    return _wait(erlang_c(rate * service, servers), rate, service, servers)


def allen_cunneen(rate: float, service: float, servers: int, service_scv: float, arrival_scv: float = 1.0) -> Wait:
    """G/G/c: the wait of M/M/c times (Ca² + Cs²)/2 (Allen 1990); with one server it is Kingman's. `scv`: variance over
    squared mean. Within 5% of the mean for a service scv up to 1; 20 to 40% too long at 4 and many servers."""
    exponential = mmc(rate, service, servers)
    return Wait(exponential.share, exponential.mean * (arrival_scv + service_scv) / 2.0)


def _wait(share: float, rate: float, service: float, servers: int) -> Wait:
    spare = servers / service - rate
    return Wait(share, 1.0 / spare if spare > 0.0 else math.inf)


def mdc_wait(rate: float, service: float, servers: int) -> float:
    """The mean wait of M/D/c, every service as long as the other: Crommelin's series (1932), to about 1e-12.

    E[W]/D = Σ_{i≥1} P(N_i ≥ ic) - (c/a)·P(N_i ≥ ic + 1), N_i Poisson with mean i·a.
    """
    load = rate * service
    if load >= servers:
        return math.inf
    total = 0.0
    for number in range(1, 1_000_000):
        tail = _poisson_tail(number * load, number * servers)
        more = tail - servers / load * (tail - _poisson(number * load, number * servers))
        total += more
        if more <= 1e-13 * total:
            break
    return total * service


def _poisson(mean: float, count: int) -> float:
    return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))


def _poisson_tail(mean: float, least: int) -> float:
    """P(N ≥ least), for `least` above the mean, where the terms fall from the first on."""
    term = _poisson(mean, least)
    total, count = term, least
    while term > 1e-17 * total:
        count += 1
        term *= mean / count
        total += term
    return total


def batching_mean(rate: float, a: float, b: float) -> float:
    """At most so long does a request take on average where one server computes all that waits, n rows in a·n + b.

    min(φ0, φ1) of Inoue, "Queueing analysis of GPU-based inference servers with dynamic batching" (2021, arXiv
    1912.06322), for Poisson arrivals and batches without bound. Within 5% of what is simulated.
    """
    if rate * a >= 1.0:
        return math.inf
    first = (a + b) / (2 * (1 - rate * a)) * (1 + 2 * rate * b + (1 - rate * b) / (1 + rate * a))
    second = 1.5 * b / (1 - rate * a) + a / 2 * (rate * a + 2) / (1 - (rate * a) ** 2)
    return min(first, second)


def halfin_whitt(beta: float) -> float:
    """About the share that waits with a + β√a servers: 1 / (1 + β·Φ(β)/φ(β)) (Halfin and Whitt 1981).

    The limit for many servers. Below about fifty it promises too much: 2.5 times fewer waits at load 5 and β = 2.
    """
    return 1.0 / (1.0 + beta * NORMAL.cdf(beta) / NORMAL.pdf(beta))


def square_root_staffing(load: float, waiting: float) -> int:
    """About so many servers let that share of requests wait; erlang_c says exactly. `waiting`: above 0, below 1."""
    assert 0.0 < waiting < 1.0
    beta = bisect(lambda value: halfin_whitt(value) <= waiting, 0.0, 40.0)
    return math.ceil(load + beta * math.sqrt(load))


@dataclass(frozen=True)
class Service:
    """Service times as they were measured, seconds, at least one."""

    samples: tuple[float, ...]

    @classmethod
    def of(cls, samples: Sequence[float]) -> Service:
        assert samples
        assert min(samples) >= 0.0
        return cls(tuple(sorted(samples)))

    @property
    def mean(self) -> float:
        return fmean(self.samples)

    @property
    def scv(self) -> float:
        """Variance over squared mean: 0 where all take equally long, 1 for exponential times."""
        return pvariance(self.samples) / self.mean**2

    def beyond(self, wait: Wait, seconds: float) -> float:
        """P(W + S > seconds), wait and service independent."""
        return fmean(wait.beyond(seconds - sample) for sample in self.samples)

    def quantile(self, wait: Wait, share: float) -> float:
        """The latency that this share of requests keeps."""
        longest = self.samples[-1] + wait.quantile(share) + 1e-12
        if math.isinf(longest):
            return math.inf
        return bisect(lambda seconds: self.beyond(wait, seconds) <= 1.0 - share, 0.0, longest)


def servers_within(
    rate: float, service: Service, objective: float, seconds: float, arrival_scv: float = 1.0
) -> int | None:
    """The fewest servers with which that share of requests is answered within `seconds`, by Allen and Cunneen's wait.

    None where no number would do, since too many services alone take longer.
    """
    mean, factor = service.mean, (arrival_scv + service.scv) / 2.0
    if service.beyond(Wait(0.0, 0.0), seconds) > 1.0 - objective:
        return None
    for servers, share in _shares(rate * mean):
        if servers > rate * mean:
            exponential = _wait(share, rate, mean, servers)
            if service.beyond(Wait(share, exponential.mean * factor), seconds) <= 1.0 - objective:
                return servers
    return None


def rate_within(service: Service, servers: int, objective: float, seconds: float, arrival_scv: float = 1.0) -> float:
    """The most requests per second with which `servers` answer that share within `seconds`; 0 where none is."""
    factor = (arrival_scv + service.scv) / 2.0

    def misses(rate: float) -> bool:
        exponential = mmc(rate, service.mean, servers)
        wait = Wait(exponential.share, exponential.mean * factor)
        return service.beyond(wait, seconds) > 1.0 - objective

    return 0.0 if misses(0.0) else bisect(misses, 0.0, servers / service.mean)


def _shares(load: float) -> Iterator[tuple[int, float]]:
    """(servers, Erlang C) for 1, 2, … servers in one pass."""
    blocked = 1.0
    for servers in range(1, MOST_SERVERS + 1):
        blocked = load * blocked / (servers + load * blocked)
        yield servers, _waiting(blocked, load, servers)


def bisect(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The least value, to double precision, from which on `holds` is true; `high` where it never is."""
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
