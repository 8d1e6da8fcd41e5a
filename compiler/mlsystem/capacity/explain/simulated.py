"""What an autoscaler decided in a simulation, step by step."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from mlsystem.capacity.controllers import kpa
from mlsystem.capacity.controllers.hpa_types import NO_MEMORY
from mlsystem.capacity.controllers.keda_types import KedaState, QueryTrigger
from mlsystem.capacity.explain import hpa_words, keda_words, kpa_words
from mlsystem.capacity.explain.hpa_metric_words import label
from mlsystem.capacity.explain.kpa_file import COLUMNS
from mlsystem.capacity.explain.step import Step
from mlsystem.capacity.simulation.autoscalers import Hpa, Keda, Kpa
from mlsystem.capacity.simulation.scaling import Scaler, View
from mlsystem.capacity.simulation.setting import Setting
from mlsystem.capacity.simulation.simulate import simulate
from mlsystem.capacity.traffic import Trace


@dataclass
class Recorder:
    """Decides as `scaler` does, and keeps what there is to say of each decision: none of one that never decides."""

    scaler: Scaler
    steps: list[Step] = field(default_factory=list)

    @property
    def period(self) -> float:
        return self.scaler.period

    def decide(self, view: View, memory: Any) -> tuple[int, Any]:
        match self.scaler:
            case Hpa(config=config) as scaler:
                step, memory = hpa_words.step(config, memory or NO_MEMORY, scaler.observe(view))
            case Keda(config=config) as scaler:
                state, polled = memory or (KedaState(), -math.inf)
                poll, sync = scaler.observe(view, polled)
                step, state = keda_words.step(config, state, poll, sync)
                memory = state, polled if poll is None else poll.now
            case Kpa(config=config) as scaler:
                state = kpa.start(config, view.ready, view.now) if memory is None else memory
                step, memory = kpa_words.step(config, state, scaler.observe(view))
            case _:
                return self.scaler.decide(view, memory)
        self.steps.append(step)
        return step.desired, memory


def record(setting: Setting, trace: Trace, *, seed: int, replication: int = 0) -> list[Step]:
    """The decisions of `setting.scaler` over the trace, the same that a simulation without a record takes."""
    recorder = Recorder(setting.scaler)
    simulate(replace(setting, scaler=recorder), trace, seed=seed, replication=replication)
    return recorder.steps


def columns(scaler: Scaler) -> tuple[str, ...]:
    """What the cells of its steps are called."""
    match scaler:
        case Hpa(config=config):
            return tuple(label(metric) for metric in config.metrics)
        case Keda(config=config):
            return tuple(
                "query" if isinstance(trigger, QueryTrigger) else trigger.metric.name for trigger in config.triggers
            )
        case Kpa():
            return COLUMNS
    return ()
