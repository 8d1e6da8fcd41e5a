"""A small cluster and a few objects of every shape, for tests of what prints or carries out objects."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from mlsystem.compile import Compiled, compile_system, resolve_system
from mlsystem.diagnostics.report import Report
from mlsystem.emit.kubernetes.objects import Cluster, KubernetesObject
from mlsystem.emit.pulumi_kubernetes import emit_pulumi
from mlsystem.system.target import KubernetesTarget

SEATTLE = Path(__file__).resolve().parents[2] / "templates" / "init" / "seattle" / "mlsystem.yaml"
STAGING = {"target": "kubernetes", "registry": "registry.example.com/ml", "platform": {"argo_workflows": True}}


def cluster_by_hand(folder: Path, **environment: Any) -> Cluster:
    """seattle-weather in staging; `environment` adds to what it says there."""
    report = Report()
    system = resolve_system(staging_spec(folder, **environment), "staging", {}, report)
    assert system is not None, report.diagnostics
    assert isinstance(system.target, KubernetesTarget)
    return Cluster(system, system.target, {"server": "example/server:1", "trainer": "example/trainer:1"}, {})


def compiled_staging(folder: Path, **environment: Any) -> Compiled:
    """The same, whole."""
    report = Report()
    compiled = compile_system(staging_spec(folder, **environment), "staging", {}, report)
    assert compiled is not None, report.diagnostics
    return compiled


def staging_spec(folder: Path, **environment: Any) -> Path:
    written = yaml.safe_load(SEATTLE.read_text())
    written["environments"] = {"staging": {**STAGING, **environment}}
    for source in written["sources"].values():
        source["uri"] = f"s3://{source['uri']}"
    written["sources"]["weather"]["uri"] = "s3://weather/weather.csv"
    folder.mkdir(parents=True, exist_ok=True)
    spec = folder / "mlsystem.yaml"
    spec.write_text(yaml.safe_dump(written, sort_keys=False))
    return spec


def objects_by_hand(cluster: Cluster) -> tuple[KubernetesObject, ...]:
    """A server with what belongs to it, a pipeline, and a namespace where one is made."""
    name, settings = cluster.name("weather", "server"), cluster.name("config", "server-weather", "0a1b2c3d")
    account = cluster.name("server")
    mine = cluster.metadata(name, "server", "weather")
    selector = cluster.selector("server", "weather")
    pods = {
        "metadata": {"labels": cluster.labels("server", "weather")},
        "spec": {
            "serviceAccountName": account,
            "hostIPC": False,
            "containers": [container(cluster.images["server"])],
            "volumes": [{"name": "config", "configMap": {"name": settings}}, {"name": "tmp", "emptyDir": {}}],
        },
    }
    found = [
        made("config", "ConfigMap", cluster.metadata(settings, "server"), kept=True, immutable=True,
             data={"run.json": '{\n  "path": "C:\\\\d",\n  "said": "\'\'"\n}\n', "some_key": "one\ttwo"}),
        made("access", "ServiceAccount", cluster.metadata(account, "server"), automountServiceAccountToken=True),
        made("server", "Deployment", mine, "apps/v1", skip_await=True,
             spec={"selector": {"matchLabels": selector}, "template": pods}),
        made("server", "Service", mine, skip_await=True,
             spec={"selector": selector, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}),
        made("network", "NetworkPolicy", mine, "networking.k8s.io/v1",
             spec={"podSelector": {"matchLabels": selector}, "policyTypes": ["Ingress"],
                   "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 8080}]}]}),
    ]  # fmt: skip
    if cluster.target.create_namespace:
        labels = {"name": cluster.target.namespace, "labels": cluster.labels("server")}
        found.insert(0, made("namespace", "Namespace", labels, kept=True))
    return tuple(found)


def workflow_template(cluster: Cluster) -> KubernetesObject:
    """An object of a kind that the SDK has no constructor for."""
    step = {"name": "all", "container": {"image": cluster.images["trainer"], "command": ["true"]}}
    return made(
        "pipeline", "WorkflowTemplate", cluster.metadata(cluster.name("pipeline"), "pipeline"), "argoproj.io/v1alpha1",
        spec={"entrypoint": "all", "podMetadata": {"labels": {"a_b": "c"}}, "templates": [step]},
    )  # fmt: skip


def container(image: str) -> dict[str, Any]:
    return {
        "name": "server", "image": image, "command": ["python", "-m", "mlsystem_runtime", "serve"],
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}},
        "env": [{"name": "A_B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/mlsystem"}, {"name": "tmp", "mountPath": "/tmp"}],
    }  # fmt: skip


def made(
    concern: Any, kind: str, metadata: dict[str, Any], version: str = "v1", *, skip_await: bool = False,
    kept: bool = False, **rest: Any,
) -> KubernetesObject:  # fmt: skip
    body = {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}
    return KubernetesObject(concern, body, "endpoint.weather", skip_await=skip_await, kept=kept)


def program_in(folder: Path, cluster: Cluster, objects: Iterable[KubernetesObject]) -> Path:
    """The folder of the program that declares `objects`."""
    for artifact in emit_pulumi(cluster, tuple(objects)):
        path = folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(artifact.content)
    return folder / "pulumi"


def stack_settings(cluster: Cluster) -> dict[str, str]:
    context = {} if cluster.target.context is None else {"kubernetes:context": cluster.target.context}
    return {"kubernetes:namespace": cluster.target.namespace, **context}
