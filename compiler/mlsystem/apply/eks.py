"""The cluster of an account: whether it is there, and the kubeconfig by which tools reach it.

https://docs.aws.amazon.com/eks/latest/userguide/create-kubeconfig.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mlsystem.apply.account import asked, client
from mlsystem.errors import MlsystemError

READY = ("ACTIVE", "UPDATING")


class ClusterAccess(Protocol):
    """The way to a cluster that the environment may have made itself."""

    def there(self) -> bool:
        """Whether it answers, or should. Raises MlsystemError where the account cannot be asked."""
        ...

    def log_in(self) -> None:
        """Make the way known to whoever reads the kubeconfig. Raises MlsystemError where there is no cluster."""
        ...


class Given:
    """A cluster of the platform team's: the kubeconfig is the user's own."""

    def there(self) -> bool:
        return True

    def log_in(self) -> None:
        return


@dataclass(frozen=True)
class EksCluster:
    """The cluster `name` of a region; `kubeconfig` is written, with one context `context`."""

    name: str
    region: str
    context: str
    kubeconfig: Path
    environ: Mapping[str, str]

    def there(self) -> bool:
        found = self._found()
        return found is not None and found["status"] in READY

    def log_in(self) -> None:
        found = self._found()
        if found is None or found["status"] not in READY:
            state = "there is no" if found is None else f"{found['status'].lower()} is the"
            raise MlsystemError(
                f"{state} cluster {self.name} in {self.region}", "mlsystem apply makes it, or says why it does not"
            )
        self.kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        self.kubeconfig.touch(0o600)
        self.kubeconfig.write_text(json.dumps(self.written(found), indent=2) + "\n")

    def _found(self) -> Mapping[str, Any] | None:
        eks = client("eks", self.region, self.environ)
        with asked(f"about the cluster {self.name}"):
            try:
                found: Mapping[str, Any] = eks.describe_cluster(name=self.name)["cluster"]
            except eks.exceptions.ResourceNotFoundException:
                return None
        return found

    def written(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Holds no secret: `aws` gives the token, to whoever may have one."""
        authority = {"certificate-authority-data": found["certificateAuthority"]["data"], "server": found["endpoint"]}
        token = {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "aws",
            "args": ["eks", "get-token", "--cluster-name", self.name, "--region", self.region, "--output", "json"],
            "interactiveMode": "Never",
        }
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": self.context,
            "clusters": [{"name": self.name, "cluster": authority}],
            "users": [{"name": self.name, "user": {"exec": token}}],
            "contexts": [{"name": self.context, "context": {"cluster": self.name, "user": self.name}}],
        }
