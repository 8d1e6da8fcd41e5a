"""A HorizontalPodAutoscaler of a real controller, fed and watched in lockstep with our own function.

The target is a Deployment that no controller looks after, and its pods are bound to no node: what the autoscaler sees
of them is what the test wrote.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from engines.kubectl import Object
from engines.metrics_api import MetricsApi, Question
from engines.objects import deployment
from engines.rest import Rest
from mlsystem.capacity.controllers.hpa import decide
from mlsystem.capacity.controllers.hpa_types import (
    AverageValue,
    Behaviour,
    Condition,
    Conditions,
    HpaConfig,
    HpaState,
    Metric,
    Observation,
    Pod,
    PodSamples,
    PodUsages,
    PolicyKind,
    Readiness,
    Reading,
    Reason,
    Rules,
    Select,
    Source,
    Unavailable,
    Utilisation,
    Values,
)

NAME = "target"
AUTOSCALING = "/apis/autoscaling/v2"
PAUSE = 1.0
"""Seconds from the end of a sync to the next, by the controller's flag."""
SETTLE = 0.5
"""Seconds in which the controller has seen what was written."""
STEP = 4.0
"""Seconds between two syncs. Periods and windows of 2, 6, 10 … seconds end two seconds away from any."""
READY = {Readiness.TRUE: "True", Readiness.FALSE: "False", Readiness.UNKNOWN: "Unknown"}
SELECT = {Select.MAX: "Max", Select.MIN: "Min", Select.DISABLED: "Disabled"}


@dataclass(frozen=True)
class Seen:
    """What there is to see at a sync."""

    readings: tuple[Reading, ...]
    pods: tuple[Pod, ...] = ()


@dataclass(frozen=True)
class Series:
    """What is seen at each step, given the replicas of the spec and the time; `surge` more are in the status. In a
    `timed` one it matters when a sync is; the others go as fast as they can."""

    name: str
    config: HpaConfig
    see: Callable[[int, int, float], Seen]
    start: int = 4
    steps: int = 12
    surge: int = 0
    timed: bool = False


@dataclass(frozen=True)
class Outcome:
    """Of one sync: replicas and conditions, theirs and ours, and what ours says it decided by. Conditions that were not
    written are None: they did not change, or the controller knew an old version of its object and was refused."""

    step: int
    theirs: int
    ours: int
    their_conditions: Conditions | None
    our_conditions: Conditions
    clauses: tuple[str, ...]

    @property
    def agreed(self) -> bool:
        return self.theirs == self.ours and self.their_conditions in (None, self.our_conditions)


@dataclass
class Replay:
    """One series in a namespace of its own. `late` is by how much a sync missed its time at most: beyond half a step
    nobody knows which windows it was in, and the series has to be replayed again."""

    series: Series
    api: Rest
    metrics: MetricsApi
    attempt: int
    late: float = 0.0
    pods: dict[str, Pod] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return f"{self.series.name.replace(' ', '-')}-{self.attempt}"

    @property
    def in_time(self) -> bool:
        return not self.series.timed or self.late < STEP / 2

    def path(self, kind: str, name: str = "", group: str = "/api/v1") -> str:
        return f"{group}/namespaces/{self.namespace}/{kind}{name and f'/{name}'}"

    def target(self, part: str = "") -> str:
        return self.path("deployments", NAME, "/apis/apps/v1") + part

    def prepare(self) -> None:
        self.api.post(
            "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        )
        body = deployment(NAME, self.namespace, replicas=self.series.start)
        self.api.post(self.path("deployments", group="/apis/apps/v1"), body)
        self.api.patch(self.target("/status"), {"status": {"replicas": self.series.start + self.series.surge}})

    def run(self, start: float) -> list[Outcome]:
        """The autoscaler is made at once; its syncs are answered from `start` on, which is half past a second. What
        runs counts as recommended when it asks for the first time: should that be near a window's end, it is late."""
        path = self.path("horizontalpodautoscalers", group=AUTOSCALING)
        self.api.post(path, autoscaler(self.series.config))
        state, expected = self.before()
        status, outcomes = self.series.start, list[Outcome]()
        clauses: tuple[str, ...] = ()
        planned, version = math.inf, ""
        for step in range(self.series.steps + 1):
            question = self.metrics.next(self.namespace)
            arrived = time.time()
            self.late = max(self.late, arrived - PAUSE - planned)
            if state.recommendations is None:
                state = replace(state, recommendations=((arrived, expected),))
                self.late = STEP if abs((start - arrived) % STEP - STEP / 2) < 1.0 else self.late
            found: int = self.api.get(self.target())["spec"]["replicas"]
            if step:
                written = self.api.get(f"{path}/{NAME}")
                theirs = conditions_of(written) if written["metadata"]["resourceVersion"] != version else None
                outcomes.append(Outcome(step, found, expected, theirs, state.conditions, clauses))
                version = written["metadata"]["resourceVersion"]
                state = replace(state, conditions=conditions_of(written))
            if step == self.series.steps:
                break
            planned = start + STEP * step if self.series.timed else time.time() + SETTLE
            seen = self.series.see(step, found, planned)
            self.show(seen.pods)
            self.api.patch(self.target("/status"), {"status": {"replicas": found + self.series.surge}})
            time.sleep(max(0.0 if self.series.timed else SETTLE, planned - time.time()))
            answered = time.time()
            self.answer(question, seen)
            observation = Observation(answered, found, status + self.series.surge, seen.readings, seen.pods)
            decision = decide(self.series.config, state, observation)
            state, expected, status = decision.state, decision.desired, found
            clauses = tuple(clause.name for clause in decision.clauses)
        self.metrics.close(self.namespace)
        question.answer(None)
        self.api.connection.close()
        return outcomes

    def before(self) -> tuple[HpaState, int]:
        """What a sync does that asks for no metric, because replicas are out of bounds."""
        config, replicas = self.series.config, self.series.start
        if config.min_replicas <= replicas <= config.max_replicas:
            return HpaState(), replicas
        unseen = Observation(time.time(), replicas, replicas, (Unavailable(),) * len(config.metrics))
        decision = decide(config, HpaState(), unseen)
        return decision.state, decision.desired

    def answer(self, question: Question, seen: Seen) -> None:
        for place, (metric, reading) in enumerate(zip(self.series.config.metrics, seen.readings, strict=True)):
            asked = self.metrics.next(self.namespace) if place else question
            asked.answer(in_json(metric, reading))

    def show(self, wanted: tuple[Pod, ...]) -> None:
        """A pod that changed is made anew, since a condition cannot be merged away."""
        for name in [name for name, pod in self.pods.items() if pod not in wanted]:
            self.api.delete(self.path("pods", name))
            del self.pods[name]
        for pod in wanted:
            if pod.name not in self.pods:
                self.api.post(self.path("pods"), pod_object(pod))
                self.api.patch(self.path("pods", pod.name) + "/status", {"status": pod_status(pod)})
                if pod.deleted:
                    self.api.delete(self.path("pods", pod.name))
                self.pods[pod.name] = pod


def autoscaler(config: HpaConfig) -> Object:
    spec: Object = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME},
        "minReplicas": config.min_replicas,
        "maxReplicas": config.max_replicas,
        "metrics": [metric_object(metric) for metric in config.metrics],
    }
    if config.behaviour is not None:
        spec["behavior"] = behaviour_object(config.behaviour)
    kind = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
    return {**kind, "metadata": {"name": NAME}, "spec": spec}


def metric_object(metric: Metric) -> Object:
    body: Object = {"target": target_object(metric)}
    match metric.source:
        case Source.RESOURCE:
            body |= {"name": metric.name}
        case Source.CONTAINER_RESOURCE:
            body |= {"name": metric.name, "container": metric.container}
        case Source.OBJECT:
            described = {"apiVersion": "v1", "kind": "Service", "name": "front"}
            body |= {"metric": {"name": metric.name}, "describedObject": described}
        case _:
            body |= {"metric": {"name": metric.name}}
    key = metric.source.value[0].lower() + metric.source.value[1:]
    return {"type": metric.source.value, key: body}


def target_object(metric: Metric) -> Object:
    match metric.target:
        case Utilisation(percent):
            return {"type": "Utilization", "averageUtilization": percent}
        case AverageValue(milli):
            return {"type": "AverageValue", "averageValue": f"{milli}m"}
        case _:
            assert metric.target is not None, "the API server refuses it"
            return {"type": "Value", "value": f"{metric.target.milli}m"}


def behaviour_object(behaviour: Behaviour) -> Object:
    return {"scaleUp": rules_object(behaviour.up), "scaleDown": rules_object(behaviour.down)}


def rules_object(rules: Rules) -> Object:
    kinds = {PolicyKind.PODS: "Pods", PolicyKind.PERCENT: "Percent"}
    body: Object = {}
    if rules.policies is not None:
        body["policies"] = [
            {"type": kinds[kind], "value": value, "periodSeconds": int(period)}
            for kind, value, period in rules.policies
        ]
    if rules.select is not None:
        body["selectPolicy"] = SELECT[rules.select]
    if rules.window is not None:
        body["stabilizationWindowSeconds"] = int(rules.window)
    if rules.tolerance is not None:
        body["tolerance"] = f"{rules.tolerance:g}"
    return body


def pod_object(pod: Pod) -> Object:
    containers = [
        {"name": name, "image": "none:1", "resources": {"requests": {key: f"{milli}m" for key, milli in asked.items()}}}
        for name, asked in pod.requests.items()
    ]
    metadata: Object = {"name": pod.name, "labels": {"app": NAME}}
    if pod.deleted:
        metadata["finalizers"] = ["tests.example.com/stays"]
    spec = {"containers": containers or [{"name": "main", "image": "none:1"}], "schedulerName": "none"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def pod_status(pod: Pod) -> Object:
    status: Object = {"phase": pod.phase.name.capitalize()}
    if pod.started is not None:
        status["startTime"] = moment(pod.started)
    if pod.ready is not Readiness.ABSENT:
        ready = {"type": "Ready", "status": READY[pod.ready], "lastTransitionTime": moment(pod.transitioned)}
        status["conditions"] = [ready]
    return status


def moment(seconds: float) -> str:
    """In whole seconds, which is all that the API keeps; one without end is now."""
    whole = math.floor(seconds if math.isfinite(seconds) else time.time())
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_json(metric: Metric, reading: Reading) -> Object | None:
    """The answer to the question for this metric."""
    match reading:
        case PodUsages(usages):
            items = [
                {"metadata": {"name": name, "labels": {"app": NAME}}, "timestamp": moment(usage.at),
                 "window": f"{int(usage.window)}s",
                 "containers": [{"name": key, "usage": {} if value is None else {metric.name: f"{value}m"}}
                                for key, value in usage.containers.items()]}
                for name, usage in usages.items()
            ]  # fmt: skip
            return listed("PodMetricsList", "metrics.k8s.io/v1beta1", items)
        case PodSamples(samples):
            items = [
                {"describedObject": {"kind": "Pod", "name": name, "apiVersion": "/v1"}, "metric": {"name": metric.name},
                 "timestamp": moment(math.inf), "value": f"{sample.value}m"}
                for name, sample in samples.items()
            ]  # fmt: skip
            return listed("MetricValueList", "custom.metrics.k8s.io/v1beta2", items)
        case Values(values) if metric.source is Source.OBJECT:
            one = {
                "describedObject": {"kind": "Service", "name": "front", "apiVersion": "/v1"},
                "metric": {"name": metric.name}, "timestamp": moment(math.inf), "value": f"{values[0]}m",
            }  # fmt: skip
            return listed("MetricValueList", "custom.metrics.k8s.io/v1beta2", [one])
        case Values(values):
            items = [
                {"metricName": metric.name, "metricLabels": {"series": str(place)}, "timestamp": moment(math.inf),
                 "value": f"{value}m"}
                for place, value in enumerate(values)
            ]  # fmt: skip
            return listed("ExternalMetricValueList", "external.metrics.k8s.io/v1beta1", items)
        case _:
            return None


def listed(kind: str, version: str, items: list[Object]) -> Object:
    return {"kind": kind, "apiVersion": version, "metadata": {}, "items": items}


def conditions_of(autoscaler: Object) -> Conditions:
    found = {
        one["type"]: Condition(one["status"] == "True", Reason(one["reason"]))
        for one in autoscaler.get("status", {}).get("conditions", ())
    }
    return Conditions(*(found.get(name) for name in ("AbleToScale", "ScalingActive", "ScalingLimited", "ScaledToZero")))
