"""Who may ask: clients with tokens, each with a quota where one is given.

A secret holds the tokens, one a line: `TOKEN`, `NAME: TOKEN` or `NAME: TOKEN 100rps`; a comma is as good as the end of
a line, and `#` begins a comment. Two tokens of one NAME share its quota, so that a client can go from one to the other.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.secrets import FollowedSecret
from mlsystem_runtime.serve.refused import RefusedError

UNNAMED = "unnamed"
SHORTEST_TOKEN = 16
TOKEN = rf"[A-Za-z0-9._~+/-]{{{SHORTEST_TOKEN},}}=*"
LINE = re.compile(
    rf"(?:(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{{0,62}}):\s*)?(?P<token>{TOKEN})(?:\s+(?P<rate>\d+(?:\.\d+)?)rps)?"
)
FORM = (
    f"a line is NAME: TOKEN, perhaps with 100rps after it; a token has at least {SHORTEST_TOKEN} letters, digits or"
    " ._~+/-"
)

logger = logging.getLogger(__name__)


class Quota:
    """A bucket that holds the requests of a second, and at least one; `rate` more come in each second.

    Of one process: where several answer, each has its part.
    """

    def __init__(self, rate: float, now: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._now = now
        self._most = max(rate, 1.0)
        self._left = self._most
        self._at = now()

    def take(self) -> float:
        """Takes one request. The seconds until the next one may come where none is left, else 0."""
        now = self._now()
        self._left = min(self._most, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left < 1.0:
            return (1.0 - self._left) / self.rate
        self._left -= 1.0
        return 0.0


@dataclass(frozen=True, slots=True)
class Client:
    """`digest` is the SHA-256 of its token, which is nowhere kept."""

    name: str
    digest: bytes
    quota: Quota | None


def read_clients(text: str, known: Sequence[Client] = (), parts: int = 1) -> tuple[Client, ...]:
    """Those of a secret's `text`. A quota that is among `known` already goes on as it stands; `parts` share each.

    Raises MlsystemError that names a line and never what stands in it.
    """
    quotas = {(one.name, one.quota.rate): one.quota for one in known if one.quota is not None}
    rates: dict[str, float | None] = {}
    found: dict[bytes, Client] = {}
    for number, line in lines(text):
        match = LINE.fullmatch(line)
        if match is None or (match["rate"] and float(match["rate"]) <= 0):
            raise MlsystemError(f"line {number} is not a token", FORM)
        name, rate = match["name"] or UNNAMED, float(match["rate"]) / parts if match["rate"] else None
        if rates.setdefault(name, rate) != rate:
            raise MlsystemError(f"line {number} gives '{name}' another quota than a line above", "say it alike in both")
        digest = hashlib.sha256(match["token"].encode()).digest()
        if digest in found:
            raise MlsystemError(f"line {number} repeats a token", "every token is that of one client")
        quota = None if rate is None else quotas.setdefault((name, rate), Quota(rate))
        found[digest] = Client(name, digest, quota)
    if not found:
        raise MlsystemError("it holds no token", FORM)
    return tuple(found.values())


def lines(text: str) -> Iterator[tuple[int, str]]:
    """What is neither empty nor a comment, with the number of its line."""
    for number, line in enumerate(text.splitlines(), start=1):
        for part in line.partition("#")[0].split(","):
            if part.strip():
                yield number, part.strip()


class Tokens:
    """The clients of one secret, followed while its file changes. Every process that answers has its own."""

    def __init__(self, secret: FollowedSecret, parts: int = 1) -> None:
        """`parts`: how many processes share a quota. Raises MlsystemError where the secret does not hold tokens."""
        self._secret = secret
        self._parts = parts
        self.clients: tuple[Client, ...] = ()
        self.clients = self._read()

    def refresh(self) -> None:
        """One `stat` while nothing has changed. Where the file is damaged or gone, those who were known before stay."""
        if not self._secret.changed():
            return
        try:
            self.clients = self._read()
        except MlsystemError as error:
            logger.error("tokens stay as they were: %s", error)
        else:
            logger.info("secret '%s' has changed: %d tokens are in force", self._secret.name, len(self.clients))

    def _read(self) -> tuple[Client, ...]:
        text = self._secret.read()
        try:
            return read_clients(text, self.clients, self._parts)
        except MlsystemError as error:
            raise MlsystemError(f"secret '{self._secret.name}': {error.message}", error.hint) from None


def find(held: Sequence[Tokens], digest: bytes) -> Client | None:
    """All are compared, each in the same time, so that how long it takes tells nothing."""
    found = None
    for tokens in held:
        for client in tokens.clients:
            if hmac.compare_digest(client.digest, digest):
                found = client
    return found


class Access:
    """Who may ask: the clients of `tokens`. Those of `others` are known, and may ask for other things only."""

    def __init__(self, tokens: Sequence[Tokens], others: Sequence[Tokens], count: Callable[[str, str], None]) -> None:
        """`count` is told of every request: the client's name (empty where it is nobody's), and one of
        `names.ACCESS_OUTCOMES`."""
        self._tokens = tuple(tokens)
        self._others = tuple(others)
        self._count = count

    def check(self, headers: Mapping[bytes, bytes]) -> str:
        """The name of the client that `headers` (lower case) belong to.

        Raises RefusedError: 401 without a token or with an unknown one, 403 with one for others, 429 beyond its quota.
        """
        token = token_of(headers)
        if token is None:
            self._count("", "no_token")
            wanted = "a token is needed: Authorization: Bearer TOKEN, or X-API-Key: TOKEN"
            raise RefusedError(401, wanted, reason="auth")
        digest = hashlib.sha256(token).digest()
        client = find(self._tokens, digest)
        if client is None:
            raise self._unknown(digest)
        if client.quota is not None and (seconds := client.quota.take()) > 0:
            self._count(client.name, "quota")
            raise RefusedError(429, f"client '{client.name}' is beyond its quota", retry_after=seconds,
                               reason="quota")
        self._count(client.name, "ok")
        return client.name

    def _unknown(self, digest: bytes) -> RefusedError:
        if (client := find(self._others, digest)) is not None:
            self._count(client.name, "forbidden")
            return RefusedError(403, "this token is for another model", reason="auth")
        self._count("", "unknown_token")
        return RefusedError(401, "this token is not known", reason="auth")


def token_of(headers: Mapping[bytes, bytes]) -> bytes | None:
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return (scheme.lower() == b"bearer" and token.strip()) or headers.get(b"x-api-key") or None
