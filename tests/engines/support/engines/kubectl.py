"""What tests ask of any cluster, through the real kubectl."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.processes import clean_environment
from engines.recipes import folder, program

Object = dict[str, Any]
"""A Kubernetes object, as it stands in JSON."""


class KubectlError(Exception):
    """What kubectl, or the API server, said."""


@dataclass(frozen=True)
class Cluster:
    """A cluster that answers: `kubeconfig` is its administrator's and works from this machine."""

    kubeconfig: Path

    @property
    def environment(self) -> dict[str, str]:
        """For programs that talk to the cluster: KUBECONFIG, and kubectl first on PATH; no proxies."""
        path = f"{folder('kube') / 'bin'}:{os.environ.get('PATH', os.defpath)}"
        return clean_environment({"KUBECONFIG": str(self.kubeconfig), "PATH": path})

    def kubectl(self, *arguments: str | Path, stdin: str | None = None, seconds: float = 60) -> str:
        """Standard output; KubectlError with standard error, or when it takes longer."""
        try:
            finished = subprocess.run(
                [program("kube", "kubectl"), *arguments], input=stdin, env=self.environment, capture_output=True,
                text=True, timeout=seconds, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise KubectlError(f"no answer in {seconds:g} s") from error
        if finished.returncode:
            raise KubectlError(finished.stderr.strip())
        return finished.stdout

    def apply(self, *objects: Object, strict: bool = True) -> str:
        """Server-side, with conflicts forced and fields that the server does not know refused."""
        validate = "--validate=strict" if strict else "--validate=ignore"
        return self.kubectl("apply", "--server-side", "--force-conflicts", validate, "-f", "-", stdin=listed(objects))

    def apply_files(self, path: Path) -> str:
        """A file, or all files of a folder; strict like `apply`."""
        return self.kubectl("apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", path)

    def validate(self, *objects: Object) -> None:
        """KubectlError names what the server would refuse; nothing is created. Namespaces must exist."""
        self.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=listed(objects))

    def get(self, kind: str, name: str, namespace: str = "default") -> Object:
        found: Object = json.loads(self.kubectl("get", kind, name, "-n", namespace, "-o", "json"))
        return found

    def find(self, kind: str, namespace: str = "default", labels: Mapping[str, str] | None = None) -> list[Object]:
        selector = ",".join(f"{key}={value}" for key, value in (labels or {}).items())
        chosen = ("-l", selector) if selector else ()
        items: list[Object] = json.loads(self.kubectl("get", kind, "-n", namespace, *chosen, "-o", "json"))["items"]
        return items

    def namespace(self, name: str) -> str:
        """Made, with the service account that pods start with."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.eventually(lambda: self.find("serviceaccounts", name), f"a service account in {name}")
        return name

    def delete(self, kind: str, name: str, namespace: str = "default") -> None:
        """And gone when this returns; nothing happens when it is not there."""
        self.kubectl("delete", kind, name, "-n", namespace, "--ignore-not-found", "--wait")

    def wait_for(
        self, kind: str, name: str, fits: Callable[[Object], bool], namespace: str = "default", seconds: float = 60
    ) -> Object:
        """The object, as soon as it fits; KubectlError with its status when it does not in time."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.find_one(kind, name, namespace)
            if found is not None and fits(found):
                return found
            if time.monotonic() > deadline:
                status = "not there" if found is None else json.dumps(found.get("status", found), indent=1)
                raise KubectlError(f"{kind} {namespace}/{name} after {seconds:g} s: {status}")
            time.sleep(0.2)

    def find_one(self, kind: str, name: str, namespace: str = "default") -> Object | None:
        said = self.kubectl("get", kind, name, "-n", namespace, "--ignore-not-found", "-o", "json")
        found: Object | None = json.loads(said) if said else None
        return found

    def has_ready_node(self, name: str) -> bool:
        """And the service account that pods of the namespace `default` start with; False when nothing answers."""
        try:
            conditions = self.get("node", name).get("status", {}).get("conditions", [])
            ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
            return ready and self.find_one("serviceaccount", "default") is not None
        except KubectlError:
            return False

    def eventually(self, so: Callable[[], object], what: str, seconds: float = 60) -> None:
        """KubectlError when `so()` is not true in time."""
        deadline = time.monotonic() + seconds
        while not so():
            if time.monotonic() > deadline:
                raise KubectlError(f"after {seconds:g} s not {what}")
            time.sleep(0.2)


def listed(objects: Iterable[Object]) -> str:
    """Documents, not a List: of a List, kubectl is the judge and not the server."""
    return "\n---\n".join(json.dumps(one) for one in objects)
