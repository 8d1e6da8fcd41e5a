"""Argo Workflows, Argo Rollouts and KEDA on a cluster that is there already: their controllers and their CRDs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from engines.authority import new_authority
from engines.kubectl import Cluster, Object
from engines.processes import Processes, free_port, short_folder
from engines.recipes import folder, program

OPERATOR_NAMESPACE = "keda"
SLOWEST = 300
"""Seconds that definitions may take on a machine that does other things too."""


def install_definitions(cluster: Cluster, engine: str) -> None:
    """The CRDs of `engine`: argo, rollouts, keda, knative-definitions; served when this returns. Does nothing a
    second time.

    Argo's cost the API server twelve CPU seconds, so they are created and not applied, which costs more.
    """
    there = set(cluster.kubectl("get", "customresourcedefinitions", "-o", "name").split())
    files = sorted((folder(engine) / "manifests" / "crds").glob("*.yaml"))
    absent = [path for path in files if definition(path) not in there]
    if absent:
        chosen = [part for path in absent for part in ("-f", str(path))]
        cluster.kubectl("create", "--validate=ignore", *chosen, seconds=SLOWEST)
    names = [definition(path) for path in files]
    timeout = f"--timeout={SLOWEST}s"
    cluster.kubectl("wait", "--for=condition=Established", *names, timeout, seconds=SLOWEST + 10)


def definition(path: Path) -> str:
    """The CRD of the file, as kubectl names it; read without a parser, which would take seconds."""
    found = re.search(r"^  name: (\S+)$", path.read_text(), re.MULTILINE)
    assert found is not None, path
    return f"customresourcedefinition.apiextensions.k8s.io/{found[1]}"


@contextmanager
def argo_controller(cluster: Cluster, executor_image: str = "none:1", namespace: str = "argo") -> Iterator[Processes]:
    """Runs workflows of all namespaces. Every container needs a `command`: else the controller asks the internet."""
    install_definitions(cluster, "argo")
    cluster.namespace(namespace)
    cluster.apply(config_map("workflow-controller-configmap", namespace, {"metricsConfig": "enabled: false\n"}))
    settings = {**cluster.environment, "LEADER_ELECTION_DISABLE": "true", "DEFAULT_REQUEUE_TIME": "1s"}
    with short_folder("mls-argo-") as place, Processes(place) as processes:
        processes.start(
            "workflow-controller", program("argo", "workflow-controller"), "--kubeconfig", cluster.kubeconfig,
            "--namespace", namespace, "--executor-image", executor_image, environment=settings,
        )  # fmt: skip
        processes.wait_until(lambda: "starting leading" in text(processes, "workflow-controller"), "a running Argo")
        yield processes


def report_outputs(cluster: Cluster, pod: Object, parameters: Mapping[str, str]) -> None:
    """What the executor would have reported of a workflow's `pod`, in a simulated cluster, where none runs."""
    metadata = pod["metadata"]
    labels = {
        "workflows.argoproj.io/workflow": metadata["labels"]["workflows.argoproj.io/workflow"],
        "workflows.argoproj.io/report-outputs-completed": "true",
    }
    place = {"name": metadata["annotations"]["workflows.argoproj.io/node-id"], "namespace": metadata["namespace"]}
    values = [{"name": name, "value": value} for name, value in parameters.items()]
    cluster.apply({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTaskResult", "metadata": {**place, "labels": labels},
        "phase": "Succeeded", "outputs": {"parameters": values},
    })  # fmt: skip


@contextmanager
def rollouts_controller(cluster: Cluster, namespace: str = "argo-rollouts") -> Iterator[Processes]:
    """Rolls out Rollouts of all namespaces."""
    install_definitions(cluster, "rollouts")
    cluster.namespace(namespace)
    metrics, health = free_port(), free_port()
    with short_folder("mls-rollouts-") as place, Processes(place) as processes:
        processes.start(
            "rollouts-controller", program("rollouts", "rollouts-controller"), "--kubeconfig", cluster.kubeconfig,
            "--namespace", namespace, "--leader-elect=false", f"--metricsPort={metrics}", f"--healthzPort={health}",
            environment=cluster.environment,
        )  # fmt: skip
        processes.wait_until(lambda: "Started controller" in text(processes, "rollouts-controller"), "running Rollouts")
        yield processes


@contextmanager
def keda_operator(cluster: Cluster, port: int | None = None) -> Iterator[Processes]:
    """Turns ScaledObjects of all namespaces into HPAs; its adapter, at `port`, answers what those ask for."""
    install_definitions(cluster, "keda")
    cluster.namespace(OPERATOR_NAMESPACE)
    with short_folder("mls-keda-") as place, Processes(place) as processes:
        write_certificates(place / "certificates")
        probes, values = free_port(), free_port()
        processes.start("keda-operator", program("keda", "keda-operator"), *operator_flags(place, probes, values),
                        environment=operator_environment(cluster))  # fmt: skip
        port = port or free_port()
        processes.start("keda-adapter", program("keda", "keda-adapter"), *adapter_flags(cluster, place, port, values),
                        environment=operator_environment(cluster))  # fmt: skip
        cluster.apply(*external_metrics(port))
        processes.wait_until(lambda: is_available(cluster), "the API external.metrics.k8s.io")
        yield processes


def operator_flags(place: Path, probes: int, values: int) -> tuple[str, ...]:
    return (
        f"--cert-dir={place / 'certificates'}", f"--metrics-service-bind-address=127.0.0.1:{values}",
        "--metrics-bind-address=0", f"--health-probe-bind-address=127.0.0.1:{probes}", "--leader-elect=false",
        "--kube-api-qps=1000", "--kube-api-burst=1000",
    )  # fmt: skip


def adapter_flags(cluster: Cluster, place: Path, port: int, values: int) -> tuple[str, ...]:
    config = cluster.kubeconfig
    return (
        f"--lister-kubeconfig={config}", f"--authentication-kubeconfig={config}",
        f"--authorization-kubeconfig={config}", "--bind-address=127.0.0.1", f"--secure-port={port}",
        f"--cert-dir={place / 'certificates'}", f"--port={free_port()}",
        f"--tls-cert-file={place / 'certificates/tls.crt'}",
        f"--tls-private-key-file={place / 'certificates/tls.key'}",
        f"--metrics-service-address=127.0.0.1:{values}",
    )  # fmt: skip


def operator_environment(cluster: Cluster) -> dict[str, str]:
    place = {"POD_NAMESPACE": OPERATOR_NAMESPACE, "KEDA_CLUSTER_OBJECT_NAMESPACE": OPERATOR_NAMESPACE}
    return {**cluster.environment, "WATCH_NAMESPACE": "", **place}


def write_certificates(place: Path) -> None:
    authority = new_authority("keda")
    authority.pair.write(place, "ca")
    authority.sign("keda", hosts=("127.0.0.1", "localhost")).write(place, "tls")


def external_metrics(port: int) -> tuple[Object, ...]:
    return aggregated_api("external.metrics.k8s.io", "v1beta1", OPERATOR_NAMESPACE, "keda-metrics-apiserver", port)


def aggregated_api(group: str, version: str, namespace: str, name: str, port: int) -> tuple[Object, ...]:
    """An API that a program of this machine serves at `port`: its Service is a name for localhost."""
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"name": "https", "port": port}]},
    }  # fmt: skip
    api = {
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": f"{version}.{group}"},
        "spec": {
            "service": {"name": name, "namespace": namespace, "port": port}, "group": group, "version": version,
            "insecureSkipTLSVerify": True, "groupPriorityMinimum": 100, "versionPriority": 100,
        },
    }  # fmt: skip
    return service, api


def is_available(cluster: Cluster) -> bool:
    found = cluster.find_one("apiservice", "v1beta1.external.metrics.k8s.io")
    conditions = (found or {}).get("status", {}).get("conditions", [])
    return any(one["type"] == "Available" and one["status"] == "True" for one in conditions)


def config_map(name: str, namespace: str, data: dict[str, str]) -> Object:
    return {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data,
    }  # fmt: skip


def text(processes: Processes, name: str) -> str:
    return processes.log(name).read_text(errors="replace")
