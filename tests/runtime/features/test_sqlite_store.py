from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.features import sqlite_store
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.features.store import Change, Generation, OnlineStore, Packed, StoreUnreachableError


def generation(watermark_us: int, fingerprint: str = "one") -> Generation:
    return Generation(fingerprint, "group", "{}", watermark_us)


def change(key: bytes, body: bytes | None, head: bytes = b"") -> Change:
    return Change(key, 7, body, head)


def write(store: OnlineStore, new: Generation, changes: Iterable[Change]) -> bool:
    """On top of whatever the store holds."""
    return store.write(new, changes, (), store.generation(new.fingerprint))


def test_a_reader_of_an_absent_store_says_what_makes_it(tmp_path: Path) -> None:
    reader = SqliteStore(tmp_path / "store.sqlite")

    with pytest.raises(StoreUnreachableError, match="cannot be opened"):
        reader.read("one", [b"a"])
    write(SqliteStore(tmp_path / "store.sqlite", writable=True), generation(1), [change(b"a", b"1")])

    assert reader.read("one", [b"a"]) == [Packed(b"1")]
    with pytest.raises(StoreUnreachableError, match="holds nothing of the group"):
        reader.read("other", [b"a"])


def test_a_reader_notices_that_the_file_was_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.sqlite"
    write(SqliteStore(path, writable=True), generation(1), [change(b"a", b"old")])
    reader = SqliteStore(path)
    assert reader.read("one", [b"a"]) == [Packed(b"old")]
    other = tmp_path / "other.sqlite"
    written = SqliteStore(other, writable=True)
    write(written, generation(1, "zero"), [])
    write(written, generation(1), [change(b"a", b"new")])
    written.close()
    for old in tmp_path.glob("store.sqlite*"):
        old.unlink()
    other.rename(path)
    time.sleep(sqlite_store.LOOK_S)

    assert reader.read("one", [b"a"]) == [Packed(b"new")]


def test_a_damaged_file_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"not a database" * 100)

    with pytest.raises(StoreUnreachableError, match="cannot be"):
        SqliteStore(tmp_path / "store.sqlite").read("one", [b"a"])
    with pytest.raises(MlsystemError, match="cannot be"):
        write(SqliteStore(tmp_path / "store.sqlite", writable=True), generation(1), [])
