"""The configuration that an endpoint has, certified or as it is written, and what it is simulated with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlsystem.capacity import lock
from mlsystem.capacity.certificate import Certificate, Settings, stale
from mlsystem.capacity.scenarios import Scenario
from mlsystem.capacity.search import Question
from mlsystem.capacity.solve import Case, whole_day
from mlsystem.system.nodes import ModelNode, System
from mlsystem.system.target import Scaling


@dataclass(frozen=True)
class Configured:
    """`certificate` None: nothing is proven, and `settings` are what is written. `moved`: the parts of what the
    certificate was made from that are others now."""

    system: str
    environment: str
    question: Question
    settings: Settings
    certificate: Certificate | None
    moved: tuple[str, ...] = ()

    @property
    def scenarios(self) -> dict[str, Scenario]:
        """By name: all the traffic, then what has to be borne."""
        whole = whole_day(self.question)
        return {one.name: one for one in (whole, *self.question.scenarios)}

    @property
    def tightest(self) -> str:
        """The scenario with the least to spare, by its lower bounds."""
        assert self.certificate is not None, "the caller has made sure"
        return min(self.certificate.scenarios, key=lambda one: one.left(self.question.endpoint.slo)).name


def configured(system: System, model: ModelNode, case: Case, folder: Path) -> Configured:
    """`case` is the model's; `folder` the spec's, where the lock file is. Raises MlsystemError for one that is none."""
    found, question = lock.read(folder).get(lock.key(system.environment, model.name)), case.question()
    if found is None:
        return Configured(system.name, system.environment, question, written(model.serving.scaling), None)
    moved = stale(found, case.inputs)
    return Configured(system.name, system.environment, question, found.settings, found, moved)


def written(scaling: Scaling) -> Settings:
    return Settings(scaling.controller, scaling.metric, scaling.target, scaling.min_replicas, scaling.max_replicas)
