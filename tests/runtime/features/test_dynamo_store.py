from __future__ import annotations

import os
import socket
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from dynamo_proxy import Body, Fault, Proxy, proxy

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.features import dynamo_items, dynamo_store, dynamo_write
from mlsystem_runtime.features.dynamo_store import DynamoStore
from mlsystem_runtime.features.dynamo_table import Patience
from mlsystem_runtime.features.store import Asked, Change, Generation, Packed, StoreUnreachableError

KEYS = [number.to_bytes(4, "big") for number in range(150)]
ROW = b"Ada Lovelace"
FILLERS = [Change(b"filler %d" % number, 1, b"lost", b"") for number in range(3)]
"""So that whatever comes before them is laid before they are all drawn."""

ENDPOINT = "AWS_ENDPOINT_URL_DYNAMODB"


def generation(watermark_us: int, fingerprint: str = "one") -> Generation:
    return Generation(fingerprint, "group", "{}", watermark_us)


def put(store: DynamoStore, watermark_us: int, *keys: bytes, body: bytes = b"1", fingerprint: str = "one") -> None:
    new = generation(watermark_us, fingerprint)
    changes = [Change(key, watermark_us, body, b"") for key in keys]
    assert store.write(new, changes, (), store.generation(fingerprint))


class Between:
    """A namespace of the test's own, and what stands between it and whoever opens it."""

    def __init__(self, server: Proxy, uri: str, name: str) -> None:
        self.server, self.uri, self.name = server, uri, name
        self.opened: list[DynamoStore] = []

    def open(self, writable: bool = False, fresh_s: float = 0.0) -> DynamoStore:
        self.opened.append(DynamoStore(self.uri, self.name, writable, fresh_s))
        return self.opened[-1]

    def first(self, operation: str, times: int, fault: Fault) -> None:
        """From now on that many requests of this kind have it."""
        left = [fault] * times

        def rule(asked: str, body: Body) -> Fault:
            return left.pop() if asked == operation and left else None

        self.server.rule = rule

    def always(self, operation: str, fault: Fault) -> None:
        self.server.rule = lambda asked, body: fault if asked == operation else None

    def never(self) -> None:
        self.server.rule = lambda asked, body: None

    def items(self) -> list[dict[str, Any]]:
        client = boto3.client("dynamodb", region_name="eu-central-1")
        pages = client.get_paginator("scan").paginate(TableName="features")
        found = [item for page in pages for item in page["Items"]]
        client.close()
        return [item for item in found if item["part"]["S"].startswith(f"{self.name}/")]


@pytest.fixture
def between(table_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Between]:
    monkeypatch.setattr(dynamo_store, "STAGED_AT_ONCE", len(FILLERS))
    monkeypatch.setattr(dynamo_store, "WRITER", Patience(answer_s=30, total_s=60, first_s=0.001, last_s=0.01))
    with proxy(int(os.environ[ENDPOINT].rpartition(":")[2])) as server:
        monkeypatch.setenv(ENDPOINT, server.url)
        place = Between(server, table_uri, tmp_path.name)
        yield place
        for store in place.opened:
            store.close()


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamo_store, "READER", Patience(answer_s=30, total_s=0.05, first_s=0.01, last_s=0.02))


def test_a_throttled_reader_asks_again_and_answers(between: Between) -> None:
    put(between.open(writable=True), 1, b"a")
    between.first("BatchGetItem", 3, "throttled")

    assert between.open().read("one", [b"a"]) == [Packed(b"1")]


def test_a_reader_gives_up_when_its_time_is_over_and_the_next_request_asks_at_once(
    between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    put(between.open(writable=True), 1, b"a")
    reader = between.open()
    between.always("BatchGetItem", "throttled")
    with pytest.raises(StoreUnreachableError, match="cannot be read: it is throttled"):
        reader.read("one", [b"a"])

    between.never()
    assert reader.read("one", [b"a"]) == [Packed(b"1")]


def test_keys_that_are_handed_back_are_asked_for_again_until_all_are_there(between: Between) -> None:
    put(between.open(writable=True), 1, *KEYS)
    between.always("BatchGetItem", "half")

    assert between.open().read("one", [*KEYS, b"?"]) == [*[Packed(b"1")] * len(KEYS), None]


def test_keys_that_are_handed_back_for_too_long_are_a_throttled_store(
    between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of an answer is none."""
    put(between.open(writable=True), 1, *KEYS)
    monkeypatch.setattr(dynamo_store, "READER", Patience(answer_s=30, total_s=0, first_s=0, last_s=0))
    between.always("BatchGetItem", "half")

    with pytest.raises(StoreUnreachableError, match="throttled"):
        between.open().read("one", KEYS)


def test_a_throttled_writer_goes_on_until_all_is_written_and_forgotten(between: Between) -> None:
    writer = between.open(writable=True)
    count = iter(range(10**6))
    between.server.rule = lambda asked, body: (
        "half" if asked.startswith("Batch") else "throttled" if next(count) % 2 else None
    )
    put(writer, 1, *KEYS[:40])
    put(writer, 2, *KEYS[:20], body=b"2")
    assert writer.read("one", KEYS[:40]) == [Packed(b"2")] * 20 + [Packed(b"1")] * 20
    writer.drop("one")

    assert writer.generations() == ()
    between.never()
    assert [item["entity"]["B"] for item in between.items()] == [b"record"]


def test_a_writer_whose_answers_are_lost_has_written_once(between: Between) -> None:
    """The number of the write, states, and the commit: of each the first answer."""
    writer = between.open(writable=True)
    put(writer, 1, *KEYS[:5])
    seen: set[str] = set()

    def rule(asked: str, body: Body) -> Fault:
        which = f"{asked} {body.get('Key')} {body.get('UpdateExpression')}"
        if asked != "UpdateItem" or which in seen:
            return None
        seen.add(which)
        return "lost"

    between.server.rule = rule
    put(writer, 2, *KEYS[:5], body=b"2")

    assert len(seen) == 7
    assert writer.generation("one") == generation(2)
    assert writer.read("one", KEYS[:5]) == [Packed(b"2")] * 5


def test_all_groups_and_entities_are_one_request_over_one_connection(between: Between) -> None:
    writer, reader = between.open(writable=True), between.open()
    put(writer, 1, *KEYS)
    put(writer, 1, b"a", fingerprint="two")
    asked = [Asked("one", KEYS[:90]), Asked("two", [b"a", b"?"])]
    expected = [[Packed(b"1")] * 90, [Packed(b"1"), None]]
    assert reader.read_all(asked) == expected
    before, connections = between.server.asked["BatchGetItem"], between.server.connections

    for _ in range(5):
        assert reader.read_all(asked) == expected

    assert between.server.asked["BatchGetItem"] == before + 5
    assert between.server.connections == connections


def test_a_reader_that_may_lag_answers_as_of_one_commit_and_asks_for_no_record_meanwhile(between: Between) -> None:
    writer, reader, now = between.open(writable=True), between.open(fresh_s=3600), between.open()
    put(writer, 1, b"a", b"b")
    assert reader.read("one", [b"a", b"b"]) == [Packed(b"1")] * 2
    put(writer, 2, b"a", body=b"2")
    assert reader.read("one", [b"a", b"b"]) == [Packed(b"1")] * 2
    assert now.read("one", [b"a", b"b"]) == [Packed(b"2"), Packed(b"1")]

    put(writer, 3, b"a", body=b"3")  # nobody keeps the first state of this entity any more

    assert reader.read("one", [b"a", b"b"]) == [Packed(b"3"), Packed(b"1")]


def test_a_service_that_does_not_answer_is_asked_again_only_after_a_pause(
    table_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamo_store, "READER", Patience(answer_s=0.1, total_s=0.1, first_s=0.01, last_s=0.1))
    monkeypatch.setattr(dynamo_store, "PAUSE_S", 3600)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{silent.getsockname()[1]}")
        reader = DynamoStore(table_uri, "a")
        with pytest.raises(StoreUnreachableError, match="no answer came"):
            reader.read("one", [b"a"])
        with pytest.raises(StoreUnreachableError, match="a moment ago"):
            reader.read("one", [b"a"])
        reader.close()


@pytest.mark.parametrize("uri", [
    "http://example", "dynamodb://", "dynamodb://features", "dynamodb://ab?region=us-east-1", "dynamodb://a/b?region=x",
])  # fmt: skip
def test_an_address_that_is_none_is_refused(uri: str) -> None:
    with pytest.raises(MlsystemError, match="not one of a table"):
        DynamoStore(uri, "a")


@pytest.mark.parametrize(("fault", "said"), [
    ("denied", "AccessDeniedException"), ("refused", "ValidationException"),
])  # fmt: skip
def test_what_is_refused_is_told_without_the_rows(between: Between, fault: Fault, said: str) -> None:
    writer = between.open(writable=True)
    put(writer, 1, b"a")
    between.always("UpdateItem", fault)
    with pytest.raises(MlsystemError, match=f"cannot be written: it answers with {said}") as unwritten:
        put(writer, 2, ROW, body=ROW)
    between.always("BatchGetItem", fault)
    with pytest.raises(StoreUnreachableError, match=f"cannot be read: it answers with {said}") as unread:
        writer.read("one", [ROW])

    assert "Ada" not in "".join(traceback.format_exception(unwritten.value) + traceback.format_exception(unread.value))


def test_a_table_that_is_not_there_is_said(table_uri: str) -> None:
    reader = DynamoStore(table_uri.replace("features", "other"), "a")
    with pytest.raises(StoreUnreachableError, match="ResourceNotFoundException") as told:
        reader.read("one", [b"a"])
    reader.close()

    assert "is there such a table in that region" in (told.value.hint or "")


@pytest.mark.parametrize("damage", [b"", b"{", b'{"group":"Ada Lovelace"}', b"\xff"])
def test_a_damaged_record_is_told_with_its_key_and_without_what_it_holds(between: Between, damage: bytes) -> None:
    writer = between.open(writable=True)
    put(writer, 1, b"a")
    client, key = boto3.client("dynamodb", region_name="eu-central-1"), f"{between.name}/one"
    where = {"part": {"S": key}, "entity": {"B": b"record"}}
    client.update_item(TableName="features", Key=where, UpdateExpression="SET contents = :damage",
                       ExpressionAttributeValues={":damage": {"B": damage}})  # fmt: skip

    for ask in (
        lambda: writer.generation("one"), writer.generations, lambda: writer.write(generation(2), (), (), generation(1))
    ):
        with pytest.raises(MlsystemError, match=r"record of the group with fingerprint one .* is damaged") as told:
            ask()
        assert key in (told.value.hint or "")
        assert "Ada" not in "".join(traceback.format_exception(told.value))
    client.close()


def test_a_state_larger_than_an_item_is_kept_in_pieces_that_go_with_it(
    between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = between.open(writable=True)
    for mark, size in enumerate((1_000_000, 130_000, 900_000, 10, 10), 1):
        put(writer, mark, b"a", body=bytes([mark]) * size)
        assert between.open().read("one", [b"a", b"b"]) == [Packed(bytes([mark]) * size), None]
        assert writer.digests("one") == {b"a": mark}

    (state,) = [item for item in between.items() if "d" in item]
    assert [name for name in state if name.startswith("v")] == ["v4", "v5"]
    assert not [item for item in between.items() if "b" in item]


def test_a_key_longer_than_dynamodb_sorts_by_is_a_key(between: Between) -> None:
    long = [bytes([number]) * 3000 for number in range(3)]
    writer = between.open(writable=True)
    put(writer, 1, *long)

    assert writer.read("one", [*long, b"\x07" * 3000]) == [*[Packed(b"1")] * 3, None]
    assert writer.digests("one") == dict.fromkeys(long, 1)


class KilledError(Exception):
    """Stands for the end of a process."""


def killed_write(store: DynamoStore, watermark_us: int, keys: Iterable[bytes], body: bytes) -> None:
    """All is laid, and nothing committed."""
    def changes() -> Iterator[Change]:
        for key in keys:
            yield Change(key, watermark_us, body, b"")
        yield from FILLERS
        raise KilledError

    with pytest.raises(KilledError):
        store.write(generation(watermark_us), changes(), (), store.generation("one"))


def test_what_killed_writers_left_is_never_read_and_does_not_pile_up(between: Between) -> None:
    """Six versions of this size have no room in an item."""
    writer = between.open(writable=True)
    large = b"x" * (dynamo_items.INLINE_BYTES - 100)
    put(writer, 1, b"a", body=large)
    for mark in range(2, 9):
        killed_write(writer, mark, [b"a"], body=bytes([mark]) * len(large))
        assert between.open().read("one", [b"a", b"filler 1"]) == [Packed(large), None]
        assert writer.digests("one") == {b"a": 1}

    put(writer, 9, b"a", body=b"9")

    assert between.open().read("one", [b"a"]) == [Packed(b"9")]
    (state,) = [item for item in between.items() if item["entity"]["B"] == b"\0a"]
    assert len([name for name in state if name.startswith("v")]) <= 2 + dynamo_write.MOST_STAGED


def test_a_writer_that_others_gave_up_on_changes_nothing(between: Between) -> None:
    slow, writer = between.open(writable=True), between.open(writable=True)
    put(writer, 1, b"a")

    def overtaken() -> Iterator[Change]:
        yield from FILLERS
        for mark in range(3, 7):
            killed_write(writer, mark, [b"filler 1"], b"lost")
        yield Change(b"a", 2, b"lost", b"")

    assert not slow.write(generation(2), overtaken(), (), generation(1))
    put(writer, 9, b"b")
    assert writer.read("one", [b"a", b"b", b"filler 1"]) == [Packed(b"1"), Packed(b"1"), None]


def test_what_is_left_of_removed_entities_is_cleared_later_and_that_of_others_is_not(
    between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = between.open(writable=True)
    put(writer, 1, b"a", b"b", b"c")
    assert writer.write(generation(2), (), [b"a", b"b"], generation(1))
    assert writer.digests("one") == {b"c": 1}
    assert len([item for item in between.items() if "d" in item]) == 3

    monkeypatch.setattr(dynamo_store, "CLEARED_S", -1)
    put(writer, 3, b"b")
    between.open().digests("one")
    assert len([item for item in between.items() if "d" in item]) == 3
    assert writer.digests("one") == {b"b": 3, b"c": 1}
    assert len([item for item in between.items() if "d" in item]) == 2


def test_the_first_write_of_a_generation_that_was_killed_is_forgotten_by_a_later_drop(
    between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = between.open(writable=True)
    killed_write(writer, 1, KEYS[:3], b"lost")
    put(writer, 1, b"a", fingerprint="two")
    assert writer.generations() == (generation(1, "two"),)
    monkeypatch.setattr(dynamo_store, "FORGOTTEN_S", -1)

    writer.drop("two")

    left = [(item["part"]["S"].rpartition("/")[2], "expires" in item) for item in between.items()]
    assert sorted(left) == [("one", True), ("two", True)]


def test_the_record_of_a_dropped_generation_expires_and_of_one_that_is_made_again_does_not(between: Between) -> None:
    writer = between.open(writable=True)
    put(writer, 1, b"a")
    writer.drop("one")
    (record,) = between.items()
    assert int(record["expires"]["N"]) == pytest.approx(time.time() + dynamo_store.FORGOTTEN_S, abs=300)

    put(writer, 1, b"a")

    assert not [item for item in between.items() if "expires" in item]
    assert writer.generations() == (generation(1),)


def test_a_generation_that_is_made_again_while_it_is_dropped_is_whole_and_stays(
    between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever drops it is about to erase what is being laid."""
    dropping, writer = between.open(writable=True), between.open(writable=True)
    large = b"x" * (dynamo_items.INLINE_BYTES + 1)
    put(writer, 1, b"a", *KEYS[:3], body=large)
    erase = dropping._erase

    def changes(until: int) -> Iterator[Change]:
        yield from (Change(b"a", 2, large, b""), *FILLERS)
        erase("one", until)

    monkeypatch.setattr(
        dropping, "_erase", lambda name, until: writer.write(generation(2, name), changes(until), (), None)
    )
    dropping.drop("one")

    assert writer.read("one", [b"a", KEYS[0]]) == [Packed(large), None]
    assert writer.generations() == (generation(2),)
    assert not [item for item in between.items() if "expires" in item]
