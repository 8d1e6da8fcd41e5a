"""The embedded online store: one SQLite file in WAL mode, so that readers never wait for the writer."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.features.store import Asked, Change, Generation, Packed, StoreUnreachableError, existing

SCHEMA = """
CREATE TABLE IF NOT EXISTS generation (
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, name TEXT NOT NULL, knowledge TEXT NOT NULL,
    watermark_us INTEGER NOT NULL, ingested INTEGER NOT NULL, made_from TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS body (
    generation INTEGER NOT NULL, key BLOB NOT NULL, digest INTEGER NOT NULL, packed BLOB NOT NULL,
    PRIMARY KEY (generation, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS head (
    generation INTEGER NOT NULL, key BLOB NOT NULL, packed BLOB NOT NULL,
    PRIMARY KEY (generation, key)) WITHOUT ROWID;
"""
READ = """
SELECT body.packed, head.packed FROM body LEFT JOIN head USING (generation, key)
WHERE body.generation = ? AND body.key = ?
"""
ADVANCE = """
INSERT INTO generation (fingerprint, name, knowledge, watermark_us, ingested, made_from) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (fingerprint) DO UPDATE SET watermark_us = excluded.watermark_us, knowledge = excluded.knowledge,
    ingested = excluded.ingested, made_from = excluded.made_from
RETURNING id
"""
PUT_BODY = """
INSERT INTO body VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET digest = excluded.digest, packed = excluded.packed
"""
PUT_HEAD = "INSERT INTO head VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET packed = excluded.packed"
WAIT_MS = 10_000
MAPPED = 1 << 30
LOOK_S = 0.2

T = TypeVar("T")


class SqliteStore:
    """`writable` creates the file where it is absent; a reader of an absent file reports the store unreachable.

    Each thread has a connection of its own. It is opened again after an error, and when the file was replaced.
    `durable` False skips syncing, for a store that is thrown away.
    """

    waits = False

    def __init__(self, path: Path, writable: bool = False, durable: bool = True) -> None:
        self.path = path
        self._writable = writable
        self._durable = durable
        self._local = threading.local()

    def generation(self, fingerprint: str) -> Generation | None:
        return next((one for one in self.generations() if one.fingerprint == fingerprint), None)

    def generations(self) -> Sequence[Generation]:
        return self._tried(lambda opened: generations(opened.connection))

    def read(self, fingerprint: str, keys: Sequence[bytes]) -> Sequence[Packed | None]:
        return existing(self.read_all([Asked(fingerprint, keys)])[0], fingerprint)

    def read_all(self, asked: Sequence[Asked]) -> Sequence[Sequence[Packed | None] | None]:
        return self._tried(lambda opened: opened.read(asked))

    def version(self) -> Hashable | None:
        """Of the connection that this thread reads through: its own writes do not show in it."""
        return None if self._writable else self._tried(Opened.version)

    def digests(self, fingerprint: str) -> Mapping[bytes, int]:
        return self._tried(lambda opened: digests(opened.connection, fingerprint))

    def write(
        self, generation: Generation, changes: Iterable[Change], removed: Iterable[bytes], base: Generation | None
    ) -> bool:
        with self._transaction() as connection:
            held = (one for one in generations(connection) if one.fingerprint == generation.fingerprint)
            if next(held, None) != base:
                return False
            ((number,),) = connection.execute(ADVANCE, dataclasses.astuple(generation)).fetchall()
            put(connection, number, changes, removed)
        return True

    def drop(self, fingerprint: str) -> None:
        with self._transaction() as connection:
            for table in ("body", "head"):
                query = f"DELETE FROM {table} WHERE generation = (SELECT id FROM generation WHERE fingerprint = ?)"
                connection.execute(query, (fingerprint,))
            connection.execute("DELETE FROM generation WHERE fingerprint = ?", (fingerprint,))

    def close(self) -> None:
        """Close this thread's connection; it is opened again when needed."""
        opened = getattr(self._local, "opened", None)
        self._local.opened = None
        if opened is not None:
            opened.connection.close()

    def _tried(self, ask: Callable[[Opened], T]) -> T:
        """The answer; asked once more on a new connection when the first one fails."""
        try:
            return ask(self._opened())
        except sqlite3.Error:
            self.close()
        try:
            return ask(self._opened())
        except sqlite3.Error as error:
            self.close()
            raise StoreUnreachableError(f"the online store {self.path} cannot be read: {error}") from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        assert self._writable, "a reader does not write"
        opened = self._opened()
        connection = opened.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            opened.numbers.clear()  # a number of one that was dropped may be another's
        except sqlite3.Error as error:
            self.close()
            raise MlsystemError(
                f"the online store {self.path} cannot be written: {error}", "check the disk, and who else uses the file"
            ) from error

    def _opened(self) -> Opened:
        opened: Opened | None = getattr(self._local, "opened", None)
        if opened is not None:
            if opened.still_at(self.path):
                return opened
            self.close()
        self._local.opened = opened = self._open()
        return opened

    def _open(self) -> Opened:
        if self._writable:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        mode = "rwc" if self._writable else "rw"
        try:
            uri = f"{self.path.absolute().as_uri()}?mode={mode}"
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            connection.execute(f"PRAGMA busy_timeout = {WAIT_MS}")
            connection.execute(f"PRAGMA mmap_size = {MAPPED}")
            if self._writable:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA synchronous = {'NORMAL' if self._durable else 'OFF'}")
                connection.executescript(SCHEMA)
            return Opened(connection, self.path.stat().st_ino)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnreachableError(
                f"the online store {self.path} cannot be opened: {error}", "it is made by the materialize steps"
            ) from error


class Opened:
    """A connection, and the file it was opened on."""

    def __init__(self, connection: sqlite3.Connection, inode: int) -> None:
        self.connection = connection
        self.numbers: dict[str, int] = {}
        self._inode = inode
        self._looked = time.monotonic()
        self._name = object()
        self._seen: Hashable = None

    def still_at(self, path: Path) -> bool:
        """Whether `path` is the same file still; looked at a few times a second."""
        now = time.monotonic()
        if now - self._looked < LOOK_S:
            return True
        self._looked = now
        try:
            return path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def version(self) -> Hashable:
        """SQLite's own count of what others have committed; it says nothing about another connection's."""
        return self._name, *self.connection.execute("PRAGMA data_version").fetchone()

    def read(self, asked: Sequence[Asked]) -> list[list[Packed | None] | None]:
        """In one transaction, which costs less than one for each key."""
        if self.connection.in_transaction:
            return [self._read(one) for one in asked]
        self.connection.execute("BEGIN")
        try:
            if (version := self.version()) != self._seen:
                self._seen = version
                self.numbers.clear()
            return [self._read(one) for one in asked]
        finally:
            self.connection.execute("COMMIT")

    def _read(self, asked: Asked) -> list[Packed | None] | None:
        number = self._number(asked.fingerprint)
        if number is None:
            return None
        execute = self.connection.execute
        rows = [execute(READ, (number, key)).fetchone() for key in asked.keys]
        return [None if row is None else Packed(row[0], row[1] or b"") for row in rows]

    def _number(self, fingerprint: str) -> int | None:
        """A generation's own until it is dropped."""
        number = self.numbers.get(fingerprint) or number_of(self.connection, fingerprint)
        if number is not None:
            self.numbers[fingerprint] = number
        return number


def number_of(connection: sqlite3.Connection, fingerprint: str) -> int | None:
    row = connection.execute("SELECT id FROM generation WHERE fingerprint = ?", (fingerprint,)).fetchone()
    return None if row is None else int(row[0])


def digests(connection: sqlite3.Connection, fingerprint: str) -> dict[bytes, int]:
    """Raises StoreUnreachableError where there is no such generation."""
    number = number_of(connection, fingerprint)
    existing(None if number is None else (), fingerprint)
    return dict(connection.execute("SELECT key, digest FROM body WHERE generation = ?", (number,)))


def generations(connection: sqlite3.Connection) -> tuple[Generation, ...]:
    """In order of creation."""
    return tuple(Generation(*row[1:]) for row in connection.execute("SELECT * FROM generation ORDER BY id").fetchall())


def put(connection: sqlite3.Connection, number: int, changes: Iterable[Change], removed: Iterable[bytes]) -> None:
    for change in changes:
        if change.body is not None:
            connection.execute(PUT_BODY, (number, change.key, change.digest, change.body))
        if change.head:
            connection.execute(PUT_HEAD, (number, change.key, change.head))
        elif change.body is not None:
            connection.execute("DELETE FROM head WHERE generation = ? AND key = ?", (number, change.key))
    for key in removed:
        for table in ("body", "head"):
            connection.execute(f"DELETE FROM {table} WHERE generation = ? AND key = ?", (number, key))
