"""Which pods count for a metric, and that pods in aggregate give what the same pods give one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa import decide
from mlsystem.capacity.controllers.hpa_metrics import propose
from mlsystem.capacity.controllers.hpa_pods import group, of_containers, quotient, request_of
from mlsystem.capacity.controllers.hpa_types import (
    Aggregate,
    AverageValue,
    Flags,
    HpaConfig,
    HpaState,
    Metric,
    Observation,
    Phase,
    Pod,
    PodCount,
    PodSamples,
    PodUsages,
    Proposal,
    Readiness,
    Reading,
    Sample,
    Source,
    Usage,
    Utilisation,
    Value,
    Values,
    milli,
)

NOW = 10_000.0
CPU = Metric(Source.RESOURCE, Utilisation(60))
MEMORY = Metric(Source.RESOURCE, AverageValue(milli(100e6)), "memory")
QUEUE = Metric(Source.PODS, AverageValue(5000), "queue")
FLAGS = Flags()


def pod(name: str, cpu: int = 1000) -> Pod:
    return Pod(name, {"server": {"cpu": cpu}})


def grouped(one: Pod, sample: Sample | None, *, cpu: bool = True) -> str:
    ready, unready, missing, ignored = group([one], {one.name: sample} if sample else {}, FLAGS, NOW, cpu=cpu)
    names = {"ready": ready, "unready": len(unready), "missing": len(missing), "ignored": len(ignored)}
    return next(name for name, count in names.items() if count)


def asked(metric: Metric, reading: Reading, *pods: Pod, replicas: int | None = None) -> Proposal:
    current = len(pods) if replicas is None else replicas
    return propose(HpaConfig((metric,), 100), metric, reading, Observation(NOW, current, current, (reading,), pods))


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({}, "ready"),
        ({"deleted": True}, "ignored"),
        ({"phase": Phase.FAILED}, "ignored"),
        ({"phase": Phase.PENDING}, "unready"),
        ({"phase": Phase.SUCCEEDED}, "ready"),
        ({"ready": Readiness.ABSENT}, "unready"),
        ({"started": None}, "unready"),
        ({"ready": Readiness.FALSE}, "unready"),
    ],
)
def test_a_pod_counts_by_where_it_is_in_its_life(changed: dict[str, object], where: str) -> None:
    assert grouped(replace(pod("a"), **changed), Sample(1)) == where  # type: ignore[arg-type]


def test_a_pod_without_a_sample_is_missing_unless_it_is_pending_or_going() -> None:
    assert grouped(pod("a"), None) == "missing"
    assert grouped(replace(pod("a"), phase=Phase.PENDING), None) == "unready"
    assert grouped(replace(pod("a"), deleted=True), None) == "ignored"


def test_readiness_matters_for_cpu_alone() -> None:
    unready = replace(pod("a"), ready=Readiness.FALSE, started=NOW - 10, transitioned=NOW - 10)

    assert grouped(unready, Sample(1)) == "unready"
    assert grouped(unready, Sample(1), cpu=False) == "ready"


def test_while_cpu_initialises_a_sample_must_be_all_of_the_time_since_the_pod_became_ready() -> None:
    young = replace(pod("a"), started=NOW - 200, transitioned=NOW - 90)

    assert grouped(young, Sample(1, at=NOW - 31, window=60)) == "unready"
    assert grouped(young, Sample(1, at=NOW - 30, window=60)) == "ready"


def test_after_that_an_unready_pod_counts_if_it_was_ready_once() -> None:
    old = replace(pod("a"), started=NOW - 400, ready=Readiness.FALSE)

    assert grouped(replace(old, transitioned=NOW - 371), Sample(1)) == "unready"
    assert grouped(replace(old, transitioned=NOW - 370), Sample(1)) == "ready"


def test_a_pod_has_a_sample_only_if_each_of_its_containers_has() -> None:
    usages = {"a": Usage({"server": 200, "proxy": 50}), "b": Usage({"server": 200, "proxy": None}), "c": Usage({})}
    one = Metric(Source.CONTAINER_RESOURCE, Utilisation(50), "cpu", "server")

    assert {name: sample.value for name, sample in of_containers(CPU, usages).items()} == {"a": 250}
    assert {name: sample.value for name, sample in of_containers(one, usages).items()} == {"a": 200, "b": 200}


def test_requests_are_of_all_containers_or_of_the_one_or_of_the_pod_itself() -> None:
    two = Pod("a", {"server": {"cpu": 500}, "proxy": {"cpu": 100}})
    one = Metric(Source.CONTAINER_RESOURCE, Utilisation(50), "cpu", "proxy")

    assert request_of(two, CPU) == 600
    assert request_of(two, one) == 100
    assert request_of(replace(two, pod_requests={"cpu": 900}), CPU) == 900
    assert request_of(replace(two, pod_requests={"memory": 900}), CPU) == 600
    assert request_of(replace(two, pod_requests={"cpu": 900}), one) == 100


def test_a_container_without_a_request_fails_the_metric_even_in_a_pod_that_does_not_count() -> None:
    bare = Pod("b", {"server": {}}, deleted=True)
    reading = PodUsages({"a": Usage({"server": 900})})

    assert asked(CPU, reading, pod("a"), bare).clauses == (Clause.NO_REQUEST,)
    assert asked(MEMORY, reading, pod("a"), bare).replicas is not None


def test_samples_of_strangers_count_in_an_average_but_not_against_requests() -> None:
    average = PodSamples({"a": Sample(5000), "stranger": Sample(20_000)})
    share = PodUsages({"a": Usage({"server": 600}), "stranger": Usage({"server": 5000})})

    assert asked(QUEUE, average, pod("a")).value == 12_500
    assert asked(CPU, share, pod("a")).utilisation == 60


def test_no_pods_and_no_samples_are_told_apart() -> None:
    unready = replace(pod("a"), phase=Phase.PENDING)

    assert asked(QUEUE, PodSamples({"a": Sample(1)})).clauses == (Clause.NO_PODS,)
    assert asked(QUEUE, PodSamples({"a": Sample(1)}), unready).clauses == (Clause.NO_SAMPLES,)
    assert asked(QUEUE, Aggregate(0, 0)).clauses == (Clause.NO_PODS,)
    assert asked(QUEUE, Aggregate(0, 0, unready=1)).clauses == (Clause.NO_SAMPLES,)


def test_whole_numbers_are_divided_towards_zero() -> None:
    assert [quotient(a, b) for a, b in [(7, 2), (-7, 2), (-8, 2), (0, 3), (10**30, 7)]] == [3, -3, -4, 0, 10**30 // 7]


def test_a_sum_of_series_beyond_what_the_controller_can_count_is_the_most_it_can() -> None:
    most = Values((2**62, 2**62, 2**62))
    by_average, by_value = (Metric(Source.EXTERNAL, target(1000), "queue") for target in (AverageValue, Value))

    assert asked(by_average, most, pod("a")).replicas == asked(by_value, most, pod("a")).replicas == 2**31 - 1


@settings(max_examples=300, deadline=None)
@given(
    metric=st.sampled_from((CPU, replace(CPU, target=Utilisation(130)), replace(CPU, target=AverageValue(700)), QUEUE)),
    usages=st.lists(st.integers(0, 12_000), max_size=8),
    unready=st.integers(0, 4),
    missing=st.integers(0, 4),
    replicas=st.integers(1, 20),
    request=st.integers(1, 2000),
)
def test_pods_in_aggregate_are_decided_on_like_the_same_pods_one_by_one(
    metric: Metric, usages: list[int], unready: int, missing: int, replicas: int, request: int
) -> None:
    ready_pods = [pod(f"ready-{place}", request) for place in range(len(usages))]
    pending = [replace(pod(f"unready-{place}", request), phase=Phase.PENDING) for place in range(unready)]
    lost = [pod(f"missing-{place}", request) for place in range(missing)]
    pods = (*ready_pods, *pending, *lost)
    one_by_one: Reading = (
        PodSamples({one.name: Sample(usage) for one, usage in zip(ready_pods, usages, strict=True)})
        if metric.source is Source.PODS
        else PodUsages({one.name: Usage({"server": usage}) for one, usage in zip(ready_pods, usages, strict=True)})
    )
    together = Aggregate(len(usages), sum(usages), request, unready, missing)
    config = HpaConfig((metric,), 1000)

    apart = decide(config, HpaState(), Observation(NOW, replicas, replicas, (one_by_one,), pods))
    summed = decide(config, HpaState(), Observation(NOW, replicas, replicas, (together,), PodCount(len(pods), 0)))

    assert summed == apart


@settings(max_examples=200, deadline=None)
@given(
    kinds=st.lists(st.tuples(st.sampled_from(Phase), st.sampled_from(Readiness), st.booleans()), max_size=10),
    value=st.integers(0, 200_000),
)
def test_a_target_for_the_whole_counts_the_pods_that_run_and_are_ready(
    kinds: list[tuple[Phase, Readiness, bool]], value: int
) -> None:
    metric = Metric(Source.EXTERNAL, Value(10_000), "queue")
    pods = tuple(Pod(f"{place}", {}, phase, ready, deleted=gone) for place, (phase, ready, gone) in enumerate(kinds))
    count = PodCount(len(kinds), sum(kind[:2] == (Phase.RUNNING, Readiness.TRUE) for kind in kinds))
    config = HpaConfig((metric,), 1000)

    apart = decide(config, HpaState(), Observation(NOW, 5, 5, (Values((value,)),), pods))

    assert decide(config, HpaState(), Observation(NOW, 5, 5, (Values((value,)),), count)) == apart
