"""The fast way into typed rows gives what the slow one gives, or nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.serve.refused import RefusedError
from mlsystem_runtime.serve.signature import SignatureDecoder
from mlsystem_runtime.serve.values import MAX_ROWS, read_body, typed_row

STRING, INT, FLOAT, BOOL, TIMESTAMP = ColumnType
COLUMNS = (
    Column("a name", STRING), Column("count", INT), Column("size", FLOAT), Column("flag", BOOL),
    Column("when", TIMESTAMP),
    Column("class", STRING, nullable=True), Column("f1", FLOAT, nullable=True),
    Column("then", TIMESTAMP, nullable=True),
)
ROW = {"a name": "x", "count": 3, "size": 1.5, "flag": True, "when": "2013-12-28T08:00:00-05:00"}
DECODER = SignatureDecoder(COLUMNS)


def slowly(data, columns=COLUMNS):
    """Typed rows, or None where the request is refused or says more than its rows."""
    try:
        body = read_body(data, frozenset(column.name for column in columns))
        rows = [typed_row(columns, row, place) for place, row in enumerate(body.rows)]
    except RefusedError:
        return None
    return rows if body.at_us is None else None


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from(
    [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 0.1, -0.0, 5e-324, 1.7976931348623157e308, "2013-12-28T08:00:00Z",
     "2013-12-28T08:00:00", "9999-12-31T23:59:59.999999+00:00", 253402300800000000, [], {}])
rows = st.builds(
    lambda changes, dropped: {name: value for name, value in {**ROW, **changes}.items() if name not in dropped},
    st.dictionaries(st.sampled_from([*(column.name for column in COLUMNS), "at", "rows", "more"]), values, max_size=3),
    st.sets(st.sampled_from([column.name for column in COLUMNS]), max_size=1),
)


@settings(max_examples=500, deadline=None)
@given(rows | st.builds(lambda held: {"rows": held}, st.lists(rows, max_size=3)))
def test_what_it_takes_it_reads_as_the_slow_way_does(content):
    data = json.dumps(content).encode()

    taken = DECODER.decode(data)

    if taken is not None:
        assert taken == slowly(data)
        assert [[type(value) for value in row.values()] for row in taken] == [
            [type(value) for value in row.values()] for row in slowly(data)]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.fixed_dictionaries(
    {"a name": st.text(max_size=3), "count": st.integers(-(2**63), 2**63 - 1),
     "size": st.floats(allow_nan=False, allow_infinity=False), "flag": st.booleans(),
     "when": st.integers(-(10**15), 10**15)},
    optional={"class": st.none() | st.text(max_size=2), "f1": st.none() | st.integers(-9, 9), "then": st.none()},
), min_size=1, max_size=4), st.booleans())
def test_it_takes_every_right_row_alone_or_among_others(held, alone):
    data = json.dumps(held[0] if alone else {"rows": held}).encode()

    assert DECODER.decode(data) == slowly(data)
    assert DECODER.decode(data) is not None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40))
def test_bytes_that_are_no_request_are_left_to_the_slow_way(data):
    assert DECODER.decode(data) is None


@pytest.mark.parametrize("text", [
    '{"count": 1e3}', '{"count": 1.0}', '{"size": NaN}', '{"size": 1e999}', '{"rows": []}', '{"rows": [{}]}',
    "[" * 100_000,
])
def test_what_is_wrong_or_rare_is_left_to_the_slow_way(text):
    assert DECODER.decode(text.encode()) is None


def test_as_many_rows_as_are_answered_at_once_and_no_more():
    assert len(DECODER.decode(json.dumps({"rows": [ROW] * MAX_ROWS}).encode())) == MAX_ROWS
    assert DECODER.decode(json.dumps({"rows": [ROW] * (MAX_ROWS + 1)}).encode()) is None


def test_a_column_may_be_called_rows():
    columns = (Column("rows", INT),)

    assert SignatureDecoder(columns).decode(b'{"rows": 3}') == [{"rows": 3}]


def test_white_space_before_the_rows_changes_nothing():
    data = b' {\n "rows" : ' + json.dumps([ROW]).encode() + b"}"

    assert DECODER.decode(data) == slowly(data)
