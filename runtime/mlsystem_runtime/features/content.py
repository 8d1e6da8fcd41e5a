"""The content hash that decides between rows of equal (time, available), the same for columns and for single rows."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from mlsystem_runtime.data.arrays import arrow, numbers
from mlsystem_runtime.features.keys import Ints

MASK = 2**64 - 1
NULL = 0x9B05688C2B3E6C1F
ADD, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB

Words = np.ndarray[Any, np.dtype[np.uint64]]


def content_words(table: pa.Table, rows: Ints) -> Words:
    """64 bits of hash for each of `rows` over all columns of `table`, whatever their order."""
    hashed = np.zeros(len(rows), np.uint64)
    for name in sorted(table.column_names):
        column = table[name].combine_chunks().take(arrow(rows))
        hashed = mixed(hashed ^ mixed(column_words(column) ^ np.uint64(text_word(name))))
    return hashed


def content_word(values: Mapping[str, Any]) -> int:
    """The same hash of a single row of Python values, timestamps in microseconds."""
    hashed = 0
    for name in sorted(values):
        hashed = mixed_int(hashed ^ mixed_int(word(values[name]) ^ text_word(name)))
    return hashed


def column_words(column: pa.Array) -> Words:
    """One word a value: the bits of a number, a hash of a text."""
    if pa.types.is_string(column.type):
        encoded = column.dictionary_encode()
        distinct = np.array([text_word(text) for text in encoded.dictionary.to_pylist()] or [0], np.uint64)
        places, present = numbers(encoded.indices)
        return np.where(present, distinct[places], np.uint64(NULL))
    words, present = numbers(column)
    return np.where(present, words.view(np.uint64), np.uint64(NULL))


def word(value: Any) -> int:
    match value:
        case None:
            return NULL
        case str():
            return text_word(value)
        case float():
            return int.from_bytes(struct.pack("<d", value), "little")
        case _:
            return int(value) & MASK


def text_word(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def mixed(words: Words) -> Words:
    """The finalizer of splitmix64 (Steele, Lea, Flood 2014); arithmetic modulo 2^64."""
    words = words + np.uint64(ADD)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(FIRST)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(SECOND)
    return words ^ (words >> np.uint64(31))


def mixed_int(value: int) -> int:
    value = (value + ADD) & MASK
    value = ((value ^ (value >> 30)) * FIRST) & MASK
    value = ((value ^ (value >> 27)) * SECOND) & MASK
    return value ^ (value >> 31)


def row_words(table: pa.Table, *instants: Ints) -> Words:
    """A hash of whole rows: their content and these instants."""
    hashed = content_words(table, np.arange(len(instants[0])))
    for values in instants:
        hashed = mixed(hashed ^ mixed(values.view(np.uint64)))
    return hashed


def added(words: Words, codes: Ints, count: int) -> Words:
    """The sum of words (modulo 2^64) of each code 0..count-1: a hash of a set of rows, whatever their order."""
    totals = np.zeros(count, np.uint64)
    np.add.at(totals, codes, words)
    return totals
