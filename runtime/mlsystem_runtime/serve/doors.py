"""What stands between the network and the server: which paths want whose token, and the certificate."""

from __future__ import annotations

import contextlib
import logging
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import LIVE, READY
from mlsystem_runtime.contract.run import ServerSection, Tls
from mlsystem_runtime.contract.secrets import FollowedSecret
from mlsystem_runtime.serve.access import Access, Tokens
from mlsystem_runtime.serve.refused import RefusedError

PROBES = frozenset({LIVE, READY, "/healthz", "/v2/health/live", "/v2/health/ready"})
PAGES = frozenset({"/metrics", "/status", "/openapi.json", "/docs"})

Count = Callable[[str, str, str], None]
"""Is told of a request: the model it was for (empty: none), the client, the outcome."""

logger = logging.getLogger(__name__)


class Certificate:
    """`context` is for listeners, `read` gives (certificate, key) for those that take text. A renewed one is shown to
    connections that come after it."""

    def __init__(self, tls: Tls, environ: Mapping[str, str]) -> None:
        """Raises MlsystemError where the secrets do not hold a certificate and its key."""
        self._secrets = tuple(FollowedSecret(name, environ) for name in (tls.certificate, tls.key))
        self.context = new_context()
        self._pem: tuple[bytes, bytes]
        self._load()

    def refresh(self) -> None:
        """One `stat` for each secret while nothing has changed. A damaged pair leaves the last good one in force."""
        if not any(secret.changed() for secret in self._secrets):
            return
        try:
            self._load()
        except MlsystemError as error:
            logger.error("the certificate stays as it was: %s", error)
        else:
            logger.info("the certificate has changed")

    def read(self) -> tuple[bytes, bytes]:
        return self._pem

    def _load(self) -> None:
        certificate, key = (secret.read() for secret in self._secrets)
        pair = f"{certificate}\n{key}"
        names = " and ".join(f"'{secret.name}'" for secret in self._secrets)
        try:
            load(new_context(), pair)  # half of a bad pair would stay in the context that is in use
        except (ssl.SSLError, ValueError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise MlsystemError(
                f"secrets {names} are not a certificate and its key: {reason}", "both are PEM, and belong together"
            ) from None
        load(self.context, pair)
        self._pem = certificate.encode(), key.encode()


def new_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def load(context: ssl.SSLContext, pair: str) -> None:
    with in_memory(pair) as path:
        context.load_cert_chain(path, password="")  # an encrypted key fails, where it would ask the terminal


@contextlib.contextmanager
def in_memory(text: str) -> Iterator[str]:
    """The path of a file that is on no disk."""
    with os.fdopen(os.memfd_create("pem"), "w") as file:
        file.write(text)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


class Doors:
    """Of the server of `section`. `parts`: how many processes share a client's quota; `pages_port`: where probes and
    pages alone are, and nobody needs a token. Raises MlsystemError where a secret does not hold what it should."""

    def __init__(
        self, section: ServerSection, environ: Mapping[str, str], count: Count, parts: int = 1,
        pages_port: int | None = None,
    ) -> None:
        auths = {one.model: one.auth for one in section.endpoints if one.auth is not None}
        names = sorted({auth.tokens for auth in auths.values()})
        self._tokens = {name: Tokens(FollowedSecret(name, environ), parts) for name in names}
        everybody = tuple(self._tokens.values())
        self._anyone = Access(everybody, (), partial(count, "")) if everybody else None
        self.of_models: dict[str, Access | None] = {one.model: None for one in section.endpoints}
        for model, auth in auths.items():
            own = self._tokens[auth.tokens]
            self.of_models[model] = Access([own], [one for one in everybody if one is not own], partial(count, model))
        free = PROBES | (frozenset() if any(auth.pages == "token" for auth in auths.values()) else PAGES)
        self._of_paths: dict[str, Access | None] = dict.fromkeys(free)
        self._of_paths |= {
            path: self.of_models[one.model] for one in section.endpoints for path in (*one.routes, *one.feedback)
        }
        self._pages_port = pages_port
        self.certificate = None if section.tls is None else Certificate(section.tls, environ)

    def check(self, scope: Mapping[str, Any]) -> str | None:
        """Of a request of ASGI, by its path and port: the client's name; None where nobody needs one.

        Raises RefusedError: 401, 403 and 429 as `Access.check`; 404 for what is not at this port.
        """
        server = scope.get("server")
        return self.admit(scope["path"], dict(scope["headers"]), server[1] if server else None)

    def admit(self, path: str, headers: Mapping[bytes, bytes], port: int | None = None) -> str | None:
        """The same of a request by its parts; a call over gRPC has the path at which HTTP would be asked."""
        if self._pages_port is not None and port == self._pages_port:
            if path not in PROBES and path not in PAGES:
                raise RefusedError(404, f"{path} is at another port: this one is for probes and metrics")
            return None
        access = self.of(path)
        return None if access is None else access.check(headers)

    def of(self, path: str) -> Access | None:
        """Who may ask there; None: everybody. What is not known to be free is for clients, of whichever model."""
        if path in self._of_paths:
            return self._of_paths[path]
        match [part for part in path.split("/") if part]:  # as who answers there reads it: an empty part is none
            case ["v2", "models", model, *_]:
                return self.of_models.get(model, self._anyone)
            case _:
                return self._anyone

    def refresh(self) -> None:
        """Takes in what has changed of the secrets' files: a `stat` of each while nothing has."""
        for tokens in self._tokens.values():
            tokens.refresh()
        if self.certificate is not None:
            self.certificate.refresh()
