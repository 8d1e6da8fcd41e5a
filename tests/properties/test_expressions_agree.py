"""The SQL of an expression and its Python function give the same value on every row, nulls and extremes included."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.contract.expressions import compile_expression
from mlsystem_runtime.contract.expressions.functions import COMPARISONS, FUNCTIONS, OPERATIONS, OPERATORS
from mlsystem_runtime.features.expressions import python
from mlsystem_runtime.features.expressions.duckdb_sql import to_duckdb
from mlsystem_runtime.features.expressions.python import to_python

ROWS = 10_000
LEAST, GREATEST = -(2**63), 2**63 - 1
INT, FLOAT, STRING, BOOL, TIMESTAMP = (ColumnType(name) for name in ("int", "float", "string", "bool", "timestamp"))
LIBRARY = ("ln", "log2", "log10", "exp", "pow", "sin", "cos")
Row = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def us(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return (datetime(year, month, day, hour, minute, second, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


INTS = [0, 1, -1, 2, -2, 3, 7, 10, -7, 60, 2**31, 2**53, 2**53 + 1, -(2**53) - 1]
INTS += [LEAST, LEAST + 1, GREATEST, GREATEST - 1]
FLOATS = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.5, -2.5, 0.1, 3.0, math.pi, 709.8, -745.2, 1e16, 1e22, 1e-300]
FLOATS += [0.49999999999999994, 4503599627370495.5, 2.0**52, 2.0**53 + 2, 2.0**63, -(2.0**63), 9.223372036854774e18]
FLOATS += [5e-324, -5e-324, 1.7976931348623157e308, -1.7976931348623157e308, math.nan, math.inf, -math.inf]
TEXTS = ["", " ", "a", "A", "ab", "AbC", " a b ", "\ta\n", "\u00a0x", "ß", "İ", "ΑΣ", "ﬁ", "é", "e\u0301", "日本"]
TEXTS += ["🤦🏼\u200d♂️", "\U0010ffff", "\ue000", "it's", '"', "\\", "%", "_", "a\0b", "\0", "JFK", "N14228", "x" * 300]
TIMES = [0, -1, 1, us(1900, 1, 1), us(1899, 12, 31, 23, 59, 59), us(2000, 2, 29), us(1900, 2, 28, 23), us(2100, 3, 1)]
TIMES += [us(2013, 3, 10, 7) - 1, us(2013, 3, 10, 7), us(2013, 11, 3, 6) - 1, us(2013, 11, 3, 6), us(2013, 11, 3, 5)]
TIMES += [us(2012, 12, 31, 23, 59, 59), us(2013, 1, 1), us(2037, 12, 31), us(2038, 1, 19, 3, 14, 8), us(2099, 12, 31)]
TIMES += [us(1, 1, 1), us(1, 1, 1) - 1, us(1, 1, 1, 6), us(1883, 11, 18, 17), LEAST + 10**7, GREATEST - 10**7]
TIMES += [us(9999, 12, 31, 12), us(9999, 12, 31, 23, 59, 59) + 999_999, us(9999, 12, 31, 23, 59, 59) + 1_000_000]

COLUMNS = {
    name: Column(name=name, type=type_, nullable=True)
    for names, type_ in (
        ("ij", INT),
        ("xy", FLOAT),
        ("su", STRING),
        ("bc", BOOL),
        ("tv", TIMESTAMP),
    )
    for name in names
}


def any_int(rng: random.Random) -> int:
    return rng.choice([rng.choice(INTS), rng.randrange(-20, 20), rng.randrange(LEAST, GREATEST + 1)])


def any_float(rng: random.Random) -> float:
    bits: float = struct.unpack("<d", rng.randbytes(8))[0]
    return rng.choice([rng.choice(FLOATS), rng.uniform(-20, 20), float(rng.randrange(-9, 9)), rng.gauss(0, 1e6), bits])


def any_text(rng: random.Random) -> str:
    return rng.choice([rng.choice(TEXTS), "".join(rng.choices("abAB .é🙂", k=rng.randrange(6)))])


def any_time(rng: random.Random) -> int:
    ranges = ((us(1900, 1, 1), us(2100, 12, 31)), (us(2012, 1, 1), us(2014, 1, 1)), (us(1, 1, 1), us(9999, 12, 31)))
    return rng.choice([rng.choice(TIMES), rng.choice(TIMES) + rng.randrange(-9, 9), rng.randrange(*rng.choice(ranges))])


MAKERS: dict[ColumnType, Callable[[random.Random], Any]] = {
    INT: any_int,
    FLOAT: any_float,
    STRING: any_text,
    BOOL: lambda rng: rng.random() < 0.5,
    TIMESTAMP: any_time,
}
ARROW = {
    INT: pa.int64(),
    FLOAT: pa.float64(),
    STRING: pa.string(),
    BOOL: pa.bool_(),
    TIMESTAMP: pa.int64(),
}


def random_rows(count: int) -> list[Row]:
    rng = random.Random(20130704)
    return [
        {name: None if rng.random() < 0.1 else MAKERS[column.type](rng) for name, column in COLUMNS.items()}
        for _ in range(count)
    ]


class Engines:
    """The same rows in DuckDB and as Python mappings."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.connection = duckdb.connect()
        columns = {name: pa.array([row[name] for row in rows], ARROW[column.type]) for name, column in COLUMNS.items()}
        instants = {name: columns[name].cast(pa.timestamp("us", tz="UTC")) for name in "tv"}
        self.connection.register("arrow", pa.table(columns | instants))
        self.connection.execute("CREATE TABLE rows AS SELECT * FROM arrow")
        self.connection.execute("SET TimeZone = 'Asia/Kathmandu'")

    def differences(self, text: str, *, limit: int | None = None, ulps: int = 0) -> list[tuple[Any, ...]]:
        typed = compile_expression(text, COLUMNS)
        rows = self.rows[:limit]
        sql = f"SELECT {to_duckdb(typed)} AS value FROM rows LIMIT {len(rows)}"
        offline = self.connection.execute(sql).fetchall()
        evaluate = to_python(typed)
        found = []
        for row, (expected,) in zip(rows, offline, strict=True):
            value = evaluate(row)
            if not same(value, expected, ulps):
                found.append((value, expected, {name: row[name] for name in typed.inputs}))
            assert value is not None or typed.nullable
        return found


def same(one: Any, other: Any, ulps: int = 0) -> bool:
    """Of the same type and, floats included, the same bits, or at most `ulps` representable numbers apart."""
    if isinstance(one, float) and isinstance(other, float):
        first, second = (struct.unpack("<q", struct.pack("<d", value))[0] for value in (one, other))
        return math.isfinite(one) and abs(first - second) <= ulps
    return type(one) is type(other) and bool(one == other)


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    engines = Engines(random_rows(ROWS))
    yield engines
    engines.connection.close()


ZONES = ["America/New_York", "America/Havana", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]
PARTS = [name for name, function in FUNCTIONS.items() if function.form == "zoned"]
NUMERIC = ["abs", "sign", "floor", "ceil", "round", "int", "float"]
LINES = r"""
b = c | b != c | -i | -x | -(-9223372036854775808) | x - 9223372036854775807 | i * 2 + 1.5 * x - y
b and c | b or c | not b | b and i > 0 and x > 0 | b or c or s = 'a' | not (b and not c or b = c)
x * y is null | i + j is not null | ln(x) is null | x / y > 1 | x * x * x * x / y <= 7 and i % j != 2
i in (1, 2, -7, 9223372036854775807) | x in (0, 0.5, -2.5, 1e22) | s in ('', 'a', 'ß', 'it''s') | b in (true)
i not in (1, 2) | t in (timestamp('2013-01-01T00:00Z')) | i between -7 and j | x between y and 10
x not between y and 1 | s between 'a' and u | t between v and timestamp('2013-06-01T00:00+02:00')
case when b then i when c then j end | case when x > 0 then x else i end | case when s = 'a' then 'x' else null end
if(b, t, v) | if(i > j, x, 0) | if(b, null, s) | coalesce(x, i, 1) | coalesce(s, u, 'none') | coalesce(t, v)
coalesce(b, false) | nullif(i, j) | nullif(x, 0) | nullif(x, i) | nullif(s, u) | nullif(b, c) | nullif(t, v)
nullif(x * y / i - 3 * x * y, x) | least(i, j, 3) | least(x, i) | greatest(x, y, 0) | least(s, u)
greatest(s, u, 'b') | least(t, v) | greatest(t, v) | greatest(x, null) | least(i, null)
int(b) | float(b) | string(b) | string(i) | string(s) | int(x * y) | int(i * 1.0) | sqrt(x) | sqrt(i) | sqrt(x * y)
lower(s) | upper(s) | length(s) | trim(s) | concat(s, u) | concat(s, '-', u, string(i)) | concat(s, 'it''s \')
substr(s, 2) | substr(s, i) | substr(s, 1, 2) | substr(s, i, j) | substr(s, 2, 9223372036854775807) | substr(s, 3, 0)
hour(coalesce(v, t), 'America/New_York') % 7 | dayofweek(if(b, least(t, v), greatest(t, v)), 'Europe/Berlin') >= 6
epoch_seconds(t) | seconds_between(t, v) | minutes_between(t, v) | hours_between(t, v) | days_between(v, t)
timestamp('2013-07-04T00:00-04:00') | 1 | -0.0 | 'it''s' | true | i | x | s | b | t | x * 0 | -x * 0.0 | 1e308 * 10
"""
CASES = [
    *(f"{left} {operator} {right}" for operator in OPERATORS for left, right in map(tuple, ["ij", "xy", "ix", "yj"])),
    *(f"{left} {sign} {right}" for sign in COMPARISONS for left, right in map(tuple, ["ij", "xy", "ix", "su", "tv"])),
    *(f"{name} is {word}" for name in COLUMNS for word in ["null", "not null"]),
    *(f"{name}({column})" for name in NUMERIC for column in "ix"),
    *(f"{name}(s, {part})" for name in ["contains", "starts_with", "ends_with"] for part in ["u", "''", "'a'", "'🙂'"]),
    *(f"{part}(t)" for part in PARTS),
    *(f"{part}(t, '{name}')" for part in PARTS for name in ZONES[: 6 if part == "hour" else 2]),
    *(text.strip() for line in LINES.strip().splitlines() for text in line.split(" | ")),
]
LIBRARY_CASES = [f"{name}({column})" for name in LIBRARY if name != "pow" for column in "xi"]
LIBRARY_CASES += ["pow(x, y)", "pow(i, 2)", "pow(x, -1)", "pow(2, j)", "pow(x, 0.5)", "exp(x * y)", "ln(x * y + i)"]


@pytest.mark.parametrize("text", CASES)
def test_both_evaluators_give_the_same_value_on_every_row(engines: Engines, text: str) -> None:
    assert engines.differences(text)[:3] == []


@pytest.mark.parametrize("text", LIBRARY_CASES)
def test_functions_of_the_mathematical_library_differ_by_at_most_the_last_bit(engines: Engines, text: str) -> None:
    assert engines.differences(text, ulps=1)[:3] == []


def test_every_function_and_operator_is_among_the_compared_expressions() -> None:
    compared = "\n".join(CASES + LIBRARY_CASES)

    assert [name for name in FUNCTIONS if f"{name}(" not in compared] == []
    assert [sign for sign in OPERATORS if f" {sign} " not in compared] == []


def test_both_evaluators_know_exactly_the_operations_of_the_language() -> None:
    assert python.OPERATIONS == OPERATIONS


def random_expression(rng: random.Random, wanted: ColumnType, depth: int) -> str:
    """Well-typed text of type `wanted`."""
    if depth == 0 or rng.random() < 0.1:
        return rng.choice(LEAVES[wanted])
    pattern = rng.choice(PATTERNS[wanted])
    parts = pattern.split("§")
    text = parts[0]
    for part in parts[1:]:
        text += random_expression(rng, LETTERS[part[0]], depth - 1) + part[1:]
    return f"({text})"


LETTERS = dict(zip("ixsbt", (INT, FLOAT, STRING, BOOL, TIMESTAMP), strict=True))
LEAVES = {
    INT: ["i", "j", "0", "-3", "7", "9223372036854775807"],
    FLOAT: ["x", "y", "0.0", "-2.5", "1e300"],
    STRING: ["s", "u", "'a'", "''", "'É'"],
    BOOL: ["b", "c", "true", "false"],
    TIMESTAMP: ["t", "v", "timestamp('2013-03-10T07:00Z')"],
}
ANY = ["if(§b, §_, §_)", "coalesce(§_, §_)", "nullif(§_, §_)", "case when §b then §_ when §b then §_ end"]
ORDERED = [*ANY, "least(§_, §_)", "greatest(§_, §_, §_)"]
TESTS = ["§_ = §_", "§_ != §_", "§_ is null", "§_ is not null"]
ORDER_TESTS = [*TESTS, "§_ < §_", "§_ >= §_", "§_ between §_ and §_", "§_ not between §_ and §_"]
NUMBERS = ["§_ + §_", "§_ - §_", "§_ * §_", "§_ % §_", "-§_", "abs(§_)"]


def patterns(letter: str, *groups: list[str]) -> list[str]:
    return [pattern.replace("§_", f"§{letter}") for group in groups for pattern in group]


MORE_INTS = ["sign(§x)", "int(§x)", "int(§b)", "length(§s)", "year(§t)", "dayofweek(§t, 'America/New_York')"]
MORE_FLOATS = ["§i / §i", "§x / §x", "§x + §i", "round(§x)", "floor(§x)", "ceil(§x)", "sqrt(§x)", "float(§i)"]
MORE_FLOATS += ["minutes_between(§t, §t)"]
MORE_TEXTS = ["lower(§s)", "upper(§s)", "trim(§s)", "concat(§s, §s)", "substr(§s, §i, §i)", "string(§i)", "string(§b)"]
MORE_BOOLS = ["§b and §b", "§b or §b and §b", "not §b", "§i in (1, 2)", "§s in ('a', 'B')", "contains(§s, §s)"]
PATTERNS = {
    INT: patterns("i", ORDERED, NUMBERS, MORE_INTS),
    FLOAT: patterns("x", ORDERED, NUMBERS, MORE_FLOATS),
    STRING: patterns("s", ORDERED, MORE_TEXTS),
    BOOL: patterns("b", ANY, TESTS, MORE_BOOLS) + [one for letter in "ixst" for one in patterns(letter, ORDER_TESTS)],
    TIMESTAMP: patterns("t", ORDERED),
}


@pytest.mark.parametrize("seed", range(8))
def test_random_compositions_agree(engines: Engines, seed: int) -> None:
    rng = random.Random(seed)
    texts = [random_expression(rng, rng.choice(list(LETTERS.values())), rng.randrange(2, 5)) for _ in range(25)]

    different = [(text, found[:2]) for text in texts if (found := engines.differences(text, limit=500))]

    assert different == []


def test_conditions_agree_where_the_optimizer_may_reorder_them(engines: Engines) -> None:
    typed = compile_expression("j != 0 and i / j > 1 and ln(x) < 3 and i + j > 0 and substr(s, i) != ''", COLUMNS)
    evaluate = to_python(typed)

    kept = engines.connection.execute(f"SELECT count(*) FROM rows WHERE {to_duckdb(typed)}").fetchone()

    assert kept == (sum(evaluate(row) is True for row in engines.rows),)


def test_a_caller_may_say_how_a_column_is_read(engines: Engines) -> None:
    typed = compile_expression("hour(t) + i", COLUMNS)

    sql = to_duckdb(typed, {"t": "q.us", "i": 'q."my i"'})

    rows = engines.connection.execute(f'SELECT {sql} FROM (SELECT 3600000000 AS us, 2 AS "my i") AS q')
    assert rows.fetchall() == [(3,)]


@pytest.mark.parametrize(("value", "expected"), [(7, 7.0), (10**400, None), (math.inf, None), (-0.0, 0.0)])
def test_a_float_column_may_hold_any_number_online(value: float, expected: float | None) -> None:
    assert same(to_python(compile_expression("x", COLUMNS))({"x": value}), expected)
