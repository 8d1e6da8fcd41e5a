"""The checks of a source: one aggregate query over its table; rows are looked up only for those that fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_never

import duckdb
import pyarrow as pa

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.columns import (
    AnyCheck,
    Freshness,
    Matches,
    NotNull,
    OneOf,
    Range,
    RowCount,
    Severity,
    Source,
    Unique,
)
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.data import duck

SHOWN = 5


class CheckResult(Struct):
    """`failed_rows` counts rows that break a rule about rows; a rule about the whole table fails with 0 of them.

    `rows` are the first failing rows, counted from 1.
    """

    check: str
    severity: Severity
    passed: bool
    failed_rows: int
    detail: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A check in SQL: `failing` is true for a bad row (None: about the table), `measured` is the aggregate to judge."""

    check: AnyCheck
    name: str
    measured: str
    failing: str | None
    columns: tuple[str, ...]


def run_checks(table: pa.Table, source: Source, checks: Sequence[AnyCheck], clock_us: int) -> tuple[CheckResult, ...]:
    """One result a check, in order; the source's key is checked first. Raises nothing for a failed check.

    `clock_us` is the environment's clock, for freshness.
    """
    key = (Unique(severity="error", columns=source.key),) if source.key else ()
    rules = [rule(check, source) for check in (*key, *checks)]
    if not rules:
        return ()
    connection = duck.connect()
    connection.register("source", table)
    measured = aggregate(connection, source, rules)
    return tuple(judge(connection, rule, value, clock_us) for rule, value in zip(rules, measured, strict=True))


def aggregate(connection: duckdb.DuckDBPyConnection, source: Source, rules: Sequence[Rule]) -> Sequence[Any]:
    selected = ", ".join(rule.measured for rule in rules)
    try:
        row = connection.execute(f"SELECT {selected} FROM source").fetchall()[0]
    except duckdb.Error as error:
        raise MlsystemError(f"source '{source.name}': its checks cannot be computed: {error}") from error
    return tuple(row)


def rule(check: AnyCheck, source: Source) -> Rule:
    match check:
        case NotNull(columns=columns):
            failing = " OR ".join(f"{duck.quoted(column)} IS NULL" for column in columns)
            return row_rule(check, f"not_null({', '.join(columns)})", failing, columns)
        case Unique(columns=columns):
            values = ", ".join(duck.quoted(column) for column in columns)
            measured = f"count(*) - count(DISTINCT row({values}))"
            return Rule(
                check, f"unique({', '.join(columns)})", measured, f"count(*) OVER (PARTITION BY {values}) > 1", columns
            )
        case Range(column=column):
            return row_rule(check, f"range({column})", outside(check), (column,))
        case OneOf(column=column, values=allowed):
            values = ", ".join(duck.literal(value) for value in allowed)
            return row_rule(check, f"one_of({column})", f"{duck.quoted(column)} NOT IN ({values})", (column,))
        case Matches(column=column, pattern=pattern):
            failing = f"NOT regexp_full_match({duck.quoted(column)}, {duck.literal(pattern)})"
            return row_rule(check, f"matches({column})", failing, (column,))
        case RowCount():
            return Rule(check, "row_count", "count(*)", None, ())
        case Freshness():
            return Rule(check, "freshness", f"epoch_us(max({duck.quoted(source.time)}))", None, ())
    assert_never(check)


def row_rule(check: AnyCheck, name: str, failing: str, columns: tuple[str, ...]) -> Rule:
    return Rule(check, name, f"count(*) FILTER (WHERE {failing})", failing, columns)


def outside(check: Range) -> str:
    column = duck.quoted(check.column)
    bounds = [f"{column} {sign} {bound!r}" for sign, bound in (("<", check.min), (">", check.max)) if bound is not None]
    return " OR ".join(bounds) or "false"


def judge(connection: duckdb.DuckDBPyConnection, rule: Rule, value: Any, clock_us: int) -> CheckResult:
    """What the measured value means; failing rows are looked up here."""
    match rule.check:
        case RowCount(min=low, max=high):
            passed = (low is None or value >= low) and (high is None or value <= high)
            return table_result(rule, passed, f"{value:,} rows, wanted {span(low, high)}")
        case Freshness(within_us=within):
            if value is None:
                return table_result(rule, False, "there are no rows")
            age_us = clock_us - value
            old, wanted = timedelta(microseconds=age_us), timedelta(microseconds=within)
            return table_result(rule, age_us <= within, f"the newest row is {old} old, at most {wanted} wanted")
        case _ if value == 0:
            return CheckResult(rule.name, rule.check.severity, True, 0, "all rows pass")
        case _:
            return failed_rows(connection, rule)


def table_result(rule: Rule, passed: bool, detail: str) -> CheckResult:
    return CheckResult(rule.name, rule.check.severity, passed, 0, detail)


def failed_rows(connection: duckdb.DuckDBPyConnection, rule: Rule) -> CheckResult:
    values = ", ".join(f"CAST({duck.quoted(column)} AS VARCHAR)" for column in rule.columns)
    numbered = f'SELECT row_number() OVER () AS "#", {rule.failing} AS "#bad", * FROM source'
    order = f'{values}, "#"' if isinstance(rule.check, Unique) else '"#"'
    total = connection.execute(f'SELECT count(*) FROM ({numbered}) WHERE "#bad"').fetchall()[0][0]
    found = connection.execute(
        f'SELECT "#", {values} FROM ({numbered}) WHERE "#bad" ORDER BY {order} LIMIT {SHOWN}'
    ).fetchall()
    shown = "; ".join(f"row {number}: {', '.join(map(str, rest))}" for number, *rest in found)
    rows = tuple(int(number) for number, *_ in found)
    return CheckResult(rule.name, rule.check.severity, False, total, f"{total:,} rows fail: {shown}", rows)


def span(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return f"{low:,} to {high:,}"
    return f"at least {low:,}" if low is not None else f"at most {high:,}" if high is not None else "any number"


def refuse_failed(source: Source, results: Sequence[CheckResult], report: str) -> None:
    """Raises when a check of severity error failed; `report` says where all results can be read."""
    failed = [result for result in results if not result.passed and result.severity == "error"]
    if failed:
        lines = "".join(f"\n  {result.check}: {result.detail}" for result in failed)
        raise MlsystemError(
            f"source '{source.name}': {len(failed)} of {len(results)} checks failed{lines}",
            f"correct the data, or change the check's severity to warn; all results are in {report}",
        )
