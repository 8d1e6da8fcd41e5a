"""The one form in which generated Kubernetes objects travel: emitters make them, printers write them down.

Plain YAML and the Pulumi program print the same values, so the two cannot differ.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlsystem.system.nodes import System
from mlsystem.system.target import LONGEST_NAME, KubernetesTarget, dns_name, prefix_of
from mlsystem_runtime.contract.run import RunConfig

Body = dict[str, Any]
Folder = Literal["manifests", "pipelines", "observability"]
Concern = Literal[
    "namespace", "access", "config", "secrets", "server", "monitor", "online_store", "tracking", "workspace", "network",
    "pipeline", "observability",
]  # fmt: skip
"""One module of the Pulumi program each."""

LONGEST_LABEL = 63


@dataclass(frozen=True)
class KubernetesObject:
    """`body` is the object as the API takes it; `origin` the node that it carries out; `skip_await` where Pulumi must
    not wait for it (it becomes ready only when there is a model); `kept` where it stays when the stack is destroyed.
    """

    concern: Concern
    body: Body = field(hash=False)
    origin: str
    folder: Folder = "manifests"
    skip_await: bool = False
    kept: bool = False

    @property
    def kind(self) -> str:
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def path(self) -> str:
        """Of the YAML file."""
        folder = f"{self.folder}/{self.concern}" if self.folder == "manifests" else self.folder
        return f"{folder}/{self.kind.lower()}-{self.name}.yaml"


@dataclass(frozen=True)
class Names:
    """What the objects of a system are called, and how they are found."""

    system: System
    target: KubernetesTarget

    @property
    def prefix(self) -> str:
        return prefix_of(self.system.name)

    @property
    def instance(self) -> str:
        return label_value(f"{self.prefix}-{self.system.environment}")

    def name(self, *parts: str) -> str:
        """A name in the cluster: the prefix and what it is for. A long one is cut, and ends in a hash of the whole."""
        whole = "-".join([self.prefix, *(dns_name(part) for part in parts)])
        if len(whole) <= LONGEST_NAME:
            return whole
        return f"{whole[: LONGEST_NAME - 9].rstrip('-')}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"

    def labels(self, component: str, model: str | None = None) -> dict[str, str]:
        """On every object."""
        found = {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": self.instance,
            "app.kubernetes.io/component": component,
            "app.kubernetes.io/part-of": self.prefix,
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": self.prefix,
            "mlsystem.dev/environment": label_value(self.system.environment),
        }
        return found if model is None else {**found, "mlsystem.dev/model": label_value(model)}

    def selector(self, component: str, model: str | None = None) -> dict[str, str]:
        """What pods are found by: these labels never change."""
        found = {"app.kubernetes.io/instance": self.instance, "app.kubernetes.io/component": component}
        return found if model is None else {**found, "mlsystem.dev/model": label_value(model)}

    def metadata(
        self, name: str, component: str, model: str | None = None, annotations: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        found: dict[str, Any] = {
            "name": name,
            "namespace": self.target.namespace,
            "labels": self.labels(component, model),
        }
        return {**found, "annotations": dict(annotations)} if annotations else found


@dataclass(frozen=True)
class Cluster(Names):
    """What every emitter of objects starts from. `images` maps server and trainer to references; `sections` are those
    of `emit.sections`."""

    images: Mapping[str, str]
    sections: Mapping[str, RunConfig]


def label_value(text: str) -> str:
    """`text` where a label may have it, else a name made of it."""
    fits = len(text) <= LONGEST_LABEL and re.fullmatch(r"[a-z0-9]([a-z0-9_.-]*[a-z0-9])?", text)
    return text if fits else dns_name(text, LONGEST_LABEL)
