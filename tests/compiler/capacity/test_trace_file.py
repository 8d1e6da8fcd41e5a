"""A recorded trace is read as what it says, or refused line by line."""

from __future__ import annotations

import numpy as np
import pytest

from mlsystem.capacity.trace_file import read_trace
from mlsystem.capacity.trace_rows import MOST_PROBLEMS


def rates(text: str) -> list[float]:
    trace, problems = read_trace(text)

    assert trace is not None, problems
    return [float(rate) for rate in np.round(trace.rates, 9)]


def wrong(text: str) -> list[tuple[int, str]]:
    trace, problems = read_trace(text)

    assert trace is None
    return [(problem.line, problem.message) for problem in problems]


def test_a_rate_holds_until_the_next_row_and_the_last_as_long_as_the_one_before() -> None:
    assert rates("time,rps\n0,4\n2,6\n4,1\n") == [4, 4, 6, 6, 1, 1]


def test_counts_are_spread_over_their_time() -> None:
    assert rates("time,requests\n0,10\n5,0\n10,20\n") == [2.0] * 5 + [0.0] * 5 + [4.0] * 5


def test_moments_may_be_written_with_a_zone_and_columns_in_any_order() -> None:
    text = "path,rps,time\n/a,3,2026-03-01T00:00:00Z\n/a,5,2026-03-01T01:00:02+01:00\n"

    assert rates(text) == [3, 3, 5, 5]


def test_rows_between_whole_seconds_fall_into_theirs() -> None:
    assert rates("time,requests\n0,1\n0.5,2\n1,3\n1.5,4\n") == [3.0, 7.0]


def test_empty_lines_are_skipped() -> None:
    assert rates("time,rps\n0,1\n\n1,2\n") == [1, 2]


@pytest.mark.parametrize("header", ["0,4", "second,rps", "time,rps,requests", ""])
def test_a_header_that_does_not_say_what_the_columns_are_is_refused(header: str) -> None:
    ((line, message),) = wrong(f"{header}\n0,4\n1,4\n")

    assert line == 1
    assert message.startswith("the first line should name `time` and one of `rps` and `requests`")


def test_every_wrong_row_is_told() -> None:
    text = "time,rps\n0,1\nnoon,2\n2,many\n3,-1\n4\n5,nan\n4.5,1\n"

    assert [line for line, _ in wrong(text)] == [3, 4, 5, 6, 7]


def test_times_that_go_back_or_repeat_are_refused() -> None:
    assert [line for line, _ in wrong("time,rps\n0,1\n5,1\n5,2\n3,1\n")] == [4, 5]


def test_a_moment_without_a_zone_is_refused() -> None:
    ((line, message),) = wrong("time,rps\n2026-03-01T00:00:00,1\n")

    assert (line, message) == (2, "`2026-03-01T00:00:00` is neither seconds nor a moment")


def test_one_row_says_nothing_of_its_length() -> None:
    assert wrong("time,rps\n0,1\n") == [(1, "a trace needs at least two rows; this one has 1")]


def test_a_trace_without_a_request_is_none() -> None:
    assert wrong("time,rps\n0,0\n60,0\n") == [(2, "there are no requests in the trace")]


def test_a_quote_that_nothing_closes_is_told() -> None:
    ((_, message),) = wrong('time,rps\n"0,10\n' + "60,12\n" * 30_000)

    assert message.startswith("this is no CSV: ")


def test_years_are_too_long() -> None:
    assert wrong("time,rps\n0,1\n1e9,1\n") == [(3, "the trace is longer than a year")]


def test_a_file_of_nothing_but_mistakes_tells_the_first_of_them() -> None:
    text = "time,rps\n" + "x,1\n" * 100

    assert len(wrong(text)) == MOST_PROBLEMS


def test_a_long_silence_inside_is_a_warning() -> None:
    trace, problems = read_trace("time,rps\n0,5\n60,0\n1800,300\n1860,5\n")

    assert trace is not None
    assert [(problem.line, problem.message, problem.warning) for problem in problems] == [
        (3, "for 29 minutes there are no requests", True)
    ]
