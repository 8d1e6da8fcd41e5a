"""A kubeconfig, read: where the API server of a context is, and who asks it.

https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import ssl
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.api_server import ACCOUNT, of_pod

Section = Mapping[str, Any]


@dataclass(frozen=True)
class Access:
    """`server` begins with https://; `headers` say who asks, where the certificate in `tls` does not."""

    server: str
    tls: ssl.SSLContext
    headers: Mapping[str, str]
    context: str


def access(context: str | None, environ: Mapping[str, str]) -> Access:
    """To the cluster of `context` (None: the current one; without a kubeconfig, the cluster that this runs in).

    Raises MlsystemError where there is none.
    """
    places = [Path(one) for one in environ.get("KUBECONFIG", "").split(os.pathsep) if one]
    places = places or [Path(environ.get("HOME", "/")) / ".kube" / "config"]
    found = [place for place in places if place.is_file()]
    if not found and context is None and (ACCOUNT / "token").is_file():
        return inside(environ)
    if not found:
        raise MlsystemError(f"there is no kubeconfig {places[0]}", "set KUBECONFIG, or log in to the cluster")
    return of_files(found, context, environ)


def of_files(places: list[Path], context: str | None, environ: Mapping[str, str]) -> Access:
    files = [(place, read(place)) for place in places]
    current = context or next((file["current-context"] for _, file in files if file.get("current-context")), None)
    if current is None:
        raise MlsystemError(f"{places[0]} has no current context", "name it: environments.ENV.context")
    _, chosen = named(files, "contexts", "context", current)
    place, cluster = named(files, "clusters", "cluster", str(chosen.get("cluster")))
    home, user = named(files, "users", "user", str(chosen.get("user"))) if chosen.get("user") else (place, {})
    tls = trust(cluster, place.parent)
    headers = identify(user, home.parent, tls, environ)
    return Access(str(cluster["server"]).rstrip("/"), tls, headers, current)


def read(place: Path) -> Section:
    try:
        found = yaml.safe_load(place.read_text())
    except (yaml.YAMLError, OSError) as error:
        raise MlsystemError(f"{place} is no kubeconfig: {error}", "log in to the cluster again") from error
    return found if isinstance(found, dict) else {}


def named(files: list[tuple[Path, Section]], section: str, kind: str, name: str) -> tuple[Path, Section]:
    """The first of that name, with the file that it stands in."""
    for place, file in files:
        for one in file.get(section) or ():
            if one.get("name") == name:
                return place, one.get(kind) or {}
    known = ", ".join(sorted(one["name"] for _, file in files for one in file.get(section) or ())) or "none"
    raise MlsystemError(f"the kubeconfig has no {kind} '{name}'", f"it has: {known}")


def trust(cluster: Section, folder: Path) -> ssl.SSLContext:
    certificates = content(cluster, "certificate-authority", folder)
    tls = ssl.create_default_context(cadata=certificates.decode() if certificates else None)
    if cluster.get("insecure-skip-tls-verify"):
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    elif name := cluster.get("tls-server-name"):
        raise MlsystemError(f"`tls-server-name: {name}` in a kubeconfig is not supported", "reach the server by it")
    return tls


def identify(user: Section, folder: Path, tls: ssl.SSLContext, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The headers that say who asks; a certificate is loaded into `tls`."""
    if command := user.get("exec"):
        user, folder = from_program(command, environ), Path()
    certificate, key = content(user, "client-certificate", folder), content(user, "client-key", folder)
    if certificate and key:
        with tempfile.TemporaryDirectory() as place:
            pair = Path(place, "pair.pem")
            pair.touch(0o600)
            pair.write_bytes(certificate + b"\n" + key)
            tls.load_cert_chain(pair)
    token = user.get("token") or (
        (folder / user["tokenFile"]).read_text().strip() if user.get("tokenFile") else None
    )
    if token:
        return {"Authorization": f"Bearer {token}"}
    if "username" in user:
        login = base64.b64encode(f"{user['username']}:{user.get('password', '')}".encode()).decode()
        return {"Authorization": f"Basic {login}"}
    return {}


def content(section: Section, name: str, folder: Path) -> bytes | None:
    """Of a field that is inline (`NAME-data`) or a file."""
    if data := section.get(f"{name}-data"):
        return base64.b64decode(data)
    return (folder / section[name]).read_bytes() if section.get(name) else None


def from_program(command: Section, environ: Mapping[str, str]) -> Section:
    """What a credential plugin says (`aws eks get-token` and its like).

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    """
    asked = {"apiVersion": command["apiVersion"], "kind": "ExecCredential", "spec": {"interactive": False}}
    more = {one["name"]: one["value"] for one in command.get("env") or ()}
    line = [str(command["command"]), *(command.get("args") or ())]
    environment = {**environ, **more, "KUBERNETES_EXEC_INFO": json.dumps(asked)}
    try:
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        message = f"`{shlex.join(line)}`, which logs in to the cluster, cannot be run: {error.strerror}"
        raise MlsystemError(message) from error
    if done.returncode:
        raise MlsystemError(f"`{shlex.join(line)}` says: {done.stderr.strip()[-500:]}", "log in to the cluster again")
    status = json.loads(done.stdout).get("status", {})
    inline = {"clientCertificateData": "client-certificate-data", "clientKeyData": "client-key-data"}
    pem = {name: base64.b64encode(status[key].encode()).decode() for key, name in inline.items() if key in status}
    return {**pem, **({"token": status["token"]} if "token" in status else {})}


def inside(environ: Mapping[str, str]) -> Access:
    """As the service account of the pod that this runs in."""
    server = of_pod(environ, ACCOUNT)
    assert server.tls is not None, "a service account comes with its authorities"
    return Access(server.url, server.tls, server.headers(), "the cluster that this runs in")
