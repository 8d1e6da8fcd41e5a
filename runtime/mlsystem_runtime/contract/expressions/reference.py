"""docs/reference/functions.md, made from the table of functions."""

from __future__ import annotations

from itertools import groupby

from mlsystem_runtime.contract.expressions.functions import ALL, MANY, Function
from mlsystem_runtime.contract.expressions.lexer import MAX_LENGTH
from mlsystem_runtime.contract.expressions.parser import MAX_DEPTH

_LANGUAGE = f"""\
# Expressions

An expression computes one value from the columns of one row. `derive`, `where` and `compute` hold expressions. The set
of functions is closed, and each has one meaning: training computes it in DuckDB, serving in Python, and both give the
same value on every row, nulls and extremes included.

## Language

| written | means |
| --- | --- |
| `15`, `1.5`, `1e-3` | an int (64 bits), floats |
| `'JFK'`, `'it''s'` | text |
| `true`, `false`, `null` | |
| `arr_delay`, `"odd name"` | a column; quoted where it is not a plain word or is a key word |
| `-x`, `x * y`, `x / y`, `x % y`, `x + y`, `x - y` | arithmetic |
| `=`, `!=`, `<`, `<=`, `>`, `>=` | comparison of values of one type (`==` and `<>` are read too) |
| `x is null`, `x is not null` | never null themselves |
| `x in (1, 2)`, `x not in (1, 2)` | one of some literal values |
| `x between a and b`, `x not between a and b` | `a <= x and x <= b` |
| `not`, `and`, `or` | from tight to loose; comparisons bind tighter, arithmetic tighter still |
| `case when a then x when b then y else z end` | the value beside the first true condition; without `else`, null |
| `ln(distance)` | a function |

Key words and functions may be written in capitals. An expression has at most {MAX_LENGTH:,} characters and {MAX_DEPTH}
levels.

## Types

The types are int, float, bool, string and timestamp. An int is turned into the nearest float where a float is wanted;
nothing else changes its type by itself. `int / int` is a float. `%` has the sign of the left side: `-7 % 3 = -1`.
Texts are ordered by code point, timestamps by time. The difference of two timestamps is `minutes_between` and its like.

## Nothing there

- An operation with a null argument is null. Exceptions: `is null`, `is not null`, `coalesce`, `case` and `if` (a
  condition that is null is not true), `nullif(x, null)` (x), `least` and `greatest` (nulls are left out),
  `false and null` (false), `true or null` (true), and so `between` where one bound already says no.
- An int outside of 64 bits, a division by zero, a float that is not finite, an argument outside of a function's
  domain: the result is null, never an error.
- NaN and infinities in a column are read as null, and so are timestamps outside of the years 1 to 9999. There is one
  zero: `-0.0` is `0.0`.

## Equal to the last bit

Arithmetic, comparisons, conversions and `sqrt` are exact to the last bit everywhere. `ln`, `log2`, `log10`, `exp`,
`pow`, `sin` and `cos` come from the system's mathematical library and may differ in the last bit between machines.

## Functions

Where a function of time takes a zone, it is a literal IANA name; without it the time is UTC. Zones come from the
package tzdata, offline and online. A part of a local time whose year is not 1 to 9999 is null.
"""


def functions_reference() -> str:
    """The whole page, Markdown."""
    sections = [_section(name, tuple(group)) for name, group in groupby(ALL, key=lambda function: function.group)]
    return "\n".join([_LANGUAGE, *sections])


def _section(name: str, functions: tuple[Function, ...]) -> str:
    rows = "".join(_row(function) for function in functions)
    return f"### {name}\n\n| function | types | gives | example |\n| --- | --- | --- | --- |\n{rows}"


def _row(function: Function) -> str:
    types = "<br>".join(_types(function))
    return f"| `{function.usage}` | {types} | {function.summary} | `{function.example}` |\n"


def _types(function: Function) -> list[str]:
    """One line for each way to call the function."""
    match function.form:
        case "if":
            return ["bool, any, the same → the same"]
        case "common" | "nullif":
            many = ", …" if function.most == MANY else ""
            ordered = " but bool" if function.name in ("least", "greatest") else ""
            return [f"any{ordered}, the same{many} → the same"]
        case "concat":
            return ["string, … → string"]
        case "zoned":
            return ["timestamp[, zone] → int"]
        case "instant":
            return ["literal → timestamp"]
        case "typed":
            return [f"{', '.join(variant.parameters)} → {variant.result}" for variant in function.variants]
