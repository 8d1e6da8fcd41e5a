"""The closed set of functions. This table is what `check` knows and what docs/reference/functions.md is made from."""

from __future__ import annotations

from typing import Literal

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.columns import ColumnType

INT, FLOAT, BOOL = ColumnType.INT, ColumnType.FLOAT, ColumnType.BOOL
STRING, TIMESTAMP = ColumnType.STRING, ColumnType.TIMESTAMP
MANY = 100

Form = Literal["typed", "common", "if", "nullif", "concat", "zoned", "instant"]


class Variant(Struct):
    """One way to call a function. `partial`: the result may be null though no argument is."""

    parameters: tuple[ColumnType, ...]
    result: ColumnType
    operation: str
    partial: bool = False


class Function(Struct):
    """`usage` is how to write it; `form` says how its arguments are checked; `least`..`most` counts them.

    typed: the first variant that the arguments fit, an int fitting a float. common: arguments of one type.
    zoned: a timestamp and, if wanted, a literal IANA zone. instant: a literal.
    """

    name: str
    group: str
    usage: str
    summary: str
    example: str
    form: Form = "typed"
    variants: tuple[Variant, ...] = ()
    least: int = 1
    most: int = 1


def _number(name: str, summary: str, example: str, *, partial_int: bool = False) -> Function:
    """int → int and float → float."""
    variants = (
        Variant((INT,), INT, f"{name}_int", partial=partial_int),
        Variant((FLOAT,), FLOAT, f"{name}_float"),
    )
    return Function(name, "Numbers", f"{name}(x)", summary, example, variants=variants)


def _real(name: str, summary: str, example: str, *, partial: bool = True) -> Function:
    """float → float."""
    variants = (Variant((FLOAT,), FLOAT, name, partial=partial),)
    return Function(name, "Numbers", f"{name}(x)", summary, example, variants=variants)


def _text(usage: str, summary: str, example: str, *variants: Variant) -> Function:
    least, most = (len(pick(variants, key=lambda one: len(one.parameters)).parameters) for pick in (min, max))
    name = usage.partition("(")[0]
    return Function(name, "Text", usage, summary, example, variants=variants, least=least, most=most)


def _part(name: str, summary: str, example: str) -> Function:
    """A part of the local time in a zone."""
    variants = (Variant((TIMESTAMP, STRING), INT, name, partial=True),)
    return Function(name, "Time", f"{name}(t, 'ZONE')", summary, example, form="zoned", variants=variants, most=2)


def _between(name: str, unit: str, example: str) -> Function:
    variants = (Variant((TIMESTAMP, TIMESTAMP), FLOAT, name),)
    summary = f"{unit} from a to b with their fraction, negative where b is earlier: (b - a) in microseconds, divided."
    return Function(name, "Time", f"{name}(a, b)", summary, example, variants=variants, least=2, most=2)


ALL = (
    Function(
        "if", "Choosing", "if(condition, a, b)", "a where the condition is true; b where it is false or null.",
        "if(arr_delay > 15, 'late', 'fine')", form="if", least=3, most=3,
    ),
    Function(
        "coalesce", "Choosing", "coalesce(a, b, …)", "The first value that is not null.",
        "coalesce(arr_delay, 0)", form="common", least=2, most=MANY,
    ),
    Function(
        "nullif", "Choosing", "nullif(a, b)", "Null where a = b, else a.",
        "nullif(distance, 0)", form="nullif", least=2, most=2,
    ),
    Function(
        "least", "Choosing", "least(a, b, …)", "The smallest of the values that are not null; null if all are.",
        "least(distance, 3000)", form="common", least=2, most=MANY,
    ),
    Function(
        "greatest", "Choosing", "greatest(a, b, …)", "The greatest of the values that are not null; null if all are.",
        "greatest(arr_delay, 0)", form="common", least=2, most=MANY,
    ),
    _number(
        "abs", "The value without its sign; null for the least int, which has no opposite.", "abs(-3) = 3",
        partial_int=True,
    ),
    Function(
        "sign", "Numbers", "sign(x)", "-1, 0 or 1.", "sign(-2.5) = -1",
        variants=(Variant((INT,), INT, "sign_int"), Variant((FLOAT,), INT, "sign_float")),
    ),
    _number("floor", "The greatest whole number that is not above x.", "floor(-1.5) = -2.0"),
    _number("ceil", "The smallest whole number that is not below x.", "ceil(-1.5) = -1.0"),
    _number("round", "The nearest whole number; halves go away from zero.", "round(2.5) = 3.0"),
    _real("sqrt", "The square root; null below zero.", "sqrt(2.25) = 1.5"),
    _real("ln", "The natural logarithm; null at zero and below.", "ln(1) = 0.0"),
    _real("log2", "The logarithm to base 2; null at zero and below.", "log2(8) = 3.0"),
    _real("log10", "The logarithm to base 10; null at zero and below.", "log10(1000) = 3.0"),
    _real("exp", "e to the power of x; null where that overflows.", "exp(0) = 1.0"),
    Function(
        "pow", "Numbers", "pow(x, y)",
        "x to the power of y; null where that overflows, for a negative x with a y that is not whole, and for zero to "
        "a negative power.",
        "pow(2, 10) = 1024.0", variants=(Variant((FLOAT, FLOAT), FLOAT, "pow", partial=True),), least=2, most=2,
    ),
    _real("sin", "The sine of x radians.", "sin(0) = 0.0", partial=False),
    _real("cos", "The cosine of x radians.", "cos(0) = 1.0", partial=False),
    Function(
        "int", "Numbers", "int(x)",
        "A float without its fraction, null outside of int64; a bool as 0 or 1.", "int(-1.9) = -1",
        variants=(
            Variant((BOOL,), INT, "int_bool"),
            Variant((INT,), INT, "same"),
            Variant((FLOAT,), INT, "int_float", partial=True),
        ),
    ),
    Function(
        "float", "Numbers", "float(x)", "An int as the nearest float; a bool as 0.0 or 1.0.", "float(2) = 2.0",
        variants=(Variant((BOOL,), FLOAT, "float_bool"), Variant((FLOAT,), FLOAT, "same")),
    ),
    _text(
        "lower(s)", "A to Z in lower case; all other characters stay.", "lower('JFK') = 'jfk'",
        Variant((STRING,), STRING, "lower"),
    ),
    _text(
        "upper(s)", "a to z in upper case; all other characters stay.", "upper('Jfk') = 'JFK'",
        Variant((STRING,), STRING, "upper"),
    ),
    _text(
        "length(s)", "How many characters (Unicode code points).", "length('Zürich') = 6",
        Variant((STRING,), INT, "length"),
    ),
    _text(
        "trim(s)", "Without the spaces (U+0020 alone) at both ends.", "trim(' UA ') = 'UA'",
        Variant((STRING,), STRING, "trim"),
    ),
    _text(
        "substr(s, start, count)",
        "count characters, or all, from character start on; the first is 1. Null for a start below 1 or a negative "
        "count.",
        "substr('N14228', 2, 3) = '142'",
        Variant((STRING, INT), STRING, "substr", partial=True),
        Variant((STRING, INT, INT), STRING, "substr", partial=True),
    ),
    Function(
        "concat", "Text", "concat(a, b, …)", "The texts one after the other; null if any is null.",
        "concat(origin, '-', dest)", form="concat", least=2, most=MANY,
    ),
    _text(
        "contains(s, part)", "Whether part stands somewhere in s; the empty text does.", "contains('JFK', 'F') = true",
        Variant((STRING, STRING), BOOL, "contains"),
    ),
    _text(
        "starts_with(s, part)", "Whether s begins with part.", "starts_with('N14228', 'N') = true",
        Variant((STRING, STRING), BOOL, "starts_with"),
    ),
    _text(
        "ends_with(s, part)", "Whether s ends with part.", "ends_with('N14228', '8') = true",
        Variant((STRING, STRING), BOOL, "ends_with"),
    ),
    _text(
        "string(x)", "An int in decimal digits; a bool as true or false.", "string(7) = '7'",
        Variant((BOOL,), STRING, "string_bool"),
        Variant((INT,), STRING, "string_int"),
        Variant((STRING,), STRING, "same"),
    ),
    Function(
        "timestamp", "Time", "timestamp('YYYY-MM-DDTHH:MM:SSZ')",
        "An instant, with Z or an offset such as -05:00; seconds and their fraction may be left out.",
        "timestamp('2013-07-04T00:00-04:00')", form="instant", most=1,
    ),
    _part("year", "The year.", "year(timestamp('2013-01-01T00:30Z'), 'America/New_York') = 2012"),
    _part("quarter", "1 to 4.", "quarter(timestamp('2013-12-31T00:00Z')) = 4"),
    _part("month", "1 to 12.", "month(timestamp('2013-12-31T00:00Z')) = 12"),
    _part("day", "The day of the month, 1 to 31.", "day(timestamp('2013-12-31T00:00Z')) = 31"),
    _part("dayofyear", "1 to 366.", "dayofyear(timestamp('2012-12-31T00:00Z')) = 366"),
    _part("dayofweek", "Monday 1 to Sunday 7 (ISO 8601).", "dayofweek(timestamp('2013-01-01T00:00Z')) = 2"),
    _part("hour", "0 to 23.", "hour(timestamp('2013-07-04T00:00Z'), 'America/New_York') = 20"),
    _part("minute", "0 to 59.", "minute(timestamp('2013-07-04T00:07Z')) = 7"),
    Function(
        "epoch_seconds", "Time", "epoch_seconds(t)", "Seconds since 1970-01-01T00:00Z, with their fraction.",
        "epoch_seconds(timestamp('1970-01-02T00:00Z')) = 86400.0",
        variants=(Variant((TIMESTAMP,), FLOAT, "epoch_seconds"),),
    ),
    _between("seconds_between", "Seconds", "seconds_between(scheduled_departure, landed_at)"),
    _between("minutes_between", "Minutes", "minutes_between(scheduled_departure, landed_at)"),
    _between("hours_between", "Hours", "hours_between(scheduled_departure, landed_at)"),
    _between("days_between", "Days", "days_between(scheduled_departure, landed_at)"),
)  # fmt: skip
FUNCTIONS: dict[str, Function] = {function.name: function for function in ALL}

OPERATORS: dict[str, tuple[Variant, ...]] = {
    "+": (Variant((INT, INT), INT, "add_int", partial=True), Variant((FLOAT, FLOAT), FLOAT, "add_float", partial=True)),
    "-": (
        Variant((INT, INT), INT, "subtract_int", partial=True),
        Variant((FLOAT, FLOAT), FLOAT, "subtract_float", partial=True),
    ),
    "*": (
        Variant((INT, INT), INT, "multiply_int", partial=True),
        Variant((FLOAT, FLOAT), FLOAT, "multiply_float", partial=True),
    ),
    "/": (Variant((FLOAT, FLOAT), FLOAT, "divide", partial=True),),
    "%": (
        Variant((INT, INT), INT, "modulo_int", partial=True),
        Variant((FLOAT, FLOAT), FLOAT, "modulo_float", partial=True),
    ),
}
NEGATE = (Variant((INT,), INT, "negate_int", partial=True), Variant((FLOAT,), FLOAT, "negate_float"))
COMPARISONS = {"=": "equal", "!=": "not_equal", "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal"}
LOGIC = ("and", "or", "not", "is_null", "is_not_null", "in", "between", "case")
COMMON = ("coalesce", "nullif", "least", "greatest", "concat", "float_int")

OPERATIONS: frozenset[str] = frozenset(
    {variant.operation for function in ALL for variant in function.variants}
    | {variant.operation for variants in (*OPERATORS.values(), NEGATE) for variant in variants}
    | set(COMPARISONS.values())
    | {*LOGIC, *COMMON}
) - {"same"}
