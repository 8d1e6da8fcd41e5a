"""An API server asked without kubectl: a request takes milliseconds, so that many can be made between two syncs."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engines.kubectl import Cluster, KubectlError, Object


@dataclass(frozen=True)
class Rest:
    """For one thread: a connection that is kept."""

    connection: http.client.HTTPSConnection

    def get(self, path: str) -> Object:
        found: Object = self.ask("GET", path)
        return found

    def post(self, path: str, body: Object) -> None:
        self.ask("POST", path, body)

    def delete(self, path: str) -> None:
        self.ask("DELETE", path, {"gracePeriodSeconds": 0})

    def patch(self, path: str, body: Object) -> None:
        """Lists with keys, as a pod's conditions, are merged by their keys."""
        self.ask("PATCH", path, body, "application/strategic-merge-patch+json")

    def merge(self, path: str, body: Object) -> None:
        """For kinds of which the server does not know the keys of lists; None removes."""
        self.ask("PATCH", path, body, "application/merge-patch+json")

    def ask(self, method: str, path: str, body: Object | None = None, kind: str = "application/json") -> Any:
        """KubectlError with what the server said, where it refused."""
        content = None if body is None else json.dumps(body)
        self.connection.request(method, path, content, {"Content-Type": kind, "Accept": "application/json"})
        answer = self.connection.getresponse()
        said = answer.read()
        if answer.status >= 300:
            raise KubectlError(f"{method} {path}: {answer.status} {said.decode(errors='replace')}")
        return json.loads(said)


def rest(cluster: Cluster, port: int | None = None) -> Rest:
    """As the administrator of the cluster; with a port, asking another server here that trusts its users."""
    config = json.loads(cluster.kubeconfig.read_text())
    server = urlsplit(config["clusters"][0]["cluster"]["server"])
    authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    user = config["users"][0]["user"]
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder) / "certificate", Path(folder) / "key"
        certificate.write_bytes(base64.b64decode(user["client-certificate-data"]))
        key.write_bytes(base64.b64decode(user["client-key-data"]))
        context.load_cert_chain(certificate, key)
    if port is not None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # its certificate is its own
    assert server.hostname is not None
    return Rest(http.client.HTTPSConnection(server.hostname, port or server.port, context=context, timeout=60))
