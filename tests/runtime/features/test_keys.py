from __future__ import annotations

import pyarrow as pa

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.features.entities import key_bytes
from mlsystem_runtime.features.keys import NO_KEY, UNKNOWN, index_keys

STRINGS = [ColumnType.STRING, ColumnType.STRING]


def columns(*rows: tuple[object, ...]) -> list[pa.ChunkedArray]:
    return [pa.chunked_array([pa.array(list(part))]) for part in zip(*rows, strict=True)]


def test_keys_are_equal_part_by_part_only() -> None:
    index, codes = index_keys(columns(("1", "12"), ("11", "2"), ("1", "12"), (None, "2"), ("1", None)))

    assert codes.tolist() == [0, 1, 0, NO_KEY, NO_KEY]
    assert index.tuples() == [("1", "12"), ("11", "2")]


def test_known_parts_of_an_unknown_pair_are_unknown() -> None:
    index, _ = index_keys(columns(("a", 1, True), ("b", 2, False), ("b", 2, True)))

    asked = index.codes(columns(("b", 2, True), ("a", 2, True), ("c", 1, True), ("b", None, True), ("a", 1, False)))

    assert asked.tolist() == [1, UNKNOWN, UNKNOWN, NO_KEY, UNKNOWN]
    assert index.tuples() == [("a", 1, True), ("b", 2, True), ("b", 2, False)]


def test_an_index_of_nothing_knows_no_key() -> None:
    index, codes = index_keys([pa.chunked_array([pa.array([], pa.string())])] * 2)

    assert (index.count, codes.tolist()) == (0, [])
    assert index.codes(columns(("a", "b"))).tolist() == [UNKNOWN]


def test_keys_that_are_never_complete_are_all_unknown() -> None:
    index, codes = index_keys(columns(("a", None), (None, "b")))

    assert codes.tolist() == [NO_KEY, NO_KEY]
    assert index.codes(columns(("a", "b"), ("a", None))).tolist() == [UNKNOWN, NO_KEY]


def test_no_two_keys_have_the_same_name() -> None:
    keys = [("1", "12"), ("11", "2"), ("", "112"), ("1s\0\0\0\x0212", ""), ("s", "s")]

    assert len({key_bytes(key, STRINGS) for key in keys}) == len(keys)
    assert key_bytes((1,), [ColumnType.INT]) != key_bytes((1.0,), [ColumnType.FLOAT])
    assert key_bytes((-0.0,), [ColumnType.FLOAT]) == key_bytes((0.0,), [ColumnType.FLOAT])
