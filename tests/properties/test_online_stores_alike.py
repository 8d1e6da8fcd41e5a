"""Whatever is done to a store of a fleet, in whatever order and by however many, it answers as SQLite does."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from feature_table import make_table
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from object_store import object_store
from redis_server import redis_server

from mlsystem_runtime.features import dynamo_store
from mlsystem_runtime.features.dynamo_store import DynamoStore
from mlsystem_runtime.features.dynamo_table import Patience
from mlsystem_runtime.features.redis_store import RedisStore
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.features.store import Asked, Change, Generation, OnlineStore, StoreUnreachableError

KEYS, FINGERPRINTS = [b"a", b"b", b"c", b"d"], ["one", "two"]
Open = Callable[[], OnlineStore]


@pytest.fixture(scope="module")
def table() -> Iterator[str]:
    with object_store() as environment, pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        patched.setattr(dynamo_store, "READER", Patience(answer_s=30, total_s=60, first_s=0.01, last_s=0.1))
        patched.setattr(dynamo_store, "STAGED_AT_ONCE", 2)  # so that what is given up half way was laid in part
        patched.setattr(dynamo_store, "CLEARED_S", -1)
        yield make_table("features")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running.url


numbers = some.integers(-(2**63), 2**63 - 1)
changed = some.builds(Change, some.sampled_from(KEYS), numbers, some.binary(max_size=5), some.binary(max_size=3))


def several(least: int) -> some.SearchStrategy[list[Change]]:
    return some.lists(changed, min_size=least, max_size=4, unique_by=lambda one: one.key)


writes = some.tuples(
    some.just("write"), some.sampled_from(FINGERPRINTS), several(0),
    some.sets(some.sampled_from(KEYS)), some.sampled_from(["held", "held", "held", "older"]), some.booleans(),
)  # fmt: skip
begun = some.tuples(some.just("begin"), some.sampled_from(FINGERPRINTS), several(3))
drops = some.tuples(some.just("drop"), some.sampled_from(FINGERPRINTS))
steps = some.lists(some.one_of(writes, writes, begun, drops), max_size=8)


SETTINGS = settings(
    deadline=None, phases=(Phase.explicit, Phase.generate),  # to look for a shorter example takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


class GivenUpError(Exception):
    """Half way."""


class Script:
    """The same steps, done to one store by two writers in turn; heads of states that are there change alone."""

    def __init__(self, open_one: Open) -> None:
        self.writers = [open_one(), open_one()]
        self.reader = open_one()
        self.said: list[object] = []
        self.older: dict[str, Generation | None] = {}

    def do(self, number: int, step: tuple[object, ...]) -> None:
        store = self.writers[number % 2]
        match step:
            case ("write", str(name), list(changes), set(removed), base, bool(head_only)):
                held = store.generation(name)
                against = held if base == "held" else self.older.get(name)
                kept = [one for one in changes if one.key not in removed]
                if head_only and held is not None:
                    kept = [self.headed(store, name, one) for one in kept]
                self.older[name] = held
                new = Generation(name, "group", "{}", number)
                self.said.append(store.write(new, kept, sorted(removed), against))
            case ("begin", str(name), list(changes)):
                self.give_up(store, name, changes, number)
            case ("drop", str(name)):
                store.drop(name)
        self.said.append(looked(self.reader))

    def headed(self, store: OnlineStore, name: str, change: Change) -> Change:
        (state,) = store.read(name, [change.key])
        if state is None or not change.head:
            return change
        return Change(change.key, store.digests(name)[change.key], None, change.head)

    def give_up(self, store: OnlineStore, name: str, changes: list[Change], number: int) -> None:
        def some_of_them() -> Iterator[Change]:
            yield from changes
            raise GivenUpError

        with pytest.raises(GivenUpError):
            store.write(Generation(name, "group", "{}", number), some_of_them(), (), store.generation(name))

    def close(self) -> None:
        for store in (*self.writers, self.reader):
            store.close()


def looked(store: OnlineStore) -> tuple[object, ...]:
    """All that there is to be seen."""
    found = store.read_all([Asked(name, KEYS) for name in FINGERPRINTS])
    return store.generations(), found, [digests(store, name) for name in FINGERPRINTS if store.generation(name)]


def digests(store: OnlineStore, name: str) -> Mapping[bytes, int] | None:
    try:
        return store.digests(name)
    except StoreUnreachableError:
        return None


def check(tmp_path: Path, open_other: Open, done: list[tuple[object, ...]]) -> None:
    path = tmp_path / f"{secrets.token_hex(8)}.sqlite"
    ours, other = Script(lambda: SqliteStore(path, writable=True, durable=False)), Script(open_other)
    for number, step in enumerate(done, 1):
        for script in (ours, other):
            script.do(number, step)

    assert other.said == ours.said
    ours.close()
    other.close()


@pytest.mark.slow
@settings(SETTINGS, max_examples=12)
@given(done=steps)
def test_a_table_answers_as_sqlite(tmp_path: Path, table: str, done: list[tuple[object, ...]]) -> None:
    name = secrets.token_hex(8)
    check(tmp_path, lambda: DynamoStore(table, name, writable=True), done)


@settings(SETTINGS, max_examples=50)
@given(done=steps)
def test_a_redis_answers_as_sqlite(tmp_path: Path, server: str, done: list[tuple[object, ...]]) -> None:
    name = secrets.token_hex(8)
    check(tmp_path, lambda: RedisStore(server, name, writable=True), done)
