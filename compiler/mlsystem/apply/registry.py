"""Which images a registry has: one question of the OCI distribution protocol, with the credentials that tools share.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#checking-if-content-exists-in-the-registry
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

from mlsystem.errors import MlsystemError

MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json"
)
DOCKER_HUB, DOCKER_HUB_SERVER, DOCKER_HUB_LOGIN = "docker.io", "registry-1.docker.io", "https://index.docker.io/v1/"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
TIMEOUT_SECONDS = 30.0
PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class Registry(Protocol):
    """What is asked of registries."""

    def digest(self, reference: str) -> str | None:
        """`sha256:…` of what `reference` names, None where there is no such image. Raises MlsystemError when the
        registry cannot be asked."""
        ...


@dataclass(frozen=True)
class Reference:
    """`HOST/PATH:TAG` or `HOST/PATH@DIGEST`, in parts."""

    host: str
    path: str
    version: str

    @classmethod
    def of(cls, written: str) -> Reference:
        """As container tools read it: no host means Docker's."""
        name, _, digest = written.partition("@")
        first, slash, rest = name.partition("/")
        host, path = (first, rest) if slash and ("." in first or ":" in first or first == "localhost") else ("", name)
        path, _, tag = path.partition(":")
        if host in ("", DOCKER_HUB):
            return cls(DOCKER_HUB, path if "/" in path else f"library/{path}", digest or tag or "latest")
        return cls(host, path, digest or tag or "latest")

    @property
    def manifest(self) -> str:
        server = DOCKER_HUB_SERVER if self.host == DOCKER_HUB else self.host
        return f"{'http' if is_loopback(self.host) else 'https'}://{server}/v2/{self.path}/manifests/{self.version}"


def is_loopback(host: str) -> bool:
    """Registries on this machine are spoken to without TLS, as every tool does."""
    return host.rsplit(":", 1)[0] in LOOPBACK or host in LOOPBACK


@dataclass(frozen=True)
class RemoteRegistry:
    """Registries by HTTP. `environ` says where credentials are, as it does for buildah, podman and docker."""

    environ: Mapping[str, str]

    def digest(self, reference: str) -> str | None:
        asked = Reference.of(reference)
        known = credentials(asked, self.environ)
        status, headers, _ = ask(asked, known)
        challenge = headers.get("WWW-Authenticate", "")
        if status == HTTPStatus.UNAUTHORIZED and challenge.startswith("Bearer"):
            known = token(asked, challenge, known)
            status, headers, _ = ask(asked, known)
        match status:
            case HTTPStatus.OK:
                return headers.get("Docker-Content-Digest") or content_digest(asked, known)
            case HTTPStatus.NOT_FOUND:
                return None
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                raise MlsystemError(
                    f"the registry {asked.host} does not show {asked.path} to these credentials ({status})",
                    f"log in: buildah login {asked.host} (or podman, docker), with the right to push to {asked.path}",
                )
            case _:
                raise MlsystemError(
                    f"the registry {asked.host} answers {status} when asked for {asked.path}", "try again later"
                )

def ask(asked: Reference, authorization: str | None, method: str = "HEAD") -> tuple[int, Message, bytes]:
    request = urllib.request.Request(asked.manifest, method=method, headers={"Accept": MANIFESTS})
    authorize(request, authorization)
    return send(request, asked.host)


def content_digest(asked: Reference, authorization: str | None) -> str:
    """The protocol lets a registry leave the digest out of its headers."""
    _, _, body = ask(asked, authorization, method="GET")
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def authorize(request: urllib.request.Request, authorization: str | None) -> None:
    """A redirection to another host does not get the credentials."""
    if authorization:
        request.add_unredirected_header("Authorization", authorization)


def send(request: urllib.request.Request, host: str) -> tuple[int, Message, bytes]:
    """Status, headers, body. Raises MlsystemError when there is no answer."""
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, b""
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise MlsystemError(
            f"the registry {host} does not answer: {reason}", "check `registry` in the environment, and the network"
        ) from error


def token(asked: Reference, challenge: str, known: str | None) -> str:
    """The header that a registry's own token service gives for reading `asked`."""
    parameters = dict(PARAMETER.findall(challenge))
    query = urllib.parse.urlencode(
        {"service": parameters.get("service", ""), "scope": f"repository:{asked.path}:pull"}
    )
    realm = parameters.get("realm", "")
    if urllib.parse.urlsplit(realm).scheme not in ("http", "https"):
        raise MlsystemError(f"the registry {asked.host} names no service for tokens: {challenge}")
    request = urllib.request.Request(f"{realm}?{query}")
    authorize(request, known)
    status, _, body = send(request, asked.host)
    if status != HTTPStatus.OK:
        raise MlsystemError(
            f"the registry {asked.host} refuses these credentials ({status})",
            f"log in: buildah login {asked.host} (or podman, docker)",
        )
    answer = json.loads(body)
    return f"Bearer {answer.get('token') or answer.get('access_token')}"


def credentials(asked: Reference, environ: Mapping[str, str]) -> str | None:
    """The `Authorization` header of the first login for this host that is found; None where there is none."""
    keys = (f"{asked.host}/{asked.path}", asked.host, *([DOCKER_HUB_LOGIN] if asked.host == DOCKER_HUB else []))
    for login in logins(environ):
        for key in keys:
            if encoded := login.get("auths", {}).get(key, {}).get("auth"):
                return f"Basic {encoded}"
            helper = login.get("credHelpers", {}).get(key) or login.get("credsStore")
            if helper and (header := from_helper(helper, key, environ)):
                return header
    return None


def logins(environ: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """The files in which buildah, podman and docker keep logins."""
    home = Path(environ.get("HOME", "/"))
    places = (
        Path(environ.get("REGISTRY_AUTH_FILE", "")),
        Path(environ.get("XDG_RUNTIME_DIR", "/run")) / "containers" / "auth.json",
        Path(f"/run/containers/{os.getuid()}/auth.json"),
        home / ".config" / "containers" / "auth.json",
        Path(environ.get("DOCKER_CONFIG", home / ".docker")) / "config.json",
    )
    for place in places:
        if place.is_file():
            yield read_login(place)


def read_login(place: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(place.read_text())
    except ValueError as error:
        raise MlsystemError(f"{place} is not JSON: {error}", "log in again, which writes it anew") from error
    return found if isinstance(found, dict) else {}


def from_helper(helper: str, host: str, environ: Mapping[str, str]) -> str | None:
    """From `docker-credential-HELPER`, as clouds provide it."""
    program = shutil.which(f"docker-credential-{helper}", path=environ.get("PATH"))
    if program is None:
        return None
    done = subprocess.run([program, "get"], input=host, capture_output=True, text=True, check=False, env=dict(environ))
    if done.returncode != 0:
        return None
    answer = json.loads(done.stdout)
    login = f"{answer['Username']}:{answer['Secret']}"
    return f"Basic {base64.b64encode(login.encode()).decode()}"
