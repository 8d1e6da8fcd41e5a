"""The online store in Redis, for a fleet: every pod reads the same states, and any of them may write.

All of a write or none of it, without holding up readers. A writer stages its changes under a key of its own, in
batches; one short script then compares the base, lays what was staged over the generation and moves the record. From
then on it answers. Carrying it over into the generation's states is housekeeping: in batches again, while readers see
the overlay first. A writer that dies before the commit leaves a staged key that expires; one that dies after it has
committed, and the next writer carries over what it left.

How durable the states are is the server's business (append-only file, replicas), and so is that it evicts nothing
(`maxmemory-policy noeviction`, the default). States that were lost are materialised again, like a first time.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.features import redis_scripts as scripts
from mlsystem_runtime.features.state_bytes import digest_of, packed, unpacked
from mlsystem_runtime.features.store import Asked, Change, Generation, Packed, StoreUnreachableError, existing

SCHEMES = ("redis", "rediss")
READ_TIMEOUT_S = 0.3     # a request waits for it
PAUSE_S = 2.0            # how long a reader asks nothing after it got no answer: every try may cost the timeout
WRITE_TIMEOUT_S = 30.0
STAGED_S = 3600          # what a writer staged and never committed is gone this long after its last batch
STAGED_AT_ONCE = 500     # of these three, each holds up readers for a millisecond at most
MOVED_AT_ONCE = 100
SCANNED_AT_ONCE = 200
READ_AT_ONCE = 4000      # Lua unpacks no more than 8000 values

T = TypeVar("T")


class RedisStore:
    """`namespace` keeps the systems of one server apart. `url` is redis:// or, over TLS, rediss://; messages never show
    what it holds beside host and port. Safe to share between threads, and reconnects by itself.

    A reader that got no answer raises StoreUnreachableError at once for PAUSE_S, then asks again; a writer waits
    longer for each answer.
    """

    waits = True

    def __init__(self, url: str, namespace: str, writable: bool = False) -> None:
        self.address = address_of(url)
        self._prefix = f"mlsystem:{{{namespace}}}"  # in braces: all keys live on one node of a cluster
        self._index = f"{self._prefix}:generations"
        self._writable = writable
        self._client = connect(url, writable)
        self._silent_until = 0.0
        registered = self._client.register_script
        self._read, self._digests, self._commit, self._carry_over, self._drop = map(
            registered, (scripts.READ, scripts.DIGESTS, scripts.COMMIT, scripts.CARRY_OVER, scripts.DROP)
        )

    def generation(self, fingerprint: str) -> Generation | None:
        return self._decoded(self._asked(lambda: self._held(fingerprint)), fingerprint)

    def generations(self) -> Sequence[Generation]:
        """In order of creation."""
        def ask() -> dict[str, bytes | None]:
            fingerprints = [one.decode() for one in self._command("ZRANGE", self._index, 0, -1)]
            with self._client.pipeline(transaction=False) as pipeline:
                for fingerprint in fingerprints:
                    pipeline.hget(self._keys(fingerprint)[0], "generation")
                return dict(zip(fingerprints, pipeline.execute(), strict=True))

        found = (self._decoded(held, fingerprint) for fingerprint, held in self._asked(ask).items())
        return tuple(one for one in found if one is not None)

    def read(self, fingerprint: str, keys: Sequence[bytes]) -> Sequence[Packed | None]:
        return existing(self.read_all([Asked(fingerprint, keys)])[0], fingerprint) if keys else []

    def read_all(self, asked: Sequence[Asked]) -> Sequence[Sequence[Packed | None] | None]:
        """One round trip, whatever the number of generations and keys."""
        states = self._asked(lambda: self._states(asked))
        return [None if one is None else [unpacked(state) for state in one] for one in states]

    def version(self) -> Hashable | None:
        """That would be a round trip too."""
        return None

    def digests(self, fingerprint: str) -> Mapping[bytes, int]:
        """The overlay is read before what it hides: one that is carried over meanwhile is then found there."""
        _, live, overlay = self._keys(fingerprint)

        def ask() -> dict[bytes, bytes]:
            newer = dict(self._scan_digests(overlay))
            return {**dict(self._scan_digests(live)), **newer}

        return {key: digest_of(head) for key, head in self._asked(ask).items() if head}

    def write(
        self, generation: Generation, changes: Iterable[Change], removed: Iterable[bytes], base: Generation | None
    ) -> bool:
        with self._writing():
            held = self._held(generation.fingerprint)
            if self._decoded(held, generation.fingerprint) != base:
                return False
            token = secrets.token_hex(8)
            staged = f"{self._prefix}:staged:{token}"
            try:
                count = self._stage(staged, generation.fingerprint, changes, removed)
                committed = self._committed(generation, held, staged, token, count)
            finally:
                with contextlib.suppress(redis.RedisError):  # it expires
                    self._command("UNLINK", staged)
            if committed:
                with contextlib.suppress(redis.RedisError):  # it is written; the next writer carries it over
                    self._carry_over_all(generation.fingerprint)
        return committed

    def drop(self, fingerprint: str) -> None:
        with self._writing():
            self._drop(keys=[*self._keys(fingerprint), self._index], args=[fingerprint])

    def close(self) -> None:
        """Close the connections; they are opened again when needed."""
        self._client.close()

    def _keys(self, fingerprint: str) -> tuple[str, str, str]:
        """record, live, overlay."""
        start = f"{self._prefix}:{fingerprint}"
        return f"{start}:record", f"{start}:live", f"{start}:overlay"

    def _command(self, *words: str | bytes | int) -> Any:
        return self._client.execute_command(*words)  # type: ignore[no-untyped-call]

    def _held(self, fingerprint: str) -> bytes | None:
        held: bytes | None = self._command("HGET", self._keys(fingerprint)[0], "generation")
        return held

    def _decoded(self, held: bytes | None, fingerprint: str) -> Generation | None:
        """Of a damaged record nothing is shown: it tells of the data."""
        try:
            return None if held is None else msgspec.json.decode(held, type=Generation)
        except (msgspec.DecodeError, UnicodeDecodeError):  # the second is no kind of the first
            raise StoreUnreachableError(
                f"the record of the group with fingerprint {fingerprint} in the online store {self.address} is damaged",
                f"delete the key '{self._keys(fingerprint)[0]}', then run the group's materialize step",
            ) from None

    def _states(self, asked: Sequence[Asked]) -> list[list[bytes | None] | None]:
        names = [name for one in asked for name in self._keys(one.fingerprint)]
        if sum(len(one.keys) for one in asked) <= READ_AT_ONCE:
            words: list[bytes | int] = []
            for one in asked:
                words += [len(one.keys), *one.keys]
            states: list[list[bytes | None] | None] = self._read(keys=names, args=words)
            return states
        parts = [(place, Asked(one.fingerprint, one.keys[start : start + READ_AT_ONCE]))
                 for place, one in enumerate(asked) for start in range(0, max(1, len(one.keys)), READ_AT_ONCE)]
        with self._client.pipeline(transaction=True) as pipeline:
            for _, one in parts:
                self._read(keys=self._keys(one.fingerprint), args=[len(one.keys), *one.keys], client=pipeline)
            answers = pipeline.execute()
        joined: list[list[bytes | None] | None] = [[] for _ in asked]
        for (place, _), (part,) in zip(parts, answers, strict=True):
            held = joined[place]
            joined[place] = None if part is None or held is None else held + part
        return joined

    def _scan_digests(self, name: str) -> Iterator[tuple[bytes, bytes]]:
        cursor = b"0"
        while True:
            cursor, *found = self._digests(keys=[name], args=[cursor, SCANNED_AT_ONCE])
            yield from zip(found[::2], found[1::2], strict=True)
            if cursor == b"0":
                return

    def _stage(self, staged: str, fingerprint: str, changes: Iterable[Change], removed: Iterable[bytes]) -> int:
        """How many keys are staged."""
        count = 0
        for batch in batched(changes):
            bodies = self._bodies(fingerprint, [one.key for one in batch if one.body is None])
            count += self._put(staged, {one.key: packed(one, bodies) for one in batch})
        for keys in batched(removed):
            count += self._put(staged, dict.fromkeys(keys, b""))
        return count

    def _bodies(self, fingerprint: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Of states whose head alone changes. Whoever replaces them meanwhile moves the base, so nothing is written."""
        states = self._states([Asked(fingerprint, keys)])[0] or [] if keys else []
        pairs = zip(keys, map(unpacked, states), strict=True)
        return {key: state.body for key, state in pairs if state is not None}

    def _put(self, staged: str, states: Mapping[bytes, bytes]) -> int:
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.hset(staged, items=[word for item in states.items() for word in item])
            pipeline.expire(staged, STAGED_S)
            added: int = pipeline.execute()[0]
        return added

    def _committed(self, new: Generation, held: bytes | None, staged: str, token: str, count: int) -> bool:
        keys = [*self._keys(new.fingerprint), staged, self._index]
        now_us = time.time_ns() // 1000
        while True:
            match self._commit(keys, (new.fingerprint, held or b"", msgspec.json.encode(new), token, count, now_us)):
                case b"written":
                    return True
                case b"pending":
                    self._carry_over_all(new.fingerprint)
                case b"moved":
                    return False
                case _:
                    raise self._unwritten("what was staged was evicted, or has expired")

    def _carry_over_all(self, fingerprint: str) -> None:
        """Until no overlay is left."""
        names = self._keys(fingerprint)
        while (token := self._command("HGET", names[0], "overlay")) is not None:
            cursor = b"0"
            while True:
                cursor = self._carry_over(keys=names, args=[token, cursor, MOVED_AT_ONCE])
                if cursor == b"0":
                    break

    def _asked(self, ask: Callable[[], T]) -> T:
        if time.monotonic() < self._silent_until:
            raise self._unreachable("it did not answer a moment ago")
        try:
            return ask()
        except redis.RedisError as error:
            if not self._writable:
                self._silent_until = time.monotonic() + PAUSE_S
            raise self._unreachable(said(error)) from None

    def _unreachable(self, reason: str) -> StoreUnreachableError:
        return StoreUnreachableError(
            f"the online store {self.address} cannot be read: {reason}", "check that Redis is up and lets us in"
        )

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        assert self._writable, "a reader does not write"
        try:
            yield
        except redis.RedisError as error:
            raise self._unwritten(said(error)) from None

    def _unwritten(self, reason: str) -> MlsystemError:
        return MlsystemError(
            f"the online store {self.address} cannot be written: {reason}",
            "check that Redis is up, lets us in and has memory; then run the step again",
        )


def address_of(url: str) -> str:
    """Host and port, which messages may show. Raises MlsystemError where `url` is not one of a Redis."""
    with contextlib.suppress(ValueError):  # its text may show a password
        parts = urlsplit(url)
        if parts.scheme in SCHEMES and parts.hostname:
            return f"{parts.scheme}://{parts.hostname}:{parts.port or 6379}"
    raise MlsystemError(
        "the address of the online store is not one of a Redis", "write redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]"
    )


def connect(url: str, writable: bool) -> redis.Redis:
    """A reader asks again where a connection was found dead; a writer does not, for it may have written."""
    timeout = WRITE_TIMEOUT_S if writable else READ_TIMEOUT_S
    retry = Retry(NoBackoff(), 0 if writable else 1, supported_errors=(redis.ConnectionError,))
    try:
        return redis.Redis.from_url(
            url, protocol=2, socket_timeout=timeout, socket_connect_timeout=timeout, retry=retry,
            health_check_interval=10, client_name="mlsystem",
        )
    except ValueError as error:
        raise MlsystemError(
            f"the address of the online store {address_of(url)} cannot be read", "check its database and its options"
        ) from error


def said(error: redis.RedisError) -> str:
    """What is wrong, without the commands and their arguments, which are rows: those stand in what the client says of a
    server that refuses one, and so in the error that an error is raised from."""
    own = type(error) in (redis.ConnectionError, redis.TimeoutError)
    return str(error) if own else f"it answers with {type(error).__name__}"


def batched(values: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(values)
    while batch := list(islice(rest, STAGED_AT_ONCE)):
        yield batch
