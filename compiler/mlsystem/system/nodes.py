"""The resolved graph of one environment. Nothing here is optional to guess: None always means "there is none"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from mlsystem.system.certified import Capacity
from mlsystem.system.review import Review
from mlsystem.system.target import (
    DeclaredProfile,
    LocalTarget,
    Scaling,
    ServingHardware,
    Target,
    Traffic,
    TrainingHardware,
)
from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.columns import AnyCheck, Source
from mlsystem_runtime.contract.features import AnyGroup, FeatureContract
from mlsystem_runtime.contract.model import Engine, ModelType, Task
from mlsystem_runtime.contract.run import (
    Alert,
    Auth,
    Clock,
    Drift,
    Examples,
    Gate,
    Label,
    Slo,
    Split,
    TabularParameters,
)


class SourceNode(Struct):
    name: str
    source: Source
    checks: tuple[AnyCheck, ...]
    renamed_from: str | None


class GroupNode(Struct):
    """`group` has all its columns; each model carries the part that it uses. `every_us` None: no schedule."""

    name: str
    group: AnyGroup
    every_us: int | None
    on_failure: Literal["nulls", "reject"]
    renamed_from: str | None


class CodeNode(Struct):
    """The user's code: its folder, below that of the spec, and in it text by path. `requirements` is a lock file."""

    path: str
    files: Mapping[str, str]
    requirements: str | None


class Training(Struct):
    type: ModelType
    entrypoint: str | None
    parameters: TabularParameters
    split: Split
    seed: int
    threads: int | None
    max_loss_of_work_us: int
    hardware: TrainingHardware
    schedule: str | None


class Evaluation(Struct):
    metrics: tuple[str, ...]
    slices: tuple[str, ...]
    baseline: Literal["boosted_trees", "none"]
    gates: tuple[Gate, ...]


class Serving(Struct):
    engine: Engine
    routes: tuple[str, ...]
    sticky: tuple[str, ...]
    slo: Slo
    log_sample: float
    log_retain_us: int
    threads: int | None
    hardware: ServingHardware
    scaling: Scaling
    traffic: Traffic = Traffic()
    auth: Auth | None = None
    grpc: bool = False
    shadow_cpu: float | None = None
    workers: int = 1
    profile: DeclaredProfile | None = None
    capacity: Capacity | None = None
    """None on one machine, which has no replicas."""

    @property
    def image(self) -> str:
        """Of servers in a cluster: with ONNX Runtime alone, or with all of torch."""
        return "server" if self.engine == "onnx" else "server-torch"


class Monitoring(Struct):
    drift: Drift | None
    freshness_us: int | None
    missing: bool
    alerts: tuple[Alert, ...]
    retrain_on: tuple[Literal["drift", "schedule"], ...]
    cooldown_us: int
    approve: tuple[Literal["retrain", "promote"], ...]


class ModelNode(Struct):
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


class System(Struct):
    name: str
    environment: str
    clock: Clock
    sources: tuple[SourceNode, ...]
    groups: tuple[GroupNode, ...]
    models: tuple[ModelNode, ...]
    target: Target
    secrets: tuple[str, ...]
    unused: tuple[str, ...] = ()
    """Settings of the file that are for other environments than this one."""

    code: CodeNode | None = None
    """There where a model is built by it."""

    review: Review | None = None
    """The same in every environment; nothing that runs depends on it."""

    state: str | None = None
    """The `s3://` URI of its state; None: in files of this machine."""

    @property
    def local(self) -> LocalTarget:
        """The target of a system that runs on one machine."""
        assert isinstance(self.target, LocalTarget), "asked of one machine only"
        return self.target

    @property
    def alert_secrets(self) -> tuple[str, ...]:
        """What of `secrets` the monitor reads."""
        alerts = (alert for model in self.models for alert in model.monitoring.alerts)
        return tuple(sorted({alert.url_secret for alert in alerts if alert.url_secret}))

    @property
    def metrics_apart(self) -> bool:
        """Whether servers of a cluster have probes and metrics at a port of their own: not all who read them can have
        a token, or trust the certificate."""
        return self.target.tls is not None or any(model.serving.auth is not None for model in self.models)

    def source(self, name: str) -> SourceNode:
        return next(source for source in self.sources if source.name == name)

    def group(self, name: str) -> GroupNode:
        return next(group for group in self.groups if group.name == name)
