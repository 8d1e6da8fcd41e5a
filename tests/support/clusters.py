"""Systems in a cluster, to make objects of: the examples with an environment `staging`, and what can differ there."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from solved import solve

from mlsystem.capacity.certificate import Behaviour, Direction, ScalingPolicy, Settings
from mlsystem.compile import resolve_system
from mlsystem.diagnostics.report import Report
from mlsystem.emit.contract import run_config
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.emit.sections import sections
from mlsystem.system.snapshots import snapshot
from mlsystem.system.target import KubernetesTarget

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DIGITS = "0123456789abcdef"
ENVIRONMENTS = "\nenvironments:\n"
PLATFORM: Mapping[str, Any] = {"argo_workflows": True}
STAGING: Mapping[str, Any] = {"target": "kubernetes", "registry": "registry.example.com/ml", "platform": PLATFORM}

EVERYTHING: Mapping[str, Any] = {
    **PLATFORM, "prometheus": True, "keda": True, "argo_rollouts": True, "ingress": "nginx",
    "host": "ml.example.com", "tls_secret": "ml-tls", "storage_class": "fast", "pull_secret": "registry",
    "gpu_selector": {"cloud.example.com/gpu": "a10g"},
}  # fmt: skip
BY_REQUESTS = {"controller": "keda", "metric": "requests", "target": "20rps", "min_replicas": 1, "max_replicas": 6}
BEHIND_NGINX: Mapping[str, Any] = {
    **PLATFORM, "prometheus": True, "ingress": "nginx", "host": "ml.example.com", "tls_secret": "ml-tls",
}  # fmt: skip
OF_KNATIVE: Mapping[str, Any] = {**PLATFORM, "knative": True}
BY_CONCURRENCY = {"controller": "knative", "metric": "concurrency", "target": 4, "min_replicas": 2, "max_replicas": 8}
BUCKET: Mapping[str, Any] = {
    "workspace": "s3://models/delay",
    "bucket": {"endpoint": "http://objects.storage:9000", "secret": "bucket"},
}

AUTH = {"tokens": "${secret:API_TOKENS}"}
TLS = {"certificate": "${secret:CERTIFICATE}", "key": "${secret:KEY}"}

CAREFUL = Behaviour(
    up=Direction(30, (ScalingPolicy("pods", 2, 60),)), down=Direction(600, (ScalingPolicy("percent", 25, 120),))
)
VARIATIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "flights": ("flights", {}),
    "seattle": ("seattle", {"namespace": {"name": "weather", "create": True}}),
    "two models": ("seattle-two", {}),
    "two models behind an ingress": ("seattle-two", {"platform": EVERYTHING}),
    "keda by requests": (
        "flights",
        {"platform": {**PLATFORM, "prometheus": True, "keda": True}, "override": {"serving": {"scaling": BY_REQUESTS}}},
    ),
    "keda by cpu": (
        "flights",
        {"platform": {**PLATFORM, "keda": True}, "override": {"serving": {"scaling": {"controller": "keda"}}}},
    ),
    "certified": ("flights", {"certified": Settings("hpa", "cpu", 0.55, 3, 8, CAREFUL)}),
    "certified by requests": (
        "flights",
        {
            "platform": {**PLATFORM, "prometheus": True, "keda": True},
            "override": {"serving": {"scaling": {"controller": "keda"}}},
            "certified": Settings("keda", "requests", 17.5, 3, 8, CAREFUL),
        },
    ),
    "keda by concurrency": (
        "flights",
        {
            "platform": {**PLATFORM, "prometheus": True, "keda": True},
            "override": {"serving": {"scaling": {"controller": "keda", "metric": "concurrency", "target": 2}}},
        },
    ),
    "knative": ("flights", {**BUCKET, "platform": OF_KNATIVE, "override": {"serving": {"scaling": BY_CONCURRENCY}}}),
    "certified with knative": (
        "flights",
        {
            **BUCKET, "platform": OF_KNATIVE, "override": {"serving": {"scaling": {"controller": "knative"}}},
            "certified": Settings("knative", "concurrency", 3.5, 3, 8, None),
        },
    ),
    "knative behind an ingress": (
        "flights",
        {
            **BUCKET, "platform": {**BEHIND_NGINX, "knative": True},
            "override": {"serving": {
                "auth": AUTH, "scaling": {"controller": "knative", "metric": "requests", "target": "20rps"},
            }},
        },
    ),
    "knative beside keda": (
        "seattle-two",
        {
            **BUCKET, "platform": {**BEHIND_NGINX, "knative": True, "keda": True},
            "override": {"models": {
                "rain": {"serving": {"scaling": BY_CONCURRENCY}},
                "warmth": {"serving": {"scaling": {"controller": "keda"}, "grpc": True}},
            }},
        },
    ),
    "rollouts": ("seattle", {"platform": {**PLATFORM, "argo_rollouts": True}}),
    "rollouts with prometheus": ("seattle", {"platform": {**PLATFORM, "argo_rollouts": True, "prometheus": True}}),
    "rollouts and keda": ("flights", {"platform": EVERYTHING, "override": {"serving": {"scaling": BY_REQUESTS}}}),
    "one replica": ("seattle", {"override": {"serving": {"scaling": {"min_replicas": 1, "max_replicas": 1}}}}),
    "bucket of the cluster": ("flights", BUCKET),
    "bucket of the cloud": ("flights", {"workspace": "s3://models/delay", "platform": EVERYTHING}),
    "given stores": (
        "flights",
        {
            **BUCKET, "online_store": {"uri": "rediss://cache.example.com:6380/2"},
            "tracking": {"uri": "https://mlflow.example.com"},
        },
    ),
    "feature table": ("flights", {**BUCKET, "online_store": {"uri": "dynamodb://delay-features?region=us-east-1"}}),
    "feature table and volume": (
        "flights", {"online_store": {"type": "dynamodb", "uri": "dynamodb://delay-features?region=us-east-1"}},
    ),
    "stores of other namespaces": (
        "flights",
        {
            "online_store": {"uri": "redis://redis.data.svc.cluster.local:6379"},
            "tracking": {"uri": "http://mlflow.data:5000"},
        },
    ),
    "secret stores": (
        "flights",
        {
            "online_store": {"uri": "${secret:REDIS_URL}"}, "tracking": {"uri": "${secret:MLFLOW_URL}"},
            "override": {"monitoring": {"alerts": {"to": [{"kind": "webhook", "url": "${secret:ALERT_URL}"}]}}},
        },
    ),
    "gang": ("flights", {**BUCKET, "override": {"training": {"hardware": {"nodes": 3}}}}),
    "two gangs": (
        "seattle-two",
        {
            "platform": EVERYTHING,
            "override": {"models": {
                "rain": {"training": {"hardware": {"nodes": 2, "gpu": {"count": 1, "type": "a10g"}}}},
                "warmth": {"training": {"hardware": {"nodes": 4}}},
            }},
        },
    ),
    "retraining by itself": ("flights", {"override": {"monitoring": {"approve": ["promote"]}}}),
    "tokens": ("flights", {"override": {"serving": {"auth": AUTH}}}),
    "gRPC of one model": ("seattle-two", {"override": {"models": {"rain": {"serving": {"grpc": True}}}}}),
    "gRPC behind an ingress": (
        "seattle-two",
        {"platform": EVERYTHING, "override": {"models": {"rain": {"serving": {"grpc": True}}}}},
    ),
    "gRPC over TLS behind an ingress": (
        "flights", {"platform": EVERYTHING, "tls": TLS, "override": {"serving": {"grpc": True}}},
    ),
    "tokens of one model, and TLS": (
        "seattle-two",
        {"platform": EVERYTHING, "tls": TLS, "override": {"models": {"rain": {"serving": {"auth": AUTH}}}}},
    ),
    "external secrets": ("flights", {"secrets": {"from": "external_secrets", "store": "vault", "name": "delay"}}),
}  # fmt: skip
"""Which example, and what its environment says beside STAGING; `certified` is what the lock file says."""


def every_cluster() -> dict[str, Cluster]:
    """One of each variation, by name."""
    return {name: cluster_named(name) for name in VARIATIONS}


def cluster_named(name: str) -> Cluster:
    example, settings = VARIATIONS[name]
    return cluster_of(EXAMPLES / example / "mlsystem.yaml", **settings)


def cluster_of(
    spec: str | Path, environment: str = "staging", certified: Settings | None = None, **settings: Any
) -> Cluster:
    """A system as an emitter of objects gets it. The last section of the spec, `environments`, is replaced by this one
    alone: STAGING with these settings. Files are in a bucket."""
    text = spec.read_text() if isinstance(spec, Path) else spec
    others = text.partition(ENVIRONMENTS)[0].replace("uri: data/", "uri: s3://data/")
    text = f"{others}{ENVIRONMENTS}  {environment}: {json.dumps({**STAGING, **settings})}\n"
    return resolved(text, environment, certified)


@cache
def resolved(text: str, environment: str, certified: Settings | None) -> Cluster:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mlsystem.yaml")
        path.write_text(text)
        if certified is not None:
            solve(path, environment, certified)
        report = Report()
        system = resolve_system(path, environment, {}, report)
    assert system is not None, [(one.code, one.message, one.help) for one in report.diagnostics]
    assert isinstance(system.target, KubernetesTarget)
    target = system.target
    config = run_config(system, snapshot(system))
    repository = f"{target.registry}/{system.name}"
    images = {name: f"{repository}/{name}:sha256-{DIGITS}" for name in ("server", "trainer")}
    return Cluster(system=system, target=target, images=images, sections=sections(config))
