"""The language of expressions: what is read, how it is written back, what is refused and where."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.contract.expressions import (
    Apply,
    Constant,
    ExpressionError,
    Input,
    Typed,
    canonical_text,
    compile_expression,
    parse,
)

COLUMNS = {
    column.name: column
    for column in (
        Column(name="arr_delay", type=ColumnType.FLOAT, nullable=True),
        Column(name="distance", type=ColumnType.INT),
        Column(name="origin", type=ColumnType.STRING),
        Column(name="late", type=ColumnType.BOOL, nullable=True),
        Column(name="departs", type=ColumnType.TIMESTAMP),
        Column(name="lands", type=ColumnType.TIMESTAMP, nullable=True),
        Column(name="end", type=ColumnType.INT),
        Column(name='odd "name"', type=ColumnType.INT),
    )
}


def compiled(text: str) -> Typed:
    return compile_expression(text, COLUMNS)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("arr_delay>15", "arr_delay > 15"),
        ("arr_delay IS NOT NULL", "arr_delay is not null"),
        ("a==1 AND b<>2 or not c", "a = 1 and b != 2 or not c"),
        ("(a and b) and c", "(a and b) and c"),
        ("((a + (b)))", "a + b"),
        ("a - (b - c)", "a - (b - c)"),
        ("(a - b) - c", "a - b - c"),
        ("a * (b + c) % d", "a * (b + c) % d"),
        ("- (3)", "-3"),
        ("- -3", "- -3"),
        ("-a * -b", "- a * - b"),
        ("-(a * b)", "- (a * b)"),
        ("not (a = b)", "not a = b"),
        ("(not a) = b", "(not a) = b"),
        ("(a = b) is null", "(a = b) is null"),
        ("x not IN (1,2.50)", "x not in (1, 2.5)"),
        ("x between 1 and 2 and y", "x between 1 and 2 and y"),
        ("LN( Distance )", "ln(Distance)"),
        ("case when a then 1 else 2 end", "case when a then 1 else 2 end"),
        ('"end" + "odd ""name"""', '"end" + "odd ""name"""'),
        ('"plain"', "plain"),
        ("'it''s'", "'it''s'"),
        ("1e3", "1000.0"),
        (".5", "0.5"),
        ("007", "7"),
    ],
)
def test_text_has_one_canonical_form_that_reads_as_the_same_tree(text: str, canonical: str) -> None:
    tree = parse(text)

    assert canonical_text(tree) == canonical
    assert parse(canonical) == tree


def test_where_a_node_was_written_is_no_part_of_its_equality() -> None:
    assert parse("a  +  b") == parse("a+b")
    assert parse("a + b") != parse("a - b")


def test_an_int_and_a_float_literal_are_different_trees() -> None:
    assert parse("1") != parse("1.0")


@pytest.mark.parametrize(
    ("text", "type_", "nullable"),
    [
        ("arr_delay > 15", "bool", True),
        ("distance > 15", "bool", False),
        ("arr_delay is not null", "bool", False),
        ("distance + 1", "int", True),
        ("distance / 2", "float", True),
        ("distance + 0.5", "float", True),
        ("- distance", "int", True),
        ("ln(distance)", "float", True),
        ("float(distance)", "float", False),
        ("floor(distance)", "int", False),
        ("floor(arr_delay)", "float", True),
        ("coalesce(late, false)", "bool", False),
        ("coalesce(arr_delay, distance)", "float", False),
        ("nullif(origin, '')", "string", True),
        ("if(late, 1, 2)", "int", False),
        ("if(late, 1, null)", "int", True),
        ("case when late then 'a' end", "string", True),
        ("concat(origin, '-', string(distance))", "string", False),
        ("length(origin)", "int", False),
        ("hour(departs)", "int", True),
        ("hour(timestamp('2013-01-01T00:00Z'))", "int", False),
        ("minutes_between(departs, lands)", "float", True),
        ("least(departs, lands)", "timestamp", True),
        ("late = true and origin in ('JFK', 'LGA')", "bool", True),
    ],
)
def test_an_expression_has_a_type_and_says_whether_it_can_be_null(text: str, type_: str, nullable: bool) -> None:
    typed = compiled(text)

    assert (typed.type, typed.nullable) == (type_, nullable)


def test_inputs_are_the_columns_that_are_read() -> None:
    assert compiled("if(late, distance, distance + length('origin'))").inputs == {"late", "distance"}


def test_conversions_and_the_default_zone_are_written_out() -> None:
    distance = Apply("float_int", (Input("distance", ColumnType.INT, False),), ColumnType.FLOAT, False)

    assert compiled("distance < 1.5").root == Apply(
        "less", (distance, Constant(1.5, ColumnType.FLOAT)), ColumnType.BOOL, False
    )
    assert compiled("hour(departs)").root == compiled("hour(departs, 'UTC')").root


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("timestamp('1970-01-01T00:00:01Z')", 1_000_000),
        ("timestamp('1970-01-01 01:00+01:00')", 0),
        ("timestamp('1970-01-01T00:00:00.25-00:30')", 1_800_250_000),
        ("timestamp('0001-01-01T00:00Z')", -62_135_596_800_000_000),
    ],
)
def test_instants_are_read_as_microseconds(text: str, us: int) -> None:
    assert compiled(text).root == Constant(us, ColumnType.TIMESTAMP)


@pytest.mark.parametrize(
    ("text", "pointed", "message", "hint"),
    [
        ("arr_dela > 15", "arr_dela", "no column 'arr_dela'", "did you mean 'arr_delay'?"),
        ("1 + hours(departs)", "hours(departs)", "no function 'hours'", "did you mean 'hour'?"),
        ("hour > 3", "hour", "no column 'hour'", "hour(t, 'ZONE')"),
        ("ln()", "ln()", "ln takes 1 argument", "ln(x)"),
        ("substr(origin)", "substr(origin)", "substr takes 2 or 3 arguments", "substr(s, start, count)"),
        ("coalesce(1)", "coalesce(1)", "at least 2 arguments", "coalesce(a, b, …)"),
        ("departs - lands", "departs", "'-' takes float or int here", "minutes_between"),
        ("departs > '2013-01-01'", "'2013-01-01'", "type string", "timestamp('2013-07-04T00:00Z')"),
        ("origin + 'x'", "origin", "type string", "concat(a, b)"),
        ("late + 1", "late", "type bool", "int(x)"),
        ("late = 1", "1", "type int", "int(x)"),
        ("late < true", "late < true", "no order", "`=`"),
        ("greatest(late, true)", "late", "no order", None),
        ("arr_delay and late", "arr_delay", "a condition is expected", "`x != 0`"),
        ("if(late, 'a', 1)", "1", "type int", "string(x)"),
        ("arr_delay = null", "null", "literal null", "is null"),
        ("null", "null", "no type", "coalesce"),
        ("coalesce(null, null)", "null", "no type", None),
        ("1 < distance < 3", "<", "do not chain", "`and`"),
        ("origin in ('a', origin)", "origin", "only literal values", "`or`"),
        ("origin in ()", "origin in ()", "is empty", None),
        ("hour(departs, origin)", "origin", "literal text", "'America/New_York'"),
        ("hour(departs, 'America/NewYork')", "'America/NewYork'", "no time zone", "did you mean 'America/New_York'?"),
        ("hour(departs, '../etc/passwd')", "'../etc/passwd'", "no time zone", None),
        ("hour(departs, 'localtime')", "'localtime'", "no time zone", None),
        ("hour(departs, 'America')", "'America'", "no time zone", None),
        ("hour(distance)", "distance", "takes timestamp here", None),
        ("timestamp('2013-01-01T00:00')", "'2013-01-01T00:00'", "not an instant", "2013-07-04T00:00Z"),
        ("timestamp('2013-02-30T00:00Z')", "'2013-02-30T00:00Z'", "not an instant", None),
        ("timestamp('0001-01-01T00:00+01:00')", "'0001-01-01T00:00+01:00'", "not an instant", None),
        ("9223372036854775808", "9223372036854775808", "too large", "float"),
        ("distance > 1e999", "1e999", "too large", None),
        ("distance > 15m", "15m", "'15m' is not a number", "no unit"),
        ("origin = 'JFK", "'JFK", "not closed", "''"),
        ('origin = "JFK"', '"JFK"', "no column 'JFK'", None),
        ("late && late", "&", "not part of the language", "`and`"),
        ("distance +", "", "the end stands where a value", None),
        ("(distance", "", "the end stands where ')'", None),
        ("distance distance", "distance", "nothing more", None),
        ("distance is 3", "3", "'null' is expected", None),
        ("distance not 3", "3", "'in' or 'between'", None),
        ("case end", "end", "'when'", None),
        ("ln(distance late)", "late", "',' or ')'", None),
        ("", "", "the end stands where a value", None),
    ],
)
def test_a_mistake_is_pointed_at_and_comes_with_what_to_do(
    text: str, pointed: str, message: str, hint: str | None
) -> None:
    with pytest.raises(ExpressionError) as caught:
        compiled(text)

    error = caught.value
    assert message in error.message
    assert text[error.start : error.end] == pointed
    assert hint is None or (error.hint is not None and hint in error.hint)


def test_the_least_int_can_be_written() -> None:
    assert compiled("-9223372036854775808").root == Constant(-(2**63), ColumnType.INT)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 500 + "1" + ")" * 500,
        "- " * 500 + "distance",
        "not " * 500 + "late",
        "1" + " + 1" * 500,
        "abs(" * 99 + "1",
    ],
)
def test_deep_nesting_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(ExpressionError, match="nested more than 40 levels") as caught:
        compiled(text)

    assert caught.value.hint is not None


def test_a_long_list_of_conditions_is_no_deep_nesting() -> None:
    assert compiled(" and ".join(["distance > 1"] * 400)).type == "bool"


def test_a_text_has_a_greatest_length() -> None:
    with pytest.raises(ExpressionError, match="at most 10000 characters"):
        parse("1" + " " * 10_000)


def test_importing_the_language_loads_no_library() -> None:
    heavy = "numpy", "pyarrow", "duckdb", "sqlglot", "torch", "zoneinfo", "difflib"
    script = f"import sys, mlsystem_runtime.contract.expressions; print([m for m in {heavy} if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
