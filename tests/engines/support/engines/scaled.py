"""A ScaledObject of the real KEDA, fed and watched in lockstep with our own function.

The operator polls by its own clock, and each poll is found by the queries it puts. The autoscaler's questions are held
until the poll is done and then passed on to KEDA's adapter, so that polls and syncs take turns.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from queue import Empty

from engines.autoscaled import NAME, conditions_of, in_json, pod_object, pod_status
from engines.kubectl import KubectlError, Object
from engines.metrics_api import MetricsApi, Question
from engines.objects import deployment
from engines.prometheus_api import Answer, Fault, PrometheusApi
from engines.rest import Rest
from engines.scaled_objects import annotations_of, scaled_object
from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa_types import Conditions, Pod, PodUsages, Unavailable, Usage
from mlsystem.capacity.controllers.keda import counts, decide
from mlsystem.capacity.controllers.keda_types import (
    KedaConfig,
    KedaState,
    MetricKind,
    Poll,
    QueryTrigger,
    ResourceTrigger,
    Sync,
    Trigger,
    TriggerReading,
)

SCALED = "/apis/keda.sh/v1alpha1"
AUTOSCALER = f"keda-hpa-{NAME}"
POLLING = 4.0
"""Seconds from poll to poll."""
SYNC = 4.1
"""Seconds from the end of an autoscaler's sync to the next, by the controller's flag. Also, it looks at all autoscalers
once in that time, and who is held then comes again that much later: so it may be no shorter than POLLING. The first is
so long after the autoscaler was made, which is in the second step."""
LOOK = 0.9
"""Seconds after a poll when what it did is done."""
ANSWER = 1.3
"""Seconds after a poll when the autoscaler's question is answered, or when it comes; each time a little later."""
LATEST = 3.2
"""Seconds after a poll when it has to have come."""
END = 3.6
"""Seconds after a poll when what the sync did is done."""
LATE = 0.5
"""Seconds by which a poll may miss its time. Beyond, polls and syncs did not take turns."""
START = 30.0
"""Seconds that the operator may take to begin."""
SETTLED = 0.15
"""Seconds after a poll when an autoscaler that asks has seen what the poll did."""


@dataclass(frozen=True)
class Told:
    """What polls and syncs of a step are told, by trigger; of a resource, the percent that each pod uses."""

    polls: tuple[Answer, ...]
    syncs: tuple[Answer, ...]


@dataclass(frozen=True)
class Series:
    """What is told at each step; `changes` are of the config, by the step before whose poll they are written."""

    name: str
    config: KedaConfig
    told: Sequence[Told]
    start: int = 4
    steps: int = 10
    changes: Mapping[int, Mapping[str, object]] = field(default_factory=dict)

    def at(self, step: int) -> Told:
        """Read on from its start when it ends."""
        return self.told[step % len(self.told)]


@dataclass(frozen=True)
class Found:
    """After a poll or a sync: replicas, failures by trigger as the object's status counts them, when it last was active
    (whole seconds), the autoscaler's conditions (None where they were not written, or matter to nobody), and whether
    Prometheus was asked."""

    replicas: int
    failures: tuple[int | None, ...]
    active: float | None
    conditions: Conditions | None
    asked: bool

    def agrees(self, other: Found) -> bool:
        """Activity is noted a moment after the poll by which we count."""
        conditions = None in (self.conditions, other.conditions) or self.conditions == other.conditions
        if self.active is None or other.active is None:
            near = self.active == other.active
        else:
            near = abs(self.active - other.active) <= 1.0
        numbers = (self.replicas, self.failures, self.asked) == (other.replicas, other.failures, other.asked)
        return numbers and near and conditions


@dataclass(frozen=True)
class Outcome:
    """Of one poll or sync, theirs and ours, and what ours says it decided by."""

    step: int
    of: str
    theirs: Found
    ours: Found
    clauses: tuple[str, ...]

    @property
    def agreed(self) -> bool:
        return self.theirs.agrees(self.ours)


@dataclass
class Replay:
    """One series in a namespace of its own. `late` is by how much something missed its time at most."""

    series: Series
    api: Rest
    adapter: Rest
    metrics: MetricsApi
    prometheus: PrometheusApi
    attempt: int
    late: float = 0.0
    state: KedaState = field(default_factory=KedaState)
    outcomes: list[Outcome] = field(default_factory=list)
    pods: dict[str, Pod] = field(default_factory=dict)
    changed: bool = False
    version: str = ""

    def __post_init__(self) -> None:
        self.config = self.series.config
        self.replicas = self.series.start
        self.status = max(self.replicas, self.config.autoscaler.min_replicas)

    @property
    def namespace(self) -> str:
        return f"{self.series.name.replace(' ', '-')}-{self.attempt}"

    @property
    def in_time(self) -> bool:
        return self.late < LATE

    def path(self, kind: str, name: str = "", group: str = "/api/v1") -> str:
        return f"{group}/namespaces/{self.namespace}/{kind}{name and f'/{name}'}"

    @property
    def target(self) -> str:
        return self.path("deployments", NAME, "/apis/apps/v1")

    @property
    def scaled(self) -> str:
        return self.path("scaledobjects", NAME, SCALED)

    def prepare(self) -> None:
        self.api.post(
            "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        )
        body = deployment(NAME, self.namespace, replicas=self.series.start)
        self.api.post(self.path("deployments", group="/apis/apps/v1"), body)
        self.report()
        self.show()

    def run(self, start: float) -> list[Outcome]:
        """The object is made at `start`, and its first poll is as soon as the operator has seen it."""
        until(start)
        self.tell(self.series.at(0).polls)
        body = scaled_object(self.config, self.prometheus.address, self.namespace)
        self.api.post(self.path("scaledobjects", group=SCALED), body)
        made = self.api.get(self.scaled)["metadata"]["creationTimestamp"]
        self.config = replace(self.config, created=seconds(made))
        due, starts = time.time(), True
        for step in range(self.series.steps):
            due = self.poll(step, due, starts=starts)
            self.sync(step, due, first=starts)
            self.tell(self.series.at(step + 1).polls)
            starts = self.change(self.series.changes.get(step + 1, {}))
            due = time.time() if starts else due + POLLING
        self.metrics.close(self.namespace)
        self.api.delete(self.scaled)
        self.api.connection.close()
        self.adapter.connection.close()
        return self.outcomes

    def poll(self, step: int, due: float, *, starts: bool) -> float:
        """When it was: as the queries tell, or when it was due if it puts none."""
        readings = self.readings(self.series.at(step).polls)
        seen = Poll(due, self.replicas, readings, len(self.pods))
        asks = bool(self.queries) and not paused(self.config)
        asks = asks and Clause.READ_BY_SYNC not in decide(self.config, self.state, seen).clauses
        now, asked = due, False
        if asks:
            now, asked = self.arrival(due + (START if starts else END)), True
            self.late = max(self.late, 0.0 if starts else abs(now - due))
        decision = decide(self.config, self.state, replace(seen, now=now))
        self.state = decision.state
        until(now + LOOK)
        theirs = self.look(asked=asked or self.was_asked())
        ours = self.expected(decision.desired, None, asked=asks)
        self.outcomes.append(Outcome(step, "poll", theirs, ours, names(decision.clauses)))
        self.changed = theirs.replicas != self.replicas
        self.replicas = theirs.replicas
        return now

    def sync(self, step: int, polled: float, *, first: bool) -> None:
        """The answers of Prometheus are those of the sync until the next step. None is in the first step."""
        if first:
            until(polled + END)
            return
        told = self.series.at(step).syncs
        scaler = self.config.autoscaler
        asks = not paused(self.config) and scaler.min_replicas <= self.replicas <= scaler.max_replicas
        self.show()
        self.tell(told)
        question = self.question(polled) if asks else None
        until(polled + ANSWER)
        self.was_asked()
        now, readings = time.time(), self.readings(told)
        seen = Sync(now, self.replicas, self.status, readings, tuple(self.pods.values()))
        decision = decide(self.config, self.state, seen)
        if question is not None:
            self.answer(question, readings)
        self.state = decision.state
        until(polled + END)
        theirs = self.look(asked=self.was_asked(), conditions=True)
        puts = any(not query.cached or not self.state.records for query in self.queries)
        ours = self.expected(decision.desired, decision.state.autoscaler.conditions, asked=asks and puts)
        self.outcomes.append(Outcome(step, "sync", theirs, ours, names(decision.clauses)))
        if theirs.conditions is not None:
            autoscaler = replace(self.state.autoscaler, conditions=theirs.conditions)
            self.state = replace(self.state, autoscaler=autoscaler)
        self.replicas = theirs.replicas
        self.status = max(self.replicas, scaler.min_replicas)
        self.report()

    @property
    def queries(self) -> list[QueryTrigger]:
        return [trigger for trigger in self.config.triggers if isinstance(trigger, QueryTrigger)]

    def query(self, place: int) -> str:
        return f"{self.namespace}:{place}"

    def tell(self, told: tuple[Answer, ...]) -> None:
        self.prometheus.answers.update({self.query(place): answer for place, answer in enumerate(told)})

    def readings(self, told: tuple[Answer, ...]) -> tuple[TriggerReading, ...]:
        pairs = zip(self.config.triggers, told, strict=True)
        return tuple(self.reading(trigger, answer) for trigger, answer in pairs)

    def reading(self, trigger: Trigger, answer: Answer) -> TriggerReading:
        if isinstance(answer, Fault):
            return Unavailable()
        if isinstance(trigger, QueryTrigger):
            return answer
        assert answer is not None
        usages = {name: Usage({"main": round(answer * 10)}, time.time(), 1) for name in self.pods}
        return PodUsages(usages) if usages else Unavailable()

    def arrival(self, latest: float) -> float:
        """The first question of a poll; `latest` where none comes, which is late."""
        times = []
        for place, trigger in enumerate(self.config.triggers):
            if isinstance(trigger, QueryTrigger):
                try:
                    waiting = max(0.01, latest - time.time())
                    times.append(self.prometheus.asked[self.query(place)].get(timeout=waiting))
                except Empty:
                    self.late = POLLING
        return min(times, default=latest)

    def was_asked(self) -> bool:
        """Since this was called last."""
        found = False
        for place in range(len(self.config.triggers)):
            arrivals = self.prometheus.asked[self.query(place)]
            while not arrivals.empty():
                arrivals.get()
                found = True
        return found

    def question(self, polled: float) -> Question | None:
        try:
            found = self.metrics.next(self.namespace, max(0.01, polled + LATEST - time.time()))
        except TimeoutError:
            self.late = POLLING
            return None
        if self.changed and found.came < polled + SETTLED:
            self.late = POLLING
        return found

    def answer(self, first: Question, readings: tuple[TriggerReading, ...]) -> None:
        """The autoscaler asks for one metric after the other; those of queries are KEDA's to answer."""
        for number, place in enumerate(self.config.asked):
            question = self.metrics.next(self.namespace) if number else first
            trigger, reading = self.config.triggers[place], readings[place]
            if isinstance(trigger, ResourceTrigger):
                assert not isinstance(reading, float | int | None)
                question.answer(in_json(trigger.metric, reading))
            else:
                question.answer(self.of_adapter(question))

    def of_adapter(self, question: Question) -> Object | None:
        try:
            return self.adapter.get(question.address)
        except KubectlError:
            return None

    def look(self, *, asked: bool, conditions: bool = False) -> Found:
        replicas: int = self.api.get(self.target)["spec"]["replicas"]
        status = self.api.get(self.scaled).get("status", {})
        health, active = status.get("health", {}), status.get("lastActiveTime")
        failures = tuple(
            health.get(f"s{place}-prometheus", {}).get("numberOfFailures") for place in range(len(self.config.triggers))
        )
        found = self.conditions() if conditions else None
        return Found(replicas, failures, None if active is None else seconds(active), found, asked)

    def conditions(self) -> Conditions | None:
        """None where there is no autoscaler, or its status is as it was."""
        try:
            written = self.api.get(self.path("horizontalpodautoscalers", AUTOSCALER, "/apis/autoscaling/v2"))
        except KubectlError:
            return None
        version, self.version = self.version, written["metadata"]["resourceVersion"]
        return conditions_of(written) if self.version != version and "conditions" in written.get("status", {}) else None

    def expected(self, replicas: int, conditions: Conditions | None, *, asked: bool) -> Found:
        failures = counts(self.config, self.state.failures)
        return Found(replicas, failures, self.state.last_active, conditions, asked)

    def report(self) -> None:
        """The replicas that there are, which are never none: so they are right when the target has woken up."""
        self.api.patch(self.target + "/status", {"status": {"replicas": self.status}})

    def show(self) -> None:
        """As many pods as replicas, where they matter."""
        if all(isinstance(one, QueryTrigger) and one.kind is MetricKind.AVERAGE_VALUE for one in self.config.triggers):
            return
        for place in range(len(self.pods), self.replicas):
            pod = Pod(f"pod-{place}", {"main": {"cpu": 1000}})
            self.api.post(self.path("pods"), pod_object(pod))
            self.api.patch(self.path("pods", pod.name) + "/status", {"status": pod_status(pod)})
            self.pods[pod.name] = pod
        for name in list(self.pods)[self.replicas :]:
            self.api.delete(self.path("pods", name))
            del self.pods[name]

    def change(self, fields: Mapping[str, object]) -> bool:
        """Whether the operator starts anew with this, because a pause has ended."""
        before, self.config = self.config, replace(self.config, **fields)  # type: ignore[arg-type]
        old, new = annotations_of(before), annotations_of(self.config)
        if old != new:
            self.api.merge(self.scaled, {"metadata": {"annotations": dict.fromkeys(old) | new}})
        return paused(before) and not paused(self.config)


def paused(config: KedaConfig) -> bool:
    return config.paused or config.paused_replicas is not None


def names(clauses: tuple[Clause, ...]) -> tuple[str, ...]:
    return tuple(clause.name for clause in clauses)


def until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
