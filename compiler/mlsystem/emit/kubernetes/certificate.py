"""What is proven of an autoscaler, beside it: who looks at the object in the cluster reads why its numbers are so."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.cost.estimate import dollars
from mlsystem.system.certified import Capacity, Certified, Interval, share
from mlsystem.system.nodes import ModelNode
from mlsystem_runtime.contract.quantities import duration, percent
from mlsystem_runtime.contract.run import Slo

PREFIX = "mlsystem.dev/certified-"


def certificate(model: ModelNode) -> dict[str, str]:
    """None where nothing is certified."""
    capacity = model.serving.capacity
    if capacity is None or capacity.certified is None:
        return {}
    return {f"{PREFIX}{name}": text for name, text in said(capacity, capacity.certified, model.serving.slo)}


def said(capacity: Capacity, found: Certified, slo: Slo) -> Iterator[tuple[str, str]]:
    in_time = "answered" if slo.latency_us is None else f"within {duration(slo.latency_us)}"
    if slo.objective is not None:
        yield "latency", f"{interval(found.attainment)} {in_time}, {percent(slo.objective)} promised"
    if slo.availability is not None:
        yield "availability", f"{interval(found.availability)} answered, {percent(slo.availability)} promised"
    yield "worst-window", f"{share(found.worst)} {in_time} in the five minutes from {clock(found.worst_start)} on"
    yield "scenario", f"{found.scenario}, the one with the least left; {found.replications} times, seed {found.seed}"
    yield "cost", f"{dollars(found.cost)} a month at the prices of {capacity.prices}"
    yield "binding", found.binding
    yield "inputs", ", ".join(f"{name} {hashed}" for name, hashed in found.inputs.items())


def clock(seconds: float) -> str:
    """Of the traffic, from its first second: hours and minutes, of days too where there are any."""
    days, rest = divmod(round(seconds), 86_400)
    return f"{f'day {days + 1}, ' if days else ''}{rest // 3600:02d}:{rest % 3600 // 60:02d}"


def interval(found: Interval) -> str:
    return f"{share(found.mean)} ({share(found.low)} to {share(found.high)})"
