from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.features import sqlite_store
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.features.store import Change, Generation, MemoryStore, OnlineStore, Packed, StoreUnreachableError


def generation(watermark_us: int, fingerprint: str = "one") -> Generation:
    return Generation(fingerprint, "group", "{}", watermark_us)


def change(key: bytes, body: bytes | None, head: bytes = b"") -> Change:
    return Change(key, 7, body, head)


def write(store: OnlineStore, new: Generation, changes: Iterable[Change], removed: Iterable[bytes] = ()) -> bool:
    """On top of whatever the store holds."""
    return store.write(new, changes, removed, store.generation(new.fingerprint))


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> OnlineStore:
    return MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "online/store.sqlite", writable=True)


def test_states_are_read_in_the_order_of_the_keys(store: OnlineStore) -> None:
    write(store, generation(5), [change(b"a", b"1"), change(b"b", b"2", b"head")])

    assert store.read("one", [b"b", b"?", b"a"]) == [Packed(b"2", b"head"), None, Packed(b"1")]
    assert store.digests("one") == {b"a": 7, b"b": 7}


def test_a_writer_whose_base_was_replaced_meanwhile_changes_nothing(store: OnlineStore) -> None:
    write(store, generation(4), [change(b"a", b"base")])
    write(store, generation(5), [change(b"a", b"new")])

    for base in (None, generation(4)):
        assert not store.write(generation(6), [change(b"a", b"lost")], [b"a"], base)

    assert store.read("one", [b"a"]) == [Packed(b"new")]
    assert store.generation("one") == generation(5)


def test_a_head_changes_without_its_body_and_goes_with_a_new_one(store: OnlineStore) -> None:
    write(store, generation(1), [change(b"a", b"body")])
    write(store, generation(2), [change(b"a", None, b"head")])
    assert store.read("one", [b"a"]) == [Packed(b"body", b"head")]

    write(store, generation(3), [change(b"a", b"folded")])

    assert store.read("one", [b"a"]) == [Packed(b"folded")]


def test_generations_live_side_by_side_until_dropped(store: OnlineStore) -> None:
    write(store, generation(1), [change(b"a", b"1")])
    write(store, generation(2, "two"), [change(b"a", b"2")])
    assert (store.read("one", [b"a"]), store.read("two", [b"a"])) == ([Packed(b"1")], [Packed(b"2")])

    store.drop("one")

    assert store.generations() == (generation(2, "two"),)


def test_removed_keys_are_gone(store: OnlineStore) -> None:
    write(store, generation(1), [change(b"a", b"1", b"h"), change(b"b", b"1")])

    write(store, generation(1), [], removed=[b"a"])

    assert store.read("one", [b"a", b"b"]) == [None, Packed(b"1")]


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


WRITER = """
import sys
from pathlib import Path
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.features.store import Change, Generation
store = SqliteStore(Path(sys.argv[1]), writable=True, durable=False)
for mark in range(1, 300):
    body = mark.to_bytes(8, "big")
    changes = [Change(key, mark, body, body) for key in (b"a", b"b")]
    store.write(Generation("one", "group", "{}", mark), changes, (), store.generation("one"))
"""


def test_readers_in_threads_see_whole_writes_of_another_process(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    write(SqliteStore(path, writable=True), generation(0), [change(key, bytes(8), bytes(8)) for key in (b"a", b"b")])
    reader, seen, torn = SqliteStore(path), set[bytes](), []
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)])

    def look() -> None:
        while writer.poll() is None:
            for state in reader.read("one", [b"a", b"b"]):
                assert state is not None
                seen.add(state.body)
                torn.extend([state] if state.body != state.head else [])

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert writer.wait() == 0
    assert torn == []
    assert len(seen) > 1
    assert reader.read("one", [b"a"])[0] == Packed((299).to_bytes(8, "big"), (299).to_bytes(8, "big"))
