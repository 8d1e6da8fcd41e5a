"""Which pods count for a metric, and what their samples sum to.

Source: kubernetes 1.36.3, pkg/controller/podautoscaler/replica_calculator.go (groupPods, calculateRequests) and
metrics/client.go (the sums over containers).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa_types import (
    Aggregate,
    Flags,
    Metric,
    Phase,
    Pod,
    PodSamples,
    PodUsages,
    Readiness,
    Sample,
    Source,
    Usage,
    Utilisation,
)

PER_POD = (Source.RESOURCE, Source.CONTAINER_RESOURCE, Source.PODS)
POD_LEVEL = ("cpu", "memory")
"""Resources that a pod's own requests may speak of, beside huge pages."""


class Tally(NamedTuple):
    """What of a metric counts: `samples` with their `usage`, `matched` of them of pods whose `requests` are known;
    `busy_missing` is what the missing pods count as while scaling down. Milli-units but for the counts."""

    ready: int
    samples: int
    matched: int
    usage: int
    requests: int
    missing: int
    missing_requests: int
    missing_busy: int
    unready: int
    unready_requests: int


class Groups(NamedTuple):
    """Pods by name; those that are ready are only counted."""

    ready: int
    unready: frozenset[str]
    missing: frozenset[str]
    ignored: frozenset[str]


def quotient(dividend: int, divisor: int) -> int:
    """Rounded towards zero, as Go divides integers."""
    return dividend // divisor if dividend >= 0 else -(-dividend // divisor)


def of_aggregate(metric: Metric, seen: Aggregate) -> Tally | Clause:
    """Pods that are all alike; the same as `of_pods` of each of them."""
    ready, usage, request, unready, missing = seen
    if not ready:
        return Clause.NO_SAMPLES if unready or missing else Clause.NO_PODS
    target = metric.target
    busy = busy_as(request, target) if missing and isinstance(target, Utilisation) else 0
    return Tally(
        ready, ready, ready, usage, ready * request,
        missing, missing * request, missing * busy, unready, unready * request,
    )  # fmt: skip


def of_pods(
    metric: Metric, seen: PodSamples | PodUsages, pods: tuple[Pod, ...], flags: Flags, now: float
) -> Tally | Clause:
    if not pods:
        return Clause.NO_PODS
    cpu = metric.source is not Source.PODS and metric.name == "cpu"
    samples = dict(seen.samples) if isinstance(seen, PodSamples) else of_containers(metric, seen.usages)
    groups = group(pods, samples, flags, now, cpu=cpu)
    for name in groups.ignored | groups.unready:
        samples.pop(name, None)
    if not samples:
        return Clause.NO_SAMPLES
    if isinstance(metric.target, Utilisation):
        return against_requests(metric, metric.target, samples, pods, groups)
    usage = sum(sample.value for sample in samples.values())
    return Tally(groups.ready, len(samples), 0, usage, 0, len(groups.missing), 0, 0, len(groups.unready), 0)


def against_requests(
    metric: Metric, target: Utilisation, samples: Mapping[str, Sample], pods: tuple[Pod, ...], groups: Groups
) -> Tally | Clause:
    """Samples of pods that the selector does not find stay in their number, but not in the sums."""
    requests = {pod.name: request_of(pod, metric) for pod in pods}
    if None in requests.values():
        return Clause.NO_REQUEST
    known = {name: request for name, request in requests.items() if request is not None}
    matched = samples.keys() & known.keys()
    return Tally(
        groups.ready, len(samples), len(matched),
        sum(samples[name].value for name in matched), sum(known[name] for name in matched),
        len(groups.missing), total(known, groups.missing), sum(busy_as(known[name], target) for name in groups.missing),
        len(groups.unready), total(known, groups.unready),
    )  # fmt: skip


def total(requests: Mapping[str, int], names: Iterable[str]) -> int:
    return sum(requests[name] for name in names)


def busy_as(request: int, target: Utilisation) -> int:
    """What a pod without a sample counts as while scaling down: all of its request, or the target if that is more."""
    return quotient(request * max(100, target.percent), 100)


def of_containers(metric: Metric, usages: Mapping[str, Usage]) -> dict[str, Sample]:
    """One container's usage, or all of a pod's, which is missing if one container's is."""
    one = metric.source is Source.CONTAINER_RESOURCE
    samples: dict[str, Sample] = {}
    for name, (containers, at, window) in usages.items():
        values = [containers.get(metric.container)] if one else list(containers.values())
        present = [value for value in values if value is not None]
        if present and len(present) == len(values):
            samples[name] = Sample(sum(present), at, window)
    return samples


def group(pods: Iterable[Pod], samples: Mapping[str, Sample], flags: Flags, now: float, *, cpu: bool) -> Groups:
    """The order matters: a pod that is going away never counts, a pending one never has a sample."""
    ready = 0
    unready, missing, ignored = set[str](), set[str](), set[str]()
    for pod in pods:
        if pod.deleted or pod.phase is Phase.FAILED:
            ignored.add(pod.name)
        elif pod.phase is Phase.PENDING:
            unready.add(pod.name)
        elif (sample := samples.get(pod.name)) is None:
            missing.add(pod.name)
        elif cpu and too_young(pod, sample, flags, now):
            unready.add(pod.name)
        else:
            ready += 1
    return Groups(ready, frozenset(unready), frozenset(missing), frozenset(ignored))


def too_young(pod: Pod, sample: Sample, flags: Flags, now: float) -> bool:
    """Whether CPU of this pod may still be that of its start: it is within the initialisation period and not ready, or
    not for a whole window of the sample; or it is past that and was never ready."""
    if pod.ready is Readiness.ABSENT or pod.started is None:
        return True
    if pod.started + flags.cpu_initialisation > now:
        return pod.ready is Readiness.FALSE or sample.at < pod.transitioned + sample.window
    return pod.ready is Readiness.FALSE and pod.started + flags.initial_readiness_delay > pod.transitioned


def request_of(pod: Pod, metric: Metric) -> int | None:
    """Of one container, or of the pod: its own request if its spec has any, else the sum of its containers', which must
    each have one."""
    resource = metric.name
    if metric.source is Source.CONTAINER_RESOURCE:
        return pod.requests.get(metric.container, {}).get(resource)
    requests = [container.get(resource) for container in pod.requests.values()]
    present = [request for request in requests if request is not None]
    if pod.pod_requests and any(counts_for_pods(name) for name in pod.pod_requests):
        own = pod.pod_requests.get(resource) if counts_for_pods(resource) else None
        return own if own is not None else sum(present) if present else None
    return sum(present) if len(present) == len(requests) else None


def counts_for_pods(resource: str) -> bool:
    return resource in POD_LEVEL or resource.startswith("hugepages-")


def listed(pods: Iterable[Pod]) -> tuple[int, int]:
    """How many there are, and how many run and are ready, be they going away or not."""
    found = list(pods)
    return len(found), sum(pod.phase is Phase.RUNNING and pod.ready is Readiness.TRUE for pod in found)
