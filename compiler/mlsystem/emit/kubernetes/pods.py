"""What all pods have in common: no rights beyond those that they need, and what they need as it is declared.

The values below are whole: what a pod has stands in it, nothing is left to the defaults of a cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mlsystem.emit.kubernetes.objects import Body, Cluster
from mlsystem.emit.kubernetes.placement import placed

USER = 65532
"""Of our images: numeric, so that the cluster can see that it is not root."""

PURPOSES: Mapping[str, Literal["serving", "pipeline"]] = {"server": "serving", "pipeline": "pipeline"}
"""What nodes are for that components run on; all others run where the system does."""

STORE_USER = 999
"""Of Redis and PostgreSQL, as their official images have it."""

GI = 1024**3
SUFFIXES = (("Ti", 1024**4), ("Gi", GI), ("Mi", 1024**2), ("Ki", 1024))

TMP = "tmp"
TMP_BYTES = GI


@dataclass(frozen=True)
class Volume:
    """`source` is what it is, as in a pod's `volumes`; `path` where the container sees it."""

    name: str
    path: str
    source: Body = field(hash=False)
    read_only: bool = False

    @property
    def declared(self) -> Body:
        return {"name": self.name, **self.source}

    @property
    def mount(self) -> Body:
        mounted: Body = {"name": self.name, "mountPath": self.path}
        return {**mounted, "readOnly": True} if self.read_only else mounted


def scratch(name: str, path: str, size_bytes: int) -> Volume:
    """A folder that ends with the pod."""
    return Volume(name, path, {"emptyDir": {"sizeLimit": memory(size_bytes)}})


def tmp() -> Volume:
    return scratch(TMP, "/tmp", TMP_BYTES)


def resources(cpu_cores: float, memory_bytes: int) -> Body:
    """Requests are the limits: what is measured is what there is."""
    amounts = {"cpu": cpu(cpu_cores), "memory": memory(memory_bytes)}
    return {"requests": amounts, "limits": dict(amounts)}


def cpu(cores: float) -> str:
    """As the API server writes it: `2`, `500m`."""
    thousandths = round(cores * 1000)
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"


def memory(size_bytes: int) -> str:
    """As the API server writes it: `2Gi`, `1500Mi`."""
    for suffix, unit in SUFFIXES:
        if size_bytes % unit == 0:
            return f"{size_bytes // unit}{suffix}"
    return str(size_bytes)


def pod_security(user: int = USER) -> Body:
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> Body:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def container(
    name: str, image: str, command: Sequence[str], *, cpu_cores: float, memory_bytes: int,
    env: Iterable[Body] = (), volumes: Iterable[Volume] = (),
) -> Body:  # fmt: skip
    """Without ports, probes and lifecycle, which whoever has them adds."""
    variables = list(env)
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        **({"env": variables} if variables else {}),
        "resources": resources(cpu_cores, memory_bytes),
        "securityContext": container_security(),
        "volumeMounts": [volume.mount for volume in volumes],
    }


def pod_template(
    cluster: Cluster, component: str, main: Body, volumes: Iterable[Volume], *, account: str, token: bool,
    grace_seconds: int, model: str | None = None, user: int = USER,
) -> Body:  # fmt: skip
    """One container. `account` is the name of the ServiceAccount; `token` whether the pod talks to the API server."""
    return {
        "metadata": {"labels": cluster.labels(component, model)},
        "spec": {
            "serviceAccountName": account,
            "automountServiceAccountToken": token,
            "enableServiceLinks": False,
            "securityContext": pod_security(user),
            "terminationGracePeriodSeconds": grace_seconds,
            "containers": [main],
            "volumes": [volume.declared for volume in volumes],
            **placed(cluster, PURPOSES.get(component, "system")),
        },
    }
