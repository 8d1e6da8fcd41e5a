"""What every online store promises, held by each of them against the real thing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlsystem_runtime.features.dynamo_store import DynamoStore
from mlsystem_runtime.features.redis_store import RedisStore
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.features.store import Change, Generation, MemoryStore, OnlineStore, Packed, StoreUnreachableError

MANY = [number.to_bytes(4, "big") for number in range(2500)]
FEWER = 120
"""Where every state is a request of its own."""


def generation(watermark_us: int, fingerprint: str = "one") -> Generation:
    return Generation(fingerprint, "group", "{}", watermark_us)


def change(key: bytes, body: bytes | None, head: bytes = b"", digest: int = 7) -> Change:
    return Change(key, digest, body, head)


def write(store: OnlineStore, new: Generation, changes: Iterable[Change], removed: Iterable[bytes] = ()) -> bool:
    """On top of whatever the store holds."""
    return store.write(new, changes, removed, store.generation(new.fingerprint))


@dataclass(frozen=True)
class Place:
    """Where a store is. `open` gives a further handle on it; `words` is how another process opens it."""

    open: Callable[[bool], OnlineStore]
    words: str = ""
    many: Sequence[bytes] = tuple(MANY)
    opened: list[OnlineStore] = field(default_factory=list)

    def writer(self) -> OnlineStore:
        self.opened.append(self.open(True))
        return self.opened[-1]

    def reader(self) -> OnlineStore:
        self.opened.append(self.open(False))
        return self.opened[-1]


@pytest.fixture(params=["memory", "sqlite", "redis", "dynamodb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterable[Place]:
    match request.param:
        case "memory":
            held = MemoryStore()
            made = Place(lambda _: held)
        case "sqlite":
            path = tmp_path / "online/store.sqlite"
            made = Place(lambda writable: SqliteStore(path, writable), f"SqliteStore(Path({str(path)!r}), True, False)")
        case "dynamodb":
            url, name = request.getfixturevalue("table_uri"), tmp_path.name
            words = f"DynamoStore({url!r}, {name!r}, True)"
            made = Place(lambda writable: DynamoStore(url, name, writable), words, MANY[:FEWER])
        case _:
            url, name = request.getfixturevalue("shared_redis").url, tmp_path.name
            made = Place(lambda writable: RedisStore(url, name, writable), f"RedisStore({url!r}, {name!r}, True)")
    yield made
    for store in made.opened:
        store.close()


@pytest.fixture
def store(place: Place) -> OnlineStore:
    return place.writer()


@pytest.fixture
def shared(place: Place) -> Place:
    """A place that several processes can use."""
    if not place.words:
        pytest.skip("the store in memory belongs to one process")
    return place


def test_states_are_read_in_the_order_of_the_keys(store: OnlineStore) -> None:
    write(store, generation(5), [change(b"a", b"1"), change(b"b", b"2", b"head", -7)])

    assert store.read("one", [b"b", b"?", b"a"]) == [Packed(b"2", b"head"), None, Packed(b"1")]
    assert store.read("one", []) == []
    assert store.digests("one") == {b"a": 7, b"b": -7}


def test_a_writer_whose_base_was_replaced_meanwhile_changes_nothing(store: OnlineStore) -> None:
    write(store, generation(4), [change(b"a", b"base")])
    write(store, generation(5), [change(b"a", b"new")])

    for base in (None, generation(4)):
        assert not store.write(generation(6), [change(b"a", b"lost")], [b"a"], base)

    assert store.read("one", [b"a"]) == [Packed(b"new")]
    assert store.generation("one") == generation(5)


def test_a_writer_whose_base_is_replaced_while_it_writes_changes_nothing(place: Place) -> None:
    store = place.writer()
    if isinstance(store, SqliteStore | MemoryStore):
        pytest.skip("its writers wait for each other")
    write(store, generation(4), [change(b"a", b"base"), change(b"b", b"base")])

    def overtaken() -> Iterable[Change]:
        yield change(b"a", b"lost")
        assert write(place.writer(), generation(5), [change(b"a", b"new")])
        yield change(b"b", b"lost")

    assert not store.write(generation(6), overtaken(), [b"a"], generation(4))
    assert store.read("one", [b"a", b"b"]) == [Packed(b"new"), Packed(b"base")]
    assert store.generation("one") == generation(5)


def test_a_writer_that_fails_half_way_changes_nothing(place: Place) -> None:
    store, many = place.writer(), place.many
    if isinstance(store, MemoryStore):
        pytest.skip("the store in memory takes nothing back")
    write(store, generation(4), [change(key, b"base") for key in many])

    def failing() -> Iterable[Change]:
        yield from (change(key, b"lost") for key in many[:-1])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write(store, generation(5), failing())

    assert set(store.read("one", many)) == {Packed(b"base")}
    assert store.generation("one") == generation(4)


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
    assert store.generations() == (generation(1), generation(2, "two"))

    store.drop("one")

    assert store.generations() == (generation(2, "two"),)
    assert store.generation("one") is None
    assert write(store, generation(3), [change(b"b", b"3")])
    assert store.read("one", [b"a", b"b"]) == [None, Packed(b"3")]


def test_removed_keys_are_gone(store: OnlineStore) -> None:
    write(store, generation(1), [change(b"a", b"1", b"h"), change(b"b", b"1")])

    write(store, generation(1), [], removed=[b"a"])

    assert store.read("one", [b"a", b"b"]) == [None, Packed(b"1")]
    assert store.digests("one") == {b"b": 7}
    assert write(store, generation(2), [change(b"a", b"again")])
    assert store.read("one", [b"a"]) == [Packed(b"again")]


def test_a_watermark_moves_without_a_change_of_a_state(store: OnlineStore) -> None:
    write(store, generation(1), [change(b"a", b"1")])
    moved = Generation("one", "group", '{"other": 1}', 9, ingested=3, made_from="rows")

    assert write(store, moved, [])

    assert store.generation("one") == moved
    assert store.read("one", [b"a"]) == [Packed(b"1")]


def test_any_bytes_are_a_key_and_a_state(store: OnlineStore) -> None:
    odd = [b"\0", b"\xff\xfe", b"{x}\r\n", bytes(range(256))]
    write(store, generation(1), [change(key, key, key[::-1], -(2**63)) for key in odd])

    assert store.read("one", odd) == [Packed(key, key[::-1]) for key in odd]
    assert store.digests("one") == dict.fromkeys(odd, -(2**63))


def test_many_states_are_replaced_removed_and_read(place: Place) -> None:
    """Thousands."""
    store, many = place.writer(), [*place.many]
    write(store, generation(1), [change(key, b"old", digest=1) for key in many])
    write(store, generation(2), [change(key, b"new", key, digest=2) for key in many[::2]], many[1::4])

    expected: list[Packed | None] = [Packed(b"old")] * len(many)
    expected[::2] = [Packed(b"new", key) for key in many[::2]]
    expected[1::4] = [None] * len(many[1::4])
    assert store.read("one", many) == expected
    assert store.read("one", many * 4) == expected * 4
    kept = {key: 2 if number % 2 == 0 else 1 for number, key in enumerate(many) if number % 4 != 1}
    assert store.digests("one") == kept


def test_a_group_that_was_never_written_is_unreachable_and_another_one_is_not(place: Place) -> None:
    if not place.words:
        pytest.skip("the store in memory answers whatever is asked")
    write(place.writer(), generation(1), [change(b"a", b"1")])
    reader = place.reader()

    assert reader.read("one", [b"a"]) == [Packed(b"1")]
    with pytest.raises(StoreUnreachableError, match="holds nothing of the group"):
        reader.read("other", [b"a"])
    assert reader.generation("other") is None


def test_of_writers_at_the_same_time_none_loses_what_another_wrote(shared: Place) -> None:
    writers, rounds = 4, 15 if shared.many == tuple(MANY) else 4
    write(shared.writer(), generation(0), [change(b"count", bytes(8))])
    refused = []
    all_have_read = threading.Barrier(writers)

    def count(store: OnlineStore) -> None:
        for number in range(rounds):
            first = number == 0
            while True:
                base = store.generation("one")
                assert base is not None
                if first:  # so that all but one are refused
                    all_have_read.wait()
                    first = False
                (state,) = store.read("one", [b"count"])
                assert state is not None
                more = (int.from_bytes(state.body, "big") + 1).to_bytes(8, "big")
                if store.write(generation(base.watermark_us + 1), [change(b"count", more)], (), base):
                    break
                refused.append(base)

    threads = [threading.Thread(target=count, args=(shared.writer(),)) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    total = writers * rounds
    assert shared.reader().generation("one") == generation(total)
    assert shared.reader().read("one", [b"count"]) == [Packed(total.to_bytes(8, "big"))]
    assert len(refused) >= writers - 1


WRITER = """
import sys
from pathlib import Path
from mlsystem_runtime.features.dynamo_store import DynamoStore
from mlsystem_runtime.features.redis_store import RedisStore
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.features.store import Change, Generation
store, count, first, last = {words}, int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
keys = [number.to_bytes(4, "big") for number in range(count)]
for mark in range(first, last):
    body = mark.to_bytes(8, "big")
    changes = [Change(key, mark, body, body) for key in keys]
    store.write(Generation("one", "group", "{{}}", mark), changes, (), store.generation("one"))
    print(mark, flush=True)
"""


def start_writer(place: Place, count: int, first: int, last: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", WRITER.format(words=place.words), *map(str, (count, first, last))]
    return subprocess.Popen(words, stdout=subprocess.PIPE)


def test_readers_in_threads_see_whole_writes_of_another_process(shared: Place) -> None:
    seen, torn = set[bytes](), []
    keys = MANY[:2]
    write(shared.writer(), generation(0), [change(key, bytes(8), bytes(8)) for key in keys])
    reader = shared.reader()
    last = 300 if shared.many == tuple(MANY) else 12
    writer = start_writer(shared, 2, 1, last)

    def look() -> None:
        while writer.poll() is None:
            states = reader.read("one", keys)
            for state in states:
                assert state is not None
                seen.add(state.body)
                torn.extend([state] if state.body != state.head else [])
            if isinstance(reader, RedisStore | DynamoStore) and len(set(states)) > 1:
                torn.append(states)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.communicate()

    assert writer.returncode == 0
    assert torn == []
    assert len(seen) > 1
    assert reader.read("one", keys)[0] == Packed((last - 1).to_bytes(8, "big"), (last - 1).to_bytes(8, "big"))


def test_a_writer_that_is_killed_leaves_a_whole_write_and_the_next_one_goes_on(shared: Place) -> None:
    write(shared.writer(), generation(0), [change(key, bytes(8), bytes(8)) for key in shared.many])
    for attempt in range(4 if shared.many == tuple(MANY) else 2):
        mark = shared.reader().generation("one").watermark_us  # type: ignore[union-attr]
        writer = start_writer(shared, len(shared.many), mark + 1, mark + 10_000)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.011 * attempt)
        writer.kill()
        writer.communicate()

        held = shared.reader().generation("one")
        assert held is not None
        assert held.watermark_us > mark
        body = held.watermark_us.to_bytes(8, "big")
        assert set(shared.reader().read("one", shared.many)) == {Packed(body, body)}
        assert set(shared.reader().digests("one").values()) == {held.watermark_us}
