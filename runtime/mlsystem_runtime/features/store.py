"""The online store: packed states of entities, by generation (a group's fingerprint) and key. What is in a state, and
how it is read, is the same for every store (`packed_latest`, `packed_aggregate`); a store only keeps bytes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from mlsystem_runtime.contract.errors import MlsystemError


class StoreUnreachableError(MlsystemError):
    """The store cannot be asked now, or holds nothing of the group yet."""


class Packed(NamedTuple):
    """The state of one entity: `body` as of the last fold, and the raw `head` on top of it (empty: none)."""

    body: bytes
    head: bytes = b""


@dataclass(frozen=True)
class Generation:
    """All states of one definition of a group. They answer any instant at or after `watermark_us`.

    `ingested` orders the ingests that rows came from, the latest is the greatest; `made_from` names the rows' content.
    """

    fingerprint: str
    group: str
    knowledge: str
    watermark_us: int
    ingested: int = 0
    made_from: str = ""


@dataclass(frozen=True)
class Change:
    """A new state. `body` None leaves the body as it is; `digest` hashes the rows that the state was made from."""

    key: bytes
    digest: int
    body: bytes | None
    head: bytes


class Asked(NamedTuple):
    """Keys of one generation."""

    fingerprint: str
    keys: Sequence[bytes]


class OnlineStore(Protocol):
    """Readers and writers may be different processes. Reads raise StoreUnreachableError.

    `waits`: an answer may take as long as a network does.
    """

    waits: bool

    def generation(self, fingerprint: str) -> Generation | None: ...

    def generations(self) -> Sequence[Generation]: ...

    def read(self, fingerprint: str, keys: Sequence[bytes]) -> Sequence[Packed | None]:
        """The states of these keys, in order; None for a key without one."""
        ...

    def read_all(self, asked: Sequence[Asked]) -> Sequence[Sequence[Packed | None] | None]:
        """As `read`, of several generations at once and as they were at one moment; None for one that is not there."""
        ...

    def version(self) -> Hashable | None:
        """Equal to an earlier one only where nothing was written since; None where the store cannot tell cheaply."""
        ...

    def digests(self, fingerprint: str) -> Mapping[bytes, int]:
        """The digest of every state of a generation."""
        ...

    def write(
        self, generation: Generation, changes: Iterable[Change], removed: Iterable[bytes], base: Generation | None
    ) -> bool:
        """All changes or none. False, and nothing written, where what the store holds is no longer `base`."""
        ...

    def drop(self, fingerprint: str) -> None:
        """Forget a generation."""
        ...

    def close(self) -> None:
        """Let go of connections; they are opened again when needed."""
        ...


class MemoryStore:
    """The store without a file, for tests and for whatever lives in one process."""

    waits = False

    def __init__(self) -> None:
        self._generations: dict[str, Generation] = {}
        self._states: dict[str, dict[bytes, tuple[int, Packed]]] = {}

    def generation(self, fingerprint: str) -> Generation | None:
        return self._generations.get(fingerprint)

    def generations(self) -> Sequence[Generation]:
        return tuple(self._generations.values())

    def read(self, fingerprint: str, keys: Sequence[bytes]) -> Sequence[Packed | None]:
        states = self._states.get(fingerprint, {})
        return [states[key][1] if key in states else None for key in keys]

    def read_all(self, asked: Sequence[Asked]) -> Sequence[Sequence[Packed | None] | None]:
        return [self.read(*one) if one.fingerprint in self._generations else None for one in asked]

    def version(self) -> Hashable | None:
        return None

    def digests(self, fingerprint: str) -> Mapping[bytes, int]:
        return {key: digest for key, (digest, _) in self._states.get(fingerprint, {}).items()}

    def write(
        self, generation: Generation, changes: Iterable[Change], removed: Iterable[bytes], base: Generation | None
    ) -> bool:
        if self._generations.get(generation.fingerprint) != base:
            return False
        self._generations[generation.fingerprint] = generation
        states = self._states.setdefault(generation.fingerprint, {})
        for change in changes:
            body = states[change.key][1].body if change.body is None else change.body
            states[change.key] = (change.digest, Packed(body, change.head))
        for key in removed:
            states.pop(key, None)
        return True

    def drop(self, fingerprint: str) -> None:
        self._generations.pop(fingerprint, None)
        self._states.pop(fingerprint, None)

    def close(self) -> None:
        """There is nothing to let go of."""


def existing(states: Sequence[Packed | None] | None, fingerprint: str) -> Sequence[Packed | None]:
    """Raises StoreUnreachableError where there is no such generation: a key without a state is an answer only in one.
    """
    if states is None:
        raise StoreUnreachableError(
            f"the online store holds nothing of the group with fingerprint {fingerprint}",
            "run the group's materialize step",
        )
    return states
