"""Evaluation, serving and monitoring of a model: names resolve, defaults that depend on the task are set."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.passes.draft import Path, Problems
from mlsystem.passes.trace import check_trace
from mlsystem.source.secret import SecretRef
from mlsystem.spec.evaluation import GateSpec
from mlsystem.spec.monitoring import DriftSpec, LogAlert, MonitoringSpec, RetrainReason, RetrainSpec
from mlsystem.spec.serving import AuthSpec, ProfileSpec, ScalingSpec, TrafficSpec
from mlsystem.spec.system import ModelSection
from mlsystem.system.nodes import Evaluation, Monitoring, Serving
from mlsystem.system.reads import columns_by_name
from mlsystem.system.target import DeclaredProfile, Scaling, ServingHardware, Traffic
from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.metrics import DEFAULT_METRICS, METRICS
from mlsystem_runtime.contract.run import Alert, Auth, Drift, Gate, Slo

CHOSEN = ("min_replicas", "metric", "target")
"""Settings of `scaling` that a search chooses where nobody wrote them."""
NEVER = 100 * 365 * 86_400_000_000


def resolve_evaluation(section: ModelSection, source: Source, path: Path, problems: Problems) -> Evaluation:
    written, task = section.evaluation, section.model.task
    place = (*path, "evaluation")
    columns = columns_by_name(source)
    for index, metric in enumerate(written.metrics or ()):
        message = f"{metric} is not a metric of {task}"
        problems.known("MLS209", message, metric, METRICS[task], (*place, "metrics", index))
    for index, column in enumerate(written.slices):
        message = f"slice '{column}' is not a column of '{source.name}', the source of the examples"
        problems.known("MLS202", message, column, columns, (*place, "slices", index))
    for index, gate in enumerate(written.gates):
        check_gate(gate, section, source, (*place, "gates", index), problems)
    metrics = written.metrics or DEFAULT_METRICS[task]
    gated = [gate.metric for gate in written.gates if gate.metric not in metrics]
    sliced = [gate.slice for gate in written.gates if gate.slice and gate.slice not in written.slices]
    return Evaluation(
        metrics=tuple(dict.fromkeys([*metrics, *gated])),
        slices=tuple(dict.fromkeys([*written.slices, *sliced])),
        baseline=written.baseline,
        gates=tuple(Gate(**dict(gate)) for gate in written.gates),
    )


def check_gate(gate: GateSpec, section: ModelSection, source: Source, path: Path, problems: Problems) -> None:
    task = section.model.task
    problems.known("MLS209", f"{gate.metric} is not a metric of {task}", gate.metric, METRICS[task], (*path, "metric"))
    if gate.slice is not None:
        message = f"slice '{gate.slice}' is not a column of '{source.name}', the source of the examples"
        problems.known("MLS202", message, gate.slice, columns_by_name(source), (*path, "slice"))
    if gate.than == "baseline" and section.evaluation.baseline == "none":
        message = "this gate compares with the baseline, but there is none"
        problems.error("MLS210", message, (*path, "than"), "write `baseline: boosted_trees`")


def resolve_serving(
    name: str, models: int, section: ModelSection, request: list[str] | None, path: Path, problems: Problems
) -> Serving:
    written = section.serving
    for index, column in enumerate(written.sticky if request is not None else ()):
        message = f"'{column}' is not part of a request to '{name}'"
        problems.known("MLS210", message, column, request or (), (*path, "serving", "sticky", index))
    slo = written.slo
    return Serving(
        engine=written.engine,
        routes=(f"/{name}/predict", "/predict") if models == 1 else (f"/{name}/predict",),
        sticky=written.sticky,
        slo=Slo(
            latency_us=slo.latency_us,
            objective=slo.latency_objective,
            availability=slo.availability,
            window_us=slo.window,
        ),
        log_sample=written.log.sample,
        log_retain_us=written.log.retain,
        threads=None,
        hardware=ServingHardware(cpu=written.hardware.cpu, memory_bytes=written.hardware.memory),
        scaling=scaling(written.scaling),
        traffic=traffic(written.traffic, (*path, "serving", "traffic"), problems),
        auth=auth(written.auth),
        grpc=written.grpc,
        shadow_cpu=written.shadow,
        workers=written.workers,
        profile=profile(written.profile),
    )


def auth(written: AuthSpec | None) -> Auth | None:
    return None if written is None else Auth(tokens=written.tokens.name, pages=written.pages)


def scaling(written: ScalingSpec) -> Scaling:
    return Scaling(
        controller=written.controller,
        min_replicas=written.min_replicas,
        max_replicas=written.max_replicas,
        metric=written.counted,
        target=written.carried,
        max_cost=written.max_cost,
        free=free(written),
    )


def free(written: ScalingSpec) -> tuple[str, ...]:
    """A target is one of a metric: to write the one is to choose the other."""
    fixed = {*written.model_fields_set, *(["metric"] if "target" in written.model_fields_set else [])}
    return tuple(name for name in CHOSEN if name not in fixed)


def profile(written: ProfileSpec | None) -> DeclaredProfile | None:
    if written is None:
        return None
    return DeclaredProfile(service_time_us=written.service_time, cold_start_us=written.cold_start)


def traffic(written: TrafficSpec, path: Path, problems: Problems) -> Traffic:
    if written.trace is not None:
        check_trace(written.trace, (*path, "trace"), problems)
    return Traffic(mean_rps=written.mean, peak_rps=written.peak, trace=written.trace)


def resolve_monitoring(section: ModelSection, features: list[str] | None, path: Path, problems: Problems) -> Monitoring:
    written = section.monitoring
    place = (*path, "monitoring")
    return Monitoring(
        drift=resolve_drift(written.drift, features, place, problems),
        freshness_us=written.data.freshness,
        missing=written.data.missing,
        alerts=(Alert(kind="log"), *webhooks(written)),
        retrain_on=check_retrain(written.retrain, written.drift, place, problems),
        cooldown_us=written.retrain.cooldown if written.retrain else NEVER,
        approve=written.approve,
    )


def resolve_drift(
    written: DriftSpec | None, features: list[str] | None, path: Path, problems: Problems
) -> Drift | None:
    if written is None:
        return None
    for index, feature in enumerate(written.features or () if features is not None else ()):
        message = f"'{feature}' is not a feature of this model"
        problems.known("MLS210", message, feature, features or (), (*path, "drift", "features", index))
    return Drift(
        features=written.features,
        predictions=written.predictions,
        window_us=written.window,
        false_alarms_per_month=written.false_alarms,
    )


def check_retrain(
    written: RetrainSpec | None, drift: DriftSpec | None, path: Path, problems: Problems
) -> tuple[RetrainReason, ...]:
    if written is None:
        return ()
    if "drift" in written.on and drift is None:
        message = "retraining waits for drift, but drift is not watched"
        problems.error("MLS210", message, (*path, "retrain", "on"), "add `drift: {}` to monitoring")
    return written.on


def webhooks(written: MonitoringSpec) -> Iterator[Alert]:
    for alert in written.alerts.to:
        if isinstance(alert, LogAlert):
            continue
        if isinstance(alert.url, SecretRef):
            yield Alert(kind="webhook", url_secret=alert.url.name)
        else:
            yield Alert(kind="webhook", url=alert.url)
