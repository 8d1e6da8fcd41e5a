"""What stands in the table of an online store, and which of it is in force.

A generation has a record; an entity has an item, with a version of its state for each write that touched it lately. A
write draws a number, its epoch, from the record, lays its versions beside those in force, and commits by moving the
record to its epoch: on condition that no other write has moved it since. So a version is in force where its epoch is
not later than the record's and was not skipped: epochs drawn before a commit and not committed then never will be.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

import msgspec

from mlsystem_runtime.features.dynamo_table import Item, Key

SHARDS = 16                # partitions of a generation, each with a limit of its own; a table's items depend on it
LONGEST_ENTITY = 1000      # bytes: of a sort key DynamoDB takes 1024
INLINE_BYTES = 70_000      # an item has 400 kB, for up to five versions
PIECE_BYTES = 380_000
REMOVED, INLINE = 0, 1
ENTITY, HASHED, PIECE = b"\0", b"\1", b"\2"

FLOOR, ENTRY = struct.Struct(">Q"), struct.Struct(">Q8sH")


class TornError(Exception):
    """A version is gone that was in force when the record was read: two commits ago."""


class Entry(NamedTuple):
    """A version of a state. `pieces`: REMOVED for none, INLINE for one beside it, else of how many items it is."""

    epoch: int
    digest: bytes
    pieces: int


class Directory(NamedTuple):
    """The versions of an item by epoch. Those that were in force before epoch `floor` are gone."""

    floor: int = 0
    entries: tuple[Entry, ...] = ()

    def encoded(self) -> bytes:
        return FLOOR.pack(self.floor) + b"".join(ENTRY.pack(*entry) for entry in self.entries)


@dataclass(frozen=True)
class Record:
    """`epoch` 0: nothing was ever committed; `contents` None: there is no generation. `skipped` are ranges, both ends
    included; `fence` refuses the commits of epochs up to it."""

    epoch: int = 0
    skipped: tuple[tuple[int, int], ...] = ()
    contents: bytes | None = None
    last: int = 0
    fence: int = 0
    made_us: int = 0
    written_us: int = 0

    def holds(self, epoch: int) -> bool:
        return epoch <= self.epoch and not any(first <= epoch <= last for first, last in self.skipped)

    def skipping(self, epoch: int) -> bytes:
        """What is skipped where `epoch` comes next, as the item has it."""
        more = ((self.epoch + 1, epoch - 1),) if epoch > self.epoch + 1 else ()
        return msgspec.json.encode((*self.skipped, *more))


def record_of(item: Item | None) -> Record:
    """Raises msgspec.DecodeError, KeyError or ValueError where it is damaged."""
    if item is None:
        return Record()
    numbers = ("epoch", "last_epoch", "fence", "made_us", "written_us")
    epoch, last, fence, made_us, written_us = (int(item[name]["N"]) if name in item else 0 for name in numbers)
    ranges = item["skipped"]["B"] if "skipped" in item else b"[]"
    skipped = msgspec.json.decode(ranges, type=tuple[tuple[int, int], ...])
    contents = item["contents"]["B"] if "contents" in item else None
    return Record(epoch, skipped, contents, last, fence, made_us, written_us)


def directory_of(item: Item | None) -> Directory:
    if item is None:
        return Directory()
    held = item["d"]["B"]
    (floor,) = FLOOR.unpack_from(held)
    return Directory(floor, tuple(Entry(*one) for one in ENTRY.iter_unpack(held[FLOOR.size :])))


def in_force(directory: Directory, record: Record) -> Entry | None:
    """Raises TornError where that version is gone."""
    for entry in reversed(directory.entries):
        if record.holds(entry.epoch):
            return entry
    if directory.floor > record.epoch:
        raise TornError
    return None


def pruned(directory: Directory, record: Record) -> Directory:
    """Without what is not in force any more, or never will be: of versions later than the record nobody knows yet."""
    now = in_force(directory, record)
    kept = tuple(one for one in directory.entries if one is now or one.epoch > record.epoch)
    gone = any(record.holds(one.epoch) and one is not now for one in directory.entries)
    return Directory(now.epoch if now is not None and gone else directory.floor, kept)


def added(directory: Directory, entry: Entry) -> Directory:
    others = (one for one in directory.entries if one.epoch != entry.epoch)
    return Directory(directory.floor, tuple(sorted((*others, entry))))


class Places:
    """Where the items of a namespace are."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self.index = f"{namespace}/generations"

    def record(self, fingerprint: str) -> Key:
        return Key(f"{self._namespace}/{fingerprint}", b"record")

    def listed(self, fingerprint: str) -> Key:
        return Key(self.index, fingerprint.encode())

    def parts(self, fingerprint: str) -> list[str]:
        return [f"{self._namespace}/{fingerprint}/{shard:x}" for shard in range(SHARDS)]

    def state(self, fingerprint: str, entity: bytes) -> Key:
        part = f"{self._namespace}/{fingerprint}/{crc32(entity) % SHARDS:x}"
        short = len(entity) <= LONGEST_ENTITY
        return Key(part, ENTITY + entity if short else HASHED + blake2b(entity).digest())

    def pieces(self, fingerprint: str, entity: bytes, entry: Entry) -> list[Key]:
        """None where the state is in the item itself."""
        if entry.pieces <= INLINE:
            return []
        part = self.state(fingerprint, entity).part
        start = PIECE + blake2b(entity, digest_size=32).digest() + entry.epoch.to_bytes(8, "big")
        return [Key(part, start + number.to_bytes(2, "big")) for number in range(entry.pieces)]


def laid(key: Key, item: Item) -> int:
    """The epoch of the latest version in the item, or of the piece that it is."""
    if key.entity.startswith(PIECE):
        return int.from_bytes(key.entity[-10:-2], "big")
    return max((entry.epoch for entry in directory_of(item).entries), default=0) if "d" in item else 0


def entity_of(item: Item, key: Key) -> bytes:
    whole: bytes = item["k"]["B"] if "k" in item else key.entity[1:]
    return whole


def cut(state: bytes | None) -> Sequence[bytes]:
    """A state in as many pieces as its entry says: none where it is removed, one that fits beside others, or more."""
    if state is None:
        return ()
    if len(state) <= INLINE_BYTES:
        return (state,)
    size = min(PIECE_BYTES, -(-len(state) // 2))  # one piece alone would be taken for what is in the item
    return [state[start : start + size] for start in range(0, len(state), size)]
