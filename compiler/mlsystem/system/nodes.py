"""The resolved graph of one environment. Nothing here is optional to guess: None always means "there is none"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlsystem_runtime.contract.columns import AnyCheck, Source
from mlsystem_runtime.contract.features import AnyGroup, FeatureContract
from mlsystem_runtime.contract.model import Task
from mlsystem_runtime.contract.run import (
    Alert,
    Clock,
    Drift,
    Examples,
    Gate,
    Label,
    Slo,
    Split,
    TabularParameters,
)


@dataclass(frozen=True)
class SourceNode:
    name: str
    source: Source
    checks: tuple[AnyCheck, ...]
    renamed_from: str | None


@dataclass(frozen=True)
class GroupNode:
    """`group` has all its columns; each model carries the part that it uses. `every_us` None: no schedule."""

    name: str
    group: AnyGroup
    every_us: int | None
    on_failure: Literal["nulls", "reject"]
    renamed_from: str | None


@dataclass(frozen=True)
class Training:
    type: Literal["tabular"]
    parameters: TabularParameters
    split: Split
    seed: int
    threads: int | None
    max_loss_of_work_us: int


@dataclass(frozen=True)
class Evaluation:
    metrics: tuple[str, ...]
    slices: tuple[str, ...]
    baseline: Literal["boosted_trees", "none"]
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class Serving:
    routes: tuple[str, ...]
    sticky: tuple[str, ...]
    slo: Slo
    log_sample: float
    log_retain_us: int
    threads: int | None


@dataclass(frozen=True)
class Monitoring:
    drift: Drift | None
    freshness_us: int | None
    missing: bool
    alerts: tuple[Alert, ...]
    retrain_on: tuple[Literal["drift", "schedule"], ...]
    cooldown_us: int
    approve: tuple[Literal["retrain", "promote"], ...]


@dataclass(frozen=True)
class ModelNode:
    """One model and all that hangs on it. `contract` holds of each group only the columns that this model uses."""

    name: str
    task: Task
    examples: Examples
    label: Label
    contract: FeatureContract
    training: Training
    evaluation: Evaluation
    serving: Serving
    monitoring: Monitoring
    renamed_from: str | None


@dataclass(frozen=True)
class LocalTarget:
    """One machine. `workspace` None: below the state of the environment. Secrets come from the environment."""

    port: int
    workspace: str | None


@dataclass(frozen=True)
class System:
    name: str
    environment: str
    clock: Clock
    sources: tuple[SourceNode, ...]
    groups: tuple[GroupNode, ...]
    models: tuple[ModelNode, ...]
    local: LocalTarget
    secrets: tuple[str, ...]

    def source(self, name: str) -> SourceNode:
        return next(source for source in self.sources if source.name == name)

    def group(self, name: str) -> GroupNode:
        return next(group for group in self.groups if group.name == name)
