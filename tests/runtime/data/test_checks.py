from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from mlsystem_runtime.contract.columns import (
    AnyCheck,
    Freshness,
    Matches,
    NotNull,
    OneOf,
    Range,
    RowCount,
    Source,
    Unique,
)
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.data.checks import refuse_failed, run_checks

DAY = 86_400_000_000
TABLE = pa.table(
    {
        "t": pa.array([0, DAY, 2 * DAY, 2 * DAY], pa.timestamp("us", "UTC")),
        "s": ["a", "b'", None, "a"],
        "x": [1.0, -5.0, None, 99.0],
    }
)
COLUMNS = {"t": "timestamp", "s": "string?", "x": "float?"}

FAILING: list[tuple[AnyCheck, int, tuple[int, ...]]] = [
    (NotNull("error", ("s", "x")), 1, (3,)),
    (Unique("error", ("s",)), 2, (1, 4)),
    (Unique("error", ("t",)), 2, (3, 4)),
    (Range("error", "x", min=0), 1, (2,)),
    (Range("error", "x", min=0, max=10), 2, (2, 4)),
    (OneOf("error", "s", ("a",)), 1, (2,)),
    (Matches("error", "s", "[a-z]"), 1, (2,)),
    (RowCount("error", min=5), 0, ()),
    (Freshness("error", DAY), 0, ()),
]
PASSING: list[AnyCheck] = [
    NotNull("error", ("t",)),
    Unique("error", ("t", "s")),
    Range("error", "x", max=99),
    Range("error", "x"),
    OneOf("error", "s", ("a", "b'")),
    Matches("error", "s", "a|b'"),
    RowCount("error", min=4, max=4),
    Freshness("error", 8 * DAY),
]


@pytest.mark.parametrize(("check", "count", "rows"), FAILING)
def test_a_failed_check_counts_and_names_its_rows(
    check: AnyCheck, count: int, rows: tuple[int, ...], make_source: Callable[..., Source]
) -> None:
    (result,) = run_checks(TABLE, make_source("rows.csv", COLUMNS), [check], clock_us=10 * DAY)

    assert (result.passed, result.failed_rows, result.rows) == (False, count, rows)


def test_nulls_pass_and_so_does_what_is_within_bounds(make_source: Callable[..., Source]) -> None:
    results = run_checks(TABLE, make_source("rows.csv", COLUMNS), PASSING, clock_us=10 * DAY)

    assert [result.check for result in results if not result.passed] == []


def test_a_repeated_key_fails_without_being_asked_for(make_source: Callable[..., Source]) -> None:
    (result,) = run_checks(TABLE, make_source("rows.csv", COLUMNS, key=("s",)), [], clock_us=0)

    assert result.check == "unique(s)"
    assert result.detail == "2 rows fail: row 1: a; row 4: a"
    with pytest.raises(MlsystemError, match=r"1 of 1 checks failed\n  unique\(s\): 2 rows fail: row 1: a"):
        refuse_failed(make_source("rows.csv", COLUMNS), [result], "checks.json")


def test_a_warning_stops_nothing(make_source: Callable[..., Source]) -> None:
    source = make_source("rows.csv", COLUMNS)

    results = run_checks(TABLE, source, [Range("warn", "x", min=0)], clock_us=0)

    refuse_failed(source, results, "checks.json")
    assert results[0].severity == "warn"
