"""Pieces of queries: which series are this system's, and numbers written as people write them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.run import Slo

NOT_OURS_TO_ANSWER = "invalid|cancelled"
"""Outcomes of requests that no service level counts: the caller was wrong, or has gone."""


def series(name: str, cluster: Cluster, model: str | None = None, **labels: str) -> str:
    """`labels` as matchers; one that begins with `=~` or `!~` is an expression."""
    found = {"system": cluster.prefix, "environment": cluster.system.environment}
    if model is not None:
        found["model"] = model
    return f"{name}{{{','.join(matcher(key, value) for key, value in {**found, **labels}.items())}}}"


def matcher(label: str, value: str) -> str:
    """`value` may begin with its operator."""
    operator = value[:2] if value[:2] in ("=~", "!~") else "="
    return f'{label}{operator}"{value.removeprefix(operator) if operator != "=" else value}"'


def valid(cluster: Cluster, model: str) -> str:
    """Requests that count for the service level."""
    return series(names.REQUESTS, cluster, model, outcome=f"!~{NOT_OURS_TO_ANSWER}")


def bad(cluster: Cluster, model: str) -> str:
    """Those of them that got no answer."""
    return series(names.REQUESTS, cluster, model, outcome=f"!~ok|{NOT_OURS_TO_ANSWER}")


def fast(cluster: Cluster, model: str, slo: Slo) -> str:
    """Answers within the threshold: the server's histogram has a bucket that ends exactly there."""
    assert slo.latency_us is not None
    return series(f"{names.LATENCY}_bucket", cluster, model, le=repr(slo.latency_us / 1e6))


def seconds(microseconds: int) -> str:
    """Without a fraction where there is none."""
    return plain(Decimal(microseconds) / 1_000_000)


def exact(number: Fraction) -> str:
    """As a decimal where that comes to an end, else as a division that Prometheus does."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"({number.numerator} / {number.denominator})"
    return plain(Decimal(number.numerator) / Decimal(number.denominator))


def plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
