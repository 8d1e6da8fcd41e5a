"""The online store in DynamoDB, for a fleet: every pod reads the same states, and any of them may write.

All of a write or none of it, though DynamoDB changes one item at a time: a write lays versions beside those in force,
and one conditional update of the generation's record brings them all in force (`dynamo_items`). Of writes at the same
time the first to commit wins, and the others have changed nothing. A writer that dies leaves versions that never come
in force; the next write of the same entity takes them away. Readers get the versions of one commit, in one request for
all groups and entities up to a hundred.

States do not expire by themselves: what is too old at an instant is decided when it is read, as in every store.
DynamoDB's own expiry takes away records of dropped generations only.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.feature_table import EXPIRES, table_address
from mlsystem_runtime.features.dynamo_items import (
    INLINE,
    PIECE,
    Entry,
    Places,
    Record,
    TornError,
    directory_of,
    entity_of,
    in_force,
    laid,
    record_of,
)
from mlsystem_runtime.features.dynamo_table import (
    DELETED_AT_ONCE,
    ConditionError,
    Item,
    Key,
    Patience,
    Table,
    TableError,
    in_batches,
    key_of,
)
from mlsystem_runtime.features.dynamo_write import OvertakenError, Write, now_us, version
from mlsystem_runtime.features.state_bytes import digest_of, packed, unpacked
from mlsystem_runtime.features.store import Asked, Change, Generation, Packed, StoreUnreachableError, existing

READER = Patience(answer_s=0.3, total_s=0.3, first_s=0.01, last_s=0.1)
WRITER = Patience(answer_s=30, total_s=120, first_s=0.05, last_s=5)
FRESH_S = 0.05             # by which a server may lag: else every request would read the same few records
PAUSE_S = 2.0              # how long a reader asks nothing after no answer came: every try may cost the timeout
STAGED_AT_ONCE = 100
TRIES = 50                 # of a read that commits overtake
FORGOTTEN_S = 24 * 3600    # a writer that was under way then is not any more
CLEARED_S = 60             # a reader that was under way then is not any more

T = TypeVar("T")


class DynamoStore:
    """`namespace` keeps the systems of one table apart. Safe to share between threads; credentials are boto3's own.

    A reader asks for a generation's record again where it is older than `fresh_s`: so long it may answer with what
    was in force before the last commit. A throttled reader tries until READER's time is up; one that got no answer
    raises StoreUnreachableError at once for PAUSE_S. A writer waits longer.
    """

    waits = True

    def __init__(self, uri: str, namespace: str, writable: bool = False, fresh_s: float = 0.0) -> None:
        self.address = table_address(uri)
        self._places = Places(namespace)
        self._writable = writable
        self._fresh_s = 0.0 if writable else fresh_s
        self._table = Table(self.address, WRITER if writable else READER)
        self._known: dict[str, tuple[Record, float]] = {}
        self._silent_until = 0.0

    def generation(self, fingerprint: str) -> Generation | None:
        return self._decoded(self._asked(lambda: self._record(fingerprint)), fingerprint)

    def generations(self) -> Sequence[Generation]:
        """In order of creation."""
        def ask() -> dict[str, Record]:
            return self._records([name.decode() for name in self._listed()])

        records = sorted(self._asked(ask).items(), key=lambda one: one[1].made_us)
        found = (self._decoded(record, fingerprint) for fingerprint, record in records)
        return tuple(one for one in found if one is not None)

    def read(self, fingerprint: str, keys: Sequence[bytes]) -> Sequence[Packed | None]:
        return existing(self.read_all([Asked(fingerprint, keys)])[0], fingerprint) if keys else []

    def read_all(self, asked: Sequence[Asked]) -> Sequence[Sequence[Packed | None] | None]:
        """One request for each hundred keys, the generations' records among them; one more after a commit."""
        found = self._asked(lambda: self._states(asked))
        return [None if one is None else [unpacked(state) for state in one] for one in found]

    def version(self) -> Hashable | None:
        """That would be a request too."""
        return None

    def digests(self, fingerprint: str) -> Mapping[bytes, int]:
        """A writer takes away on the way what is left of entities that were removed a while ago."""
        record = self._asked(lambda: self._record(fingerprint))
        existing(None if record.contents is None else (), fingerprint)
        listed = [(key, entity_of(item, key), item) for key, item in self._asked(lambda: self._items(fingerprint))]
        found: dict[bytes, int] = {}
        for key, entity, item in listed:
            entry = self._entry(item, record)
            if entry is not None and entry.pieces:
                found[entity] = digest_of(entry.digest)
            elif self._writable and record.written_us < now_us() - CLEARED_S * 1_000_000:
                self._clear(key, item)
        return found

    def write(
        self, generation: Generation, changes: Iterable[Change], removed: Iterable[bytes], base: Generation | None
    ) -> bool:
        with self._writing():
            held = self._record(generation.fingerprint)
            if self._decoded(held, generation.fingerprint) != base:
                return False
            try:
                write = Write(self._table, self._places, generation.fingerprint, held)
                for batch in in_batches(changes, STAGED_AT_ONCE):
                    write.stage(self._packed(generation.fingerprint, batch))
                for keys in in_batches(removed, STAGED_AT_ONCE):
                    write.stage(dict.fromkeys(keys))
                return write.commit(msgspec.json.encode(generation))
            except OvertakenError:
                return False

    def drop(self, fingerprint: str) -> None:
        """A killed one is finished by the next, of any generation."""
        with self._writing():
            while (held := self._record(fingerprint)).contents is not None:
                with contextlib.suppress(OvertakenError):
                    Write(self._table, self._places, fingerprint, held).commit(None)
            if held.epoch:
                self._erase(fingerprint, held.epoch)
            left = self._records([name.decode() for name in self._listed()])
            for name, record in left.items():
                if record.contents is None and record.written_us < now_us() - FORGOTTEN_S * 1_000_000:
                    self._erase(name, record.last)

    def close(self) -> None:
        """Close the connections; they are opened again when needed."""
        self._table.close()

    def _listed(self) -> list[bytes]:
        return [key_of(item).entity for item in self._table.query(self._places.index, ())]

    def _record(self, fingerprint: str) -> Record:
        return self._records([fingerprint])[fingerprint]

    def _records(self, fingerprints: Collection[str]) -> dict[str, Record]:
        """As they are now; from here on they are known."""
        keys = {name: self._places.record(name) for name in fingerprints}
        found = self._table.get(keys.values())
        return {name: self._learned(name, found.get(key)) for name, key in keys.items()}

    def _learned(self, fingerprint: str, item: Item | None) -> Record:
        try:
            record = record_of(item)
        except (msgspec.DecodeError, KeyError, ValueError):
            raise self._damaged(fingerprint) from None
        self._known[fingerprint] = record, time.monotonic()
        return record

    def _decoded(self, record: Record, fingerprint: str) -> Generation | None:
        """Of a damaged record nothing is shown: it tells of the data."""
        try:
            return None if record.contents is None else msgspec.json.decode(record.contents, type=Generation)
        except (msgspec.DecodeError, UnicodeDecodeError):  # the second is no kind of the first
            raise self._damaged(fingerprint) from None

    def _states(self, asked: Sequence[Asked]) -> list[list[bytes | None] | None]:
        """What is in force by records that were read before the states, and not long before this call."""
        names = dict.fromkeys(one.fingerprint for one in asked)
        known = {name: self._known[name] for name in names if name in self._known}
        records = {name: record for name, (record, _) in known.items() if record.contents is not None}
        doubted = [name for name in records if time.monotonic() - known[name][1] >= self._fresh_s]
        if unknown := [name for name in names if name not in records]:
            records |= self._records(unknown)
        for _ in range(TRIES):
            present = [one for one in asked if records[one.fingerprint].contents is not None]
            keys = [self._places.state(one.fingerprint, key) for one in present for key in one.keys]
            found = self._table.get([*map(self._places.record, doubted), *keys])
            now = {name: self._learned(name, found.get(self._places.record(name))) for name in doubted}
            moved = any(now[name].epoch != records[name].epoch for name in doubted)
            doubted, records = [], records | now
            with contextlib.suppress(TornError):
                if not moved:
                    return self._chosen(asked, records, found)
                continue
            records |= self._records(names)
        raise TableError("it changes faster than it is read")

    def _chosen(
        self, asked: Sequence[Asked], records: Mapping[str, Record], found: Mapping[Key, Item]
    ) -> list[list[bytes | None] | None]:
        """Raises TornError."""
        entries: dict[tuple[str, bytes], tuple[Item, Entry]] = {}
        for fingerprint, keys in asked:
            for key in keys:
                item = found.get(self._places.state(fingerprint, key))
                entry = in_force(directory_of(item), records[fingerprint])
                if item is not None and entry is not None and entry.pieces:
                    entries[fingerprint, key] = item, entry
        parts = {one: self._places.pieces(*one, entry) for one, (_, entry) in entries.items() if entry.pieces > INLINE}
        more = self._table.get(key for keys in parts.values() for key in keys) if parts else {}

        def state(fingerprint: str, key: bytes) -> bytes | None:
            if (fingerprint, key) not in entries:
                return None
            item, entry = entries[fingerprint, key]
            if entry.pieces == INLINE:
                state: bytes = item[version(entry.epoch)]["B"]
                return state
            try:
                return b"".join(more[piece]["b"]["B"] for piece in parts[fingerprint, key])
            except KeyError:
                raise TornError from None

        return [
            None if records[fingerprint].contents is None else [state(fingerprint, key) for key in keys]
            for fingerprint, keys in asked
        ]

    def _packed(self, fingerprint: str, changes: Sequence[Change]) -> dict[bytes, bytes | None]:
        """Of states whose head alone changes the body is read. Whoever replaces them meanwhile moves the record, so
        nothing is written."""
        heads = [one.key for one in changes if one.body is None]
        states = self._states([Asked(fingerprint, heads)])[0] or [] if heads else []
        bodies = {key: state.body for key, state in zip(heads, map(unpacked, states), strict=True) if state is not None}
        return {one.key: packed(one, bodies) for one in changes}

    def _items(self, fingerprint: str) -> list[tuple[Key, Item]]:
        """Of entities, without their states."""
        def listed(part: str) -> list[Item]:
            return [*self._table.query(part, ("d", "k"), below=PIECE)]

        pages = self._table.each(listed, self._places.parts(fingerprint))
        return [(key_of(item), item) for page in pages for item in page]

    def _entry(self, item: Item, record: Record) -> Entry | None:
        """Nothing where it is gone: the record has moved, so whoever writes by this one is refused."""
        with contextlib.suppress(TornError):
            return in_force(directory_of(item), record)
        return None

    def _clear(self, key: Key, item: Item) -> None:
        """One that was removed, and that nobody is about to write again."""
        if not directory_of(item).entries[-1].pieces:
            with contextlib.suppress(ConditionError, TableError):  # the next time
                self._table.delete_if(key, "d = :seen", {":seen": item["d"]})

    def _erase(self, fingerprint: str, until: int) -> None:
        """What was laid up to that epoch: of what was drawn later somebody makes the generation again. Where nobody
        does, the record stays for a day, so that a write under way is not taken for the first of a new generation."""
        def erase(part: str) -> None:
            pieces: list[Key] = []
            for item in self._table.query(part, ("d",)):
                if laid(key_of(item), item) > until:
                    continue
                if "d" not in item:
                    pieces.append(key_of(item))
                    continue
                with contextlib.suppress(ConditionError):  # it was laid anew
                    self._table.delete_if(key_of(item), "d = :seen", {":seen": item["d"]})
            for keys in in_batches(pieces, DELETED_AT_ONCE):
                self._table.delete(keys)

        self._table.each(erase, self._places.parts(fingerprint))
        values = {":then": {"N": str(int(time.time()) + FORGOTTEN_S)}, ":until": {"N": str(until)}}
        with contextlib.suppress(ConditionError):  # it is made again
            self._table.set(self._places.record(fingerprint), f"SET {EXPIRES} = :then", values,
                            "attribute_not_exists(contents) AND last_epoch = :until")  # fmt: skip
            self._table.delete([self._places.listed(fingerprint)])
            if self._record(fingerprint).last != until:
                self._table.put(self._places.listed(fingerprint), {})

    def _asked(self, ask: Callable[[], T]) -> T:
        if time.monotonic() < self._silent_until:
            raise self._unreachable("it did not answer a moment ago")
        try:
            return ask()
        except TableError as error:
            if error.silent and not self._writable:
                self._silent_until = time.monotonic() + PAUSE_S
            raise self._unreachable(error.said) from None

    def _unreachable(self, reason: str) -> StoreUnreachableError:
        hint = "is there such a table in that region, and may this process read it?"
        return StoreUnreachableError(f"the online store {self.address.uri} cannot be read: {reason}", hint)

    def _damaged(self, fingerprint: str) -> StoreUnreachableError:
        part, entity = self._places.record(fingerprint)
        return StoreUnreachableError(
            f"the record of the group with fingerprint {fingerprint} in the online store {self.address.uri} is damaged",
            f"delete the item '{part}', '{entity.decode()}', then run the group's materialize step",
        )

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        assert self._writable, "a reader does not write"
        try:
            yield
        except TableError as error:
            hint = "is there such a table in that region, may this process write to it? then run the step again"
            raise MlsystemError(f"the online store {self.address.uri} cannot be written: {error.said}", hint) from None
