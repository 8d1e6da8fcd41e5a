"""The table of every field of the language: what does changing it mean?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from consequences_of_accounts import ACCOUNT_ROWS, ACCOUNT_TEXT
from pydantic import BaseModel

from mlsystem.compile import Compiled
from mlsystem.plan.consequence import Consequence
from mlsystem.plan.diff import diff_nodes
from mlsystem.spec.system import SystemSpec

NOTHING, RECONFIGURE, RESTART = Consequence.NOTHING, Consequence.RECONFIGURE, Consequence.RESTART
RE_EVALUATE, RETRAIN, RECOMPUTE = Consequence.RE_EVALUATE, Consequence.RETRAIN, Consequence.RECOMPUTE
RE_INGEST, REPLACE, RELEASE = Consequence.RE_INGEST, Consequence.REPLACE, Consequence.RELEASE
UNCHANGED = "no change at all"

FLIGHTS, CHECKS = ("sources", "flights"), ("sources", "flights", "checks")
MODEL, TRAINING = ("models", "main", "model"), ("models", "main", "training")
EVALUATION, SERVING = ("models", "main", "evaluation"), ("models", "main", "serving")
MONITORING, DEV = ("models", "main", "monitoring"), ("environments", "dev")
STAGING, PLATFORM = ("environments", "staging"), ("environments", "staging", "platform")
CARRIER, WEATHER, TRIP = ("features", "carrier_history"), ("features", "airport_weather"), ("features", "trip")
DELAY = (*CARRIER, "aggregate", "delay_1d")

ROLE = "arn:aws:iam::111122223333:role/delay"
ROWS: list[tuple[str, tuple[str | int, ...], Any, Consequence | str]] = [
    ("SystemSpec.description", ("description",), "Other.", UNCHANGED),
    ("SystemSpec.owners", ("owners",), ["others"], UNCHANGED),
    ("VariableSpec.type", ("variables", "peak", "type"), "string", UNCHANGED),
    ("VariableSpec.default", ("variables", "peak", "default"), "200rps", UNCHANGED),
    ("VariableSpec.env", ("variables", "peak", "env"), "TOP", UNCHANGED),
    ("VariableSpec.description", ("variables", "peak", "description"), "Other.", UNCHANGED),
    ("SourceSpec.type", (*FLIGHTS, "type"), "parquet", RE_INGEST),
    ("SourceSpec.uri", (*FLIGHTS, "uri"), "data/others.csv", RE_INGEST),
    ("SourceSpec.time", (*FLIGHTS, "time"), "landed_at", RE_INGEST),
    ("SourceSpec.timezone", (*FLIGHTS, "timezone"), "UTC", RE_INGEST),
    ("SourceSpec.available", (*FLIGHTS, "available"), "departure", RE_INGEST),
    ("SourceSpec.known_at_time", (*FLIGHTS, "known_at_time", 0), "arr_delay", RE_INGEST),
    ("SourceSpec.key", (*FLIGHTS, "key"), ["flight_id", "carrier"], RE_INGEST),
    ("SourceSpec.columns", (*FLIGHTS, "columns", "arr_delay"), "int?", RE_INGEST),
    ("SourceSpec.derive", (*FLIGHTS, "derive", "late"), "arr_delay > 20", RE_INGEST),
    ("SourceSpec.checks", (*FLIGHTS, "checks"), [], RE_EVALUATE),
    ("SourceSpec.description", (*FLIGHTS, "description"), "Other.", UNCHANGED),
    ("SourceSpec.owners", (*FLIGHTS, "owners"), ["others"], UNCHANGED),
    ("CheckSpec.severity", (*CHECKS, 6, "severity"), "error", NOTHING),
    ("NotNullCheck.columns", (*CHECKS, 0, "columns"), ["carrier"], RE_EVALUATE),
    ("UniqueCheck.columns", (*CHECKS, 1, "columns"), ["flight_id", "carrier"], RE_EVALUATE),
    ("RangeCheck.column", (*CHECKS, 2, "column"), "arr_delay", RE_EVALUATE),
    ("RangeCheck.min", (*CHECKS, 2, "min"), "1", RE_EVALUATE),
    ("RangeCheck.max", (*CHECKS, 2, "max"), "7000", RE_EVALUATE),
    ("OneOfCheck.column", (*CHECKS, 3, "column"), "dest", RE_EVALUATE),
    ("OneOfCheck.values", (*CHECKS, 3, "values"), ["EWR"], RE_EVALUATE),
    ("MatchesCheck.column", (*CHECKS, 4, "column"), "origin", RE_EVALUATE),
    ("MatchesCheck.pattern", (*CHECKS, 4, "pattern"), "[A-Z]+", RE_EVALUATE),
    ("RowCountCheck.min", (*CHECKS, 5, "min"), "2", RE_EVALUATE),
    ("RowCountCheck.max", (*CHECKS, 5, "max"), "2000000", RE_EVALUATE),
    ("FreshnessCheck.within", (*CHECKS, 6, "within"), "3d", RE_EVALUATE),
    ("EntitySpec.key", ("entities", "carrier", "key"), {"carrier": "string", "origin": "string"}, RECOMPUTE),
    ("EntitySpec.description", ("entities", "carrier", "description"), "Other.", UNCHANGED),
    ("EntitySpec.owners", ("entities", "carrier", "owners"), ["others"], UNCHANGED),
    ("StoredGroupSpec.source", (*WEATHER, "source"), "weather2", RECOMPUTE),
    ("StoredGroupSpec.entity", (*CARRIER, "entity"), "carrier2", RECOMPUTE),
    ("StoredGroupSpec.on", (*CARRIER, "on"), {"carrier": "dest"}, RECOMPUTE),
    ("OnlineSpec.every", (*CARRIER, "online", "every"), "1h", RESTART),
    ("OnlineSpec.on_failure", (*CARRIER, "online", "on_failure"), "reject", RESTART),
    ("GroupSpec.description", (*CARRIER, "description"), "Other.", UNCHANGED),
    ("GroupSpec.owners", (*CARRIER, "owners"), ["others"], UNCHANGED),
    ("LatestGroupSpec.columns", (*WEATHER, "columns"), ["temp"], RECOMPUTE),
    ("LatestGroupSpec.ttl", (*WEATHER, "ttl"), "6h", RECOMPUTE),
    ("AggregateGroupSpec.aggregate", (*CARRIER, "aggregate"), {"n": {"count": "*", "over": "1d"}}, RECOMPUTE),
    ("AggregateSpec.count", (*CARRIER, "aggregate", "flights_1d", "count"), "arr_delay", RECOMPUTE),
    ("AggregateSpec.mean", (*DELAY, "mean"), "distance", RECOMPUTE),
    ("AggregateSpec.sum", (*CARRIER, "aggregate", "total_1d", "sum"), "distance", RECOMPUTE),
    ("AggregateSpec.min", (*CARRIER, "aggregate", "least_1d", "min"), "distance", RECOMPUTE),
    ("AggregateSpec.max", (*CARRIER, "aggregate", "most_1d", "max"), "distance", RECOMPUTE),
    ("AggregateSpec.over", (*DELAY, "over"), "2d", RECOMPUTE),
    ("AggregateSpec.tail", (*CARRIER, "aggregate", "late_7d", "tail"), "2h", RECOMPUTE),
    ("RequestGroupSpec.fields", (*TRIP, "fields"), ["departure", "distance", "carrier", "dest"], RECOMPUTE),
    ("RequestGroupSpec.compute", (*TRIP, "compute", "log_distance"), "ln(distance + 1)", RECOMPUTE),
    ("ExamplesSpec.source", (*MODEL, "examples", "source"), "flights2", RECOMPUTE),
    ("ExamplesSpec.at", (*MODEL, "examples", "at"), "booked", RECOMPUTE),
    ("ExamplesSpec.where", (*MODEL, "examples", "where"), "arr_delay > 0", RECOMPUTE),
    ("LabelSpec.column", (*MODEL, "label", "is"), "early", RECOMPUTE),
    ("LabelSpec.known", (*MODEL, "label", "known"), "departure", RECOMPUTE),
    ("FeatureRef.group", (*MODEL, "features", 2, "group"), "airport_weather2", RECOMPUTE),
    ("FeatureRef.columns", (*MODEL, "features", 3, "columns"), ["wind"], RECOMPUTE),
    ("FeatureRef.lookup", (*MODEL, "features", 2, "lookup"), {"code": "dest"}, RECOMPUTE),
    ("FeatureRef.alias", (*MODEL, "features", 3, "as"), "there", RECOMPUTE),
    ("ModelSpec.features", (*MODEL, "features"), ["carrier_history.*", "trip.*", "airport_weather3.*"], RECOMPUTE),
    ("ModelSpec.entrypoint", (*MODEL, "entrypoint"), "networks:other", RETRAIN),
    ("CodeSpec.path", ("code", "path"), "other", RETRAIN),
    ("CodeSpec.requirements", ("code", "requirements"), "other.txt", RETRAIN),
    ("SplitSpec.by", (*TRAINING, "split", "by"), "random", RETRAIN),
    ("SplitSpec.validation", (*TRAINING, "split", "validation"), "10%", RETRAIN),
    ("SplitSpec.test", (*TRAINING, "split", "test"), "10%", RETRAIN),
    ("ParametersSpec.hidden", (*TRAINING, "parameters", "hidden"), ["32"], RETRAIN),
    ("ParametersSpec.epochs", (*TRAINING, "parameters", "epochs"), "4", RETRAIN),
    ("ParametersSpec.batch_size", (*TRAINING, "parameters", "batch_size"), "256", RETRAIN),
    ("ParametersSpec.learning_rate", (*TRAINING, "parameters", "learning_rate"), "0.002", RETRAIN),
    ("ParametersSpec.weight_decay", (*TRAINING, "parameters", "weight_decay"), "0.1", RETRAIN),
    ("ParametersSpec.dropout", (*TRAINING, "parameters", "dropout"), "0.2", RETRAIN),
    ("ParametersSpec.numeric_embedding", (*TRAINING, "parameters", "numeric_embedding"), "none", RETRAIN),
    ("ParametersSpec.embedding_size", (*TRAINING, "parameters", "embedding_size"), "4", RETRAIN),
    ("ParametersSpec.patience", (*TRAINING, "parameters", "patience"), "1", RETRAIN),
    ("TrainingHardwareSpec.cpu", (*TRAINING, "hardware", "cpu"), "1", NOTHING),
    ("LimitsSpec.max_loss_of_work", (*TRAINING, "limits", "max_loss_of_work"), "5m", NOTHING),
    ("TrainingSpec.seed", (*TRAINING, "seed"), "8", RETRAIN),
    ("EvaluationSpec.metrics", (*EVALUATION, "metrics"), ["roc_auc", "brier"], RELEASE),
    ("EvaluationSpec.slices", (*EVALUATION, "slices"), ["dest"], RELEASE),
    ("EvaluationSpec.baseline", (*EVALUATION, "baseline"), "none", RELEASE),
    ("EvaluationSpec.gates", (*EVALUATION, "gates"), [], RELEASE),
    ("GateSpec.metric", (*EVALUATION, "gates", 0, "metric"), "accuracy", RELEASE),
    ("GateSpec.at_least", (*EVALUATION, "gates", 0, "at_least"), "0.7", RELEASE),
    ("GateSpec.at_most", (*EVALUATION, "gates", 1, "at_most"), "0.8", RELEASE),
    ("GateSpec.than", (*EVALUATION, "gates", 2, "than"), "baseline", RELEASE),
    ("GateSpec.worse_by_at_most", (*EVALUATION, "gates", 2, "worse_by_at_most"), "0.02", RELEASE),
    ("GateSpec.if_incomparable", (*EVALUATION, "gates", 2, "if_incomparable"), "pass", RELEASE),
    ("GateSpec.slice", (*EVALUATION, "gates", 0, "slice"), "carrier", RELEASE),
    ("GateSpec.min_rows", (*EVALUATION, "gates", 0, "min_rows"), "50", RELEASE),
    ("SloSpec.latency", (*SERVING, "slo", "latency"), {"p99": "50ms"}, RESTART),
    ("SloSpec.availability", (*SERVING, "slo", "availability"), "99%", RESTART),
    ("SloSpec.window", (*SERVING, "slo", "window"), "7d", RESTART),
    ("LogSpec.sample", (*SERVING, "log", "sample"), "20%", RESTART),
    ("LogSpec.retain", (*SERVING, "log", "retain"), "7d", RESTART),
    ("ServingSpec.sticky", (*SERVING, "sticky"), ["origin"], RESTART),
    ("ServingSpec.grpc", (*SERVING, "grpc"), True, RESTART),
    ("ServingSpec.workers", (*SERVING, "workers"), 2, RESTART),
    ("ServingSpec.shadow", (*SERVING, "shadow"), "10%", RESTART),
    ("AuthSpec.tokens", (*SERVING, "auth"), {"tokens": "${secret:API_TOKENS}"}, RESTART),
    ("AuthSpec.pages", (*SERVING, "auth"), {"tokens": "${secret:API_TOKENS}", "pages": "open"}, RESTART),
    ("TlsSpec.certificate", (*DEV, "tls"), {"certificate": "${secret:CERT}", "key": "${secret:KEY}"}, RESTART),
    ("TlsSpec.key", (*DEV, "tls"), {"certificate": "${secret:CERT}", "key": "${secret:KEY}"}, RESTART),
    ("DriftSpec.features", (*MONITORING, "drift", "features"), ["trip.hour"], RESTART),
    ("DriftSpec.predictions", (*MONITORING, "drift", "predictions"), "false", RESTART),
    ("DriftSpec.window", (*MONITORING, "drift", "window"), "2d", RESTART),
    ("DriftSpec.false_alarms", (*MONITORING, "drift", "false_alarms"), "2/month", RESTART),
    ("DataSpec.freshness", (*MONITORING, "data", "freshness"), "3d", RESTART),
    ("DataSpec.missing", (*MONITORING, "data", "missing"), "false", RESTART),
    ("AlertsSpec.to", (*MONITORING, "alerts", "to"), [], RESTART),
    ("WebhookAlert.url", (*MONITORING, "alerts", "to", 1, "url"), "${secret:OTHER_URL}", RESTART),
    ("RetrainSpec.cooldown", (*MONITORING, "retrain", "cooldown"), "5d", RESTART),
    ("MonitoringSpec.approve", (*MONITORING, "approve"), ["retrain"], RESTART),
    ("ModelSection.description", ("models", "main", "description"), "Other.", UNCHANGED),
    ("ModelSection.owners", ("models", "main", "owners"), ["others"], UNCHANGED),
    ("ServingSpec.engine", (*SERVING, "engine"), "torch", RELEASE),
    ("EnvironmentSpec.clock", (*DEV, "clock"), "wall", RESTART),
    ("EnvironmentSpec.port", (*DEV, "port"), "8081", RESTART),
    ("EnvironmentSpec.workspace", (*DEV, "workspace"), "/tmp/other", REPLACE),
    ("EnvironmentSpec.state", (*DEV, "state"), "s3://state/dev", UNCHANGED),
    ("EnvironmentSpec.override", (*DEV, "override"), {"models": {"main": {"training": {"seed": "9"}}}}, RETRAIN),
    ("EnvironmentSpec.description", (*DEV, "description"), "Other.", UNCHANGED),
    ("EnvironmentSpec.owners", (*DEV, "owners"), ["others"], UNCHANGED),
]

GITHUB = ("review", "github")
CLUSTER_ROWS: list[tuple[str, tuple[str | int, ...], Any, Consequence | str]] = [
    ("GithubSpec.repository", (*GITHUB, "repository"), "acme/other", UNCHANGED),
    ("GithubSpec.branch", (*GITHUB, "branch"), "trunk", UNCHANGED),
    ("GithubSpec.drift", (*GITHUB, "drift"), "0 6 * * *", UNCHANGED),
    ("GithubSpec.folder", (*GITHUB, "folder"), "systems/delay", UNCHANGED),
    ("GithubSpec.runner", (*GITHUB, "runner"), "in-the-cluster", UNCHANGED),
    ("GithubSpec.requirements", (*GITHUB, "requirements"), "mlsystem.txt", UNCHANGED),
    ("ReviewedEnvironmentSpec.region", (*GITHUB, "environments", "staging", "region"), "us-east-1", UNCHANGED),
    ("ReviewedEnvironmentSpec.plan_role", (*GITHUB, "environments", "staging", "plan_role"), f"{ROLE}-look", UNCHANGED),
    ("ReviewedEnvironmentSpec.apply_role", (*GITHUB, "environments", "staging", "apply_role"), f"{ROLE}-do", UNCHANGED),
    ("EnvironmentSpec.context", (*STAGING, "context"), "other", RECONFIGURE),
    ("EnvironmentSpec.registry", (*STAGING, "registry"), "registry.example.com/other", RESTART),
    ("EnvironmentSpec.delivery", ("environments", "vaulted", "delivery"), "gitops", RECONFIGURE),
    ("EnvironmentSpec.storage", ("environments", "vaulted", "storage"), "40Gi", RECONFIGURE),
    ("EnvironmentSpec.workspace", (*STAGING, "workspace"), "s3://other/workspace", REPLACE),
    ("EnvironmentSpec.state", (*STAGING, "state"), "s3://state/staging", UNCHANGED),
    ("EnvironmentSpec.clock", (*STAGING, "clock"), "data", RESTART),
    ("EnvironmentSpec.description", (*STAGING, "description"), "Other.", UNCHANGED),
    ("NamespaceSpec.name", (*STAGING, "namespace", "name"), "other", REPLACE),
    ("NamespaceSpec.create", (*STAGING, "namespace", "create"), "false", RECONFIGURE),
    ("BucketSpec.endpoint", (*STAGING, "bucket", "endpoint"), "http://other:9000", RESTART),
    ("BucketSpec.secret", (*STAGING, "bucket", "secret"), "other", RESTART),
    ("OnlineStoreSpec.uri", (*STAGING, "online_store"), {"uri": "redis://other:6379"}, REPLACE),
    ("TrackingSpec.uri", (*STAGING, "tracking"), {"uri": "https://mlflow.example.com"}, RESTART),
    ("SecretsSpec.origin", (*STAGING, "secrets"), {"from": "external_secrets", "store": "vault"}, RESTART),
    ("SecretsSpec.name", (*STAGING, "secrets"), {"name": "other"}, RESTART),
    ("SecretsSpec.store", ("environments", "vaulted", "secrets", "store"), "other", RECONFIGURE),
    ("ImagesSpec.base", (*STAGING, "images"), {"base": "python:3.11-slim-trixie"}, RESTART),
    ("ImagesSpec.wheelhouse", (*STAGING, "images"), {"wheelhouse": "wheels"}, RESTART),
    ("ImagesSpec.signing_key", (*STAGING, "images"), {"signing_key": "cosign.key"}, RECONFIGURE),
    ("ImagesSpec.redis", (*STAGING, "images"), {"redis": "redis:7.2"}, RESTART),
    ("ImagesSpec.postgres", (*STAGING, "images"), {"postgres": "postgres:15"}, RESTART),
    ("PulumiSpec.backend", (*STAGING, "pulumi", "backend"), "s3://other", RECONFIGURE),
    ("PulumiSpec.secrets_provider", (*STAGING, "pulumi", "secrets_provider"), "awskms://other", RECONFIGURE),
    ("PlatformSpec.kubernetes", (*PLATFORM, "kubernetes"), "1.34", RECONFIGURE),
    ("PlatformSpec.prometheus", (*PLATFORM, "prometheus"), "false", RECONFIGURE),
    ("PlatformSpec.argo_rollouts", (*PLATFORM, "argo_rollouts"), "true", RESTART),
    ("PlatformSpec.keda", (*PLATFORM, "keda"), "false", RECONFIGURE),
    ("PlatformSpec.knative", (*PLATFORM, "knative"), "true", RECONFIGURE),
    ("PlatformSpec.ingress", (*PLATFORM, "ingress"), "traefik", RECONFIGURE),
    ("PlatformSpec.host", (*PLATFORM, "host"), "other.example.com", RECONFIGURE),
    ("PlatformSpec.tls_secret", (*PLATFORM, "tls_secret"), "other", RECONFIGURE),
    ("PlatformSpec.storage_class", (*PLATFORM, "storage_class"), "slow", REPLACE),
    ("PlatformSpec.gpu_selector", (*PLATFORM, "gpu_selector"), {"gpu": "h100"}, RECONFIGURE),
    ("PlatformSpec.pull_secret", (*PLATFORM, "pull_secret"), "other", RESTART),
    ("OnlineSpec.every", (*CARRIER, "online", "every"), "1h", RECONFIGURE),
    ("ServingHardwareSpec.cpu", (*SERVING, "hardware", "cpu"), "2", RESTART),
    ("ServingHardwareSpec.memory", (*SERVING, "hardware", "memory"), "4Gi", RESTART),
    ("ScalingSpec.controller", (*SERVING, "scaling", "controller"), "keda", RECONFIGURE),
    ("ScalingSpec.min_replicas", (*SERVING, "scaling", "min_replicas"), "3", RECONFIGURE),
    ("ScalingSpec.max_replicas", (*SERVING, "scaling", "max_replicas"), "30", RECONFIGURE),
    ("ScalingSpec.metric", (*SERVING, "scaling"), {"controller": "keda", "metric": "requests", "target": "9rps"},
     RECONFIGURE),
    ("ScalingSpec.target", (*SERVING, "scaling", "target"), "60%", RECONFIGURE),
    ("ScalingSpec.max_cost", (*SERVING, "scaling", "max_cost"), "$900/month", UNCHANGED),
    ("ProfileSpec.service_time", (*SERVING, "profile"), {"service_time": "9ms"}, UNCHANGED),
    ("ProfileSpec.cold_start", (*SERVING, "profile"), {"service_time": "20ms", "cold_start": "9s"}, UNCHANGED),
    ("PricesSpec.cpu_hour", (*STAGING, "prices"), {"cpu_hour": "$0.05", "memory_gib_hour": "$0.004"}, UNCHANGED),
    ("PricesSpec.memory_gib_hour", (*STAGING, "prices"), {"cpu_hour": "$0.04", "memory_gib_hour": "$0"}, UNCHANGED),
    ("PricesSpec.items", (*STAGING, "prices"), {"items": {"nat.hour": "$0.04"}}, UNCHANGED),
    ("SpendingSpec.max_cost", (*STAGING, "limits"), {"max_cost": "$9000/month"}, UNCHANGED),
    ("TrafficSpec.mean", (*SERVING, "traffic", "mean"), "30rps", RECONFIGURE),
    ("TrafficSpec.peak", (*SERVING, "traffic", "peak"), "200rps", RECONFIGURE),
    ("TrafficSpec.trace", (*SERVING, "traffic", "trace"), "week.csv", UNCHANGED),
    ("TrainingHardwareSpec.cpu", (*TRAINING, "hardware", "cpu"), "1", NOTHING),
    ("TrainingHardwareSpec.memory", (*TRAINING, "hardware", "memory"), "16Gi", NOTHING),
    ("TrainingHardwareSpec.nodes", (*TRAINING, "hardware", "nodes"), "2", NOTHING),
    ("TrainingHardwareSpec.spot", (*TRAINING, "hardware", "spot"), "true", NOTHING),
    ("GpuSpec.type", (*TRAINING, "hardware", "gpu", "type"), "h100", NOTHING),
    ("GpuSpec.count", (*TRAINING, "hardware", "gpu", "count"), "2", NOTHING),
    ("TrainingSpec.schedule", (*TRAINING, "schedule"), "0 4 * * *", RECONFIGURE),
    ("TrainingSpec.seed", (*TRAINING, "seed"), "8", RETRAIN),
    ("SloSpec.window", (*SERVING, "slo", "window"), "7d", RESTART),
    ("DriftSpec.window", (*MONITORING, "drift", "window"), "2d", RESTART),
    ("AuthSpec.tokens", (*SERVING, "auth"), {"tokens": "${secret:API_TOKENS}"}, RESTART),
    ("TlsSpec.certificate", (*STAGING, "tls"), {"certificate": "${secret:CERT}", "key": "${secret:KEY}"}, RESTART),
]  # fmt: skip
"""The same in a cluster, of all that only a cluster has and of what means something else there."""

STAGING_TEXT = """
target: kubernetes
context: staging
namespace: {name: delays, create: true}
registry: registry.example.com/ml
workspace: s3://models/delays
bucket: {endpoint: "http://minio:9000", secret: bucket}
pulumi: {backend: "s3://pulumi", secrets_provider: "awskms://pulumi"}
platform: {kubernetes: "1.33", prometheus: true, argo_workflows: true, keda: true, ingress: nginx,
           host: delay.example.com, tls_secret: tls, storage_class: fast, gpu_selector: {gpu: a10g},
           pull_secret: registry}
"""

IN_CLUSTERS = [*CLUSTER_ROWS, *ACCOUNT_ROWS]

MAPS_OF_SECTIONS = {
    "SystemSpec.api_version", "SystemSpec.variables", "SystemSpec.sources", "SystemSpec.entities",
    "SystemSpec.features", "SystemSpec.models", "SystemSpec.environments", "SystemSpec.include",
    "GithubSpec.environments",
}  # fmt: skip
"""What holds sections; their fields have rows of their own. An include changes nothing but where things are written."""

IDENTITY = {"SystemSpec.name"}
"""Another name is another system, with another state."""

ONE_VALUE = {
    "ModelSpec.type", "ServingSpec.mode", "EnvironmentSpec.target", "OnlineStoreSpec.type",
    "RetrainSpec.on", "PlatformSpec.argo_workflows", "LogAlert.kind", "WebhookAlert.kind", "ModelSpec.task",
}  # fmt: skip
"""Only one value is supported yet, or another value needs another label or other fields with it."""


OPTIONAL_SECTIONS = (
    "review", "drift", "retrain", "namespace", "tracking", "gpu", "code", "auth", "tls", "profile", "prices",
)  # fmt: skip


def fields(model: type[BaseModel], seen: set[type]) -> Iterator[str]:
    """`Section.field` of every field whose value is not a section itself; `renamed_from` has tests of its own."""
    if model in seen:
        return
    seen.add(model)
    for name, field in model.model_fields.items():
        below = list(sections(field.annotation))
        for one in below:
            yield from fields(one, seen)
        if name == "renamed_from" or (not below and name == "kind"):
            continue
        direct = isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        if not direct and not (below and name in OPTIONAL_SECTIONS):
            yield f"{owner(model, name).__name__}.{name}"


def sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from sections(argument)


def owner(model: type[BaseModel], name: str) -> type[BaseModel]:
    """The class that declares the field: shared fields have one row."""
    return next(one for one in reversed(model.__mro__) if name in getattr(one, "__annotations__", {}))


@pytest.fixture
def base(spec: Any, tmp_path: Path) -> Any:
    """The example, with a network of its own, and what some rows turn to: a second source, entity, group and column."""
    for name in ("src", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "networks.py").write_text(f"# {name}\ndef build(): ...\ndef other(): ...\n")
    for name in ("requirements", "other"):
        (tmp_path / f"{name}.txt").write_text(f"{name}==1 --hash=sha256:00\n")
    (tmp_path / "week.csv").write_text("time,rps\n0,40\n1,41\n")
    spec["code"] = {"path": "src", "requirements": "requirements.txt"}
    spec["models"]["main"]["model"] |= {"type": "custom", "entrypoint": "networks:build"}
    spec["sources"]["weather2"] = {**spec["sources"]["weather"], "uri": "data/weather2.csv"}
    spec["sources"]["flights2"] = {**spec["sources"]["flights"], "uri": "data/flights2.csv"}
    for flights in (spec["sources"]["flights"], spec["sources"]["flights2"]):
        flights["columns"]["booked"] = "timestamp"
        flights["known_at_time"].append("booked")
        flights["derive"]["early"] = "arr_delay < 0"
    spec["entities"]["carrier2"] = {"key": {"dest": "string"}}
    spec["features"]["airport_weather2"] = {**spec["features"]["airport_weather"], "ttl": "1h"}
    spec["features"]["airport_weather3"] = {
        **spec["features"]["airport_weather"], "entity": "origin", "on": {"origin": "origin"},
    }  # fmt: skip
    spec["entities"]["origin"] = {"key": {"origin": "string"}}
    return spec


@pytest.fixture
def clustered(base: Any) -> Any:
    """The example in three clusters: one has everything that can be told, one a vault and a volume, one an account."""
    staging = yaml.load(STAGING_TEXT, Loader=yaml.BaseLoader)
    main = base["models"]["main"]
    main["training"] |= {"schedule": "0 3 * * 1"}
    main["training"]["hardware"] |= {"memory": "8Gi", "gpu": {"type": "a10g", "count": "1"}}
    main["serving"] |= {"hardware": {"cpu": "1", "memory": "2Gi"}, "scaling": {"max_replicas": "20"}}
    main["serving"]["traffic"] = {"mean": "40rps", "peak": "120rps"}
    for source in base["sources"].values():
        source["uri"] = f"s3://delays/{source['uri']}"
    base["environments"]["staging"] = staging
    vaulted = {name: value for name, value in staging.items() if name not in ("workspace", "bucket", "pulumi", "state")}
    staging["state"] = "s3://states/delays"
    reached = {"region": "eu-central-1", "plan_role": f"{ROLE}-plan", "apply_role": f"{ROLE}-apply"}
    environments = {"staging": reached, "account": dict(reached)}
    base["review"] = {"github": {"repository": "acme/delay", "environments": environments}}
    base["environments"]["vaulted"] = {**vaulted, "secrets": {"from": "external_secrets", "store": "vault"}}
    base["environments"]["account"] = yaml.load(ACCOUNT_TEXT, Loader=yaml.BaseLoader)
    return base


def heaviest(before: Compiled, after: Compiled) -> Consequence | str:
    changes = diff_nodes(before.snapshot, after.snapshot)
    return max((change.consequence for change in changes), key=lambda one: one.weight, default=UNCHANGED)


@pytest.mark.parametrize(("name", "path", "value", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_changing_a_field_means_what_the_table_says(
    name: str,
    path: tuple[str | int, ...],
    value: Any,
    expected: Consequence | str,
    base: Any,
    compiled: Callable[[Any], Compiled],
    changed: Callable[[Any, Any, Any], Any],
) -> None:
    before = compiled(base)
    after = compiled(changed(base, path, value))

    assert heaviest(before, after) == expected


@pytest.mark.parametrize(("name", "path", "value", "expected"), IN_CLUSTERS, ids=[row[0] for row in IN_CLUSTERS])
def test_changing_a_field_in_a_cluster_means_what_the_table_says(
    name: str,
    path: tuple[str | int, ...],
    value: Any,
    expected: Consequence | str,
    clustered: Any,
    compiled: Callable[..., Compiled],
    changed: Callable[[Any, Any, Any], Any],
) -> None:
    environment = next((str(name) for name in path if name in clustered["environments"]), "staging")
    before = compiled(clustered, environment)
    after = compiled(changed(clustered, path, value), environment)

    assert heaviest(before, after) == expected


def test_every_field_of_the_language_has_a_row() -> None:
    declared = set(fields(SystemSpec, set()))
    rows = {row[0] for row in (*ROWS, *IN_CLUSTERS)}

    assert declared - rows - MAPS_OF_SECTIONS - IDENTITY - ONE_VALUE == set()
    assert rows - declared == set()
