"""The little of the Kubernetes API that the runtime needs: a question, an answer, and a stream of events."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import KUBERNETES_API

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
ASK_SECONDS = 10.0
OK, CREATED, NOT_FOUND, CONFLICT = 200, 201, 404, 409


class ApiServerUnreachableError(MlsystemError):
    """There is no answer, or none that can be read."""


@dataclass(frozen=True)
class ApiServer:
    """`url` is http(s)://HOST[:PORT][/PATH]; `tls` knows its authorities, and perhaps a client's certificate; `headers`
    say who asks, and are made for every request: a token is renewed.

    All raise ApiServerUnreachableError.
    """

    url: str
    tls: ssl.SSLContext | None = None
    headers: Callable[[], Mapping[str, str]] = field(default=dict)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """(status, answer)."""
        with self._connection(ASK_SECONDS) as connection:
            status, response = self._request(connection, method, path, body)
            return status, json.loads(response.read() or b"{}")

    def events(
        self, path: str, seconds: float, opened: Callable[[Callable[[], None]], None]
    ) -> Iterator[dict[str, Any]]:
        """What a watch reports, until the server ends it, or nothing came for `seconds`.

        `opened` is given what ends it from another thread.
        """
        with self._connection(seconds) as connection:
            connection.connect()
            held = connection.sock
            status, response = self._request(connection, "GET", path, None)
            if status != http.client.OK:
                raise refused(status, json.loads(response.read() or b"{}"), f"watch {path}")
            opened(lambda: socket.socket.shutdown(held, socket.SHUT_RDWR))  # TLS has a shutdown of its own, that waits
            while line := response.readline():
                yield json.loads(line)

    def _request(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Mapping[str, Any] | None
    ) -> tuple[int, http.client.HTTPResponse]:
        headers = {"accept": "application/json", "content-type": "application/json", **self.headers()}
        text = None if body is None else json.dumps(body)
        connection.request(method, urlsplit(self.url).path.rstrip("/") + path, text, headers)
        response = connection.getresponse()
        return response.status, response

    @contextmanager
    def _connection(self, seconds: float) -> Iterator[http.client.HTTPConnection]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None, "an API server has a host"
        connection: http.client.HTTPConnection
        try:
            if parts.scheme == "http":
                connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)
            else:
                connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=seconds, context=self.tls)
            try:
                yield connection
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ApiServerUnreachableError(
                f"the API server {self.url} does not answer: {error or type(error).__name__}",
                "check that it is up, and that the network policy lets this pod reach it",
            ) from error


HINTS = {
    401: "the service account's token is not accepted: is it mounted, and is the clock right?",
    403: "give the service account's Role get, watch, update and create on it",
    404: "the namespace is made before the system is",
}


def refused(
    status: int, answer: Mapping[str, Any], what: str, hints: Mapping[int, str] = MappingProxyType({})
) -> MlsystemError:
    """What the server says of a request that it did not carry out. `hints` by status come before the usual ones."""
    reason = answer.get("message") or http.client.responses.get(status, "")
    hint = hints.get(status, HINTS.get(status))
    return MlsystemError(f"the API server refused to {what} with {status}: {reason}", hint)


def api_server(environ: Mapping[str, str], account: Path = ACCOUNT) -> ApiServer:
    """The cluster that this process runs in, or what the environment names. Raises MlsystemError where neither is."""
    if url := environ.get(KUBERNETES_API):
        return ApiServer(url)
    return of_pod(environ, account)


def of_pod(environ: Mapping[str, str], account: Path = ACCOUNT) -> ApiServer:
    """The cluster of the pod that this is, which asks as its service account. Raises MlsystemError outside of one."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise MlsystemError(
            "this process does not run in a cluster", f"set {KUBERNETES_API}, for example to that of `kubectl proxy`"
        )
    return of_account(f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}", account)


def of_account(url: str, account: Path) -> ApiServer:
    """`account` is the folder in which a service account is mounted: `ca.crt` and `token`."""
    try:
        tls = ssl.create_default_context(cafile=account / "ca.crt")
    except OSError as error:
        raise MlsystemError(f"{account}/ca.crt cannot be read: {error}", "let the pod mount its token") from error
    return ApiServer(url, tls, lambda: {"authorization": f"Bearer {(account / 'token').read_text().strip()}"})
