"""What each process is told, as ConfigMaps that never change: another content has another name."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.kubernetes.objects import Cluster, KubernetesObject
from mlsystem.emit.kubernetes.processes import CONFIG_FILE, config_name
from mlsystem.emit.sections import MONITOR, PIPELINE, pipeline_section, server_section
from mlsystem.system.snapshots import ENVIRONMENT
from mlsystem_runtime.contract.base import pretty_json


def configs(cluster: Cluster) -> Iterator[KubernetesObject]:
    """Pods that run may still read the last ones: whoever applies keeps those until nobody refers to them."""
    for model in cluster.system.models:
        yield config(cluster, server_section(model.name), "server", model.name, f"endpoint.{model.name}")
        yield config(cluster, pipeline_section(model.name), "pipeline", model.name, f"model.{model.name}")
    yield config(cluster, MONITOR, "monitor", None, ENVIRONMENT)
    yield config(cluster, PIPELINE, "pipeline", None, ENVIRONMENT)


def config(cluster: Cluster, section: str, component: str, model: str | None, origin: str) -> KubernetesObject:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": cluster.metadata(config_name(cluster, section), component, model),
        "immutable": True,
        "data": {CONFIG_FILE: pretty_json(cluster.sections[section])},
    }
    return KubernetesObject("config", body, origin, kept=True)
