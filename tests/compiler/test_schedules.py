"""Periods as cron says them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clusters import EXAMPLES, STAGING

from mlsystem.compile import resolve_system
from mlsystem.diagnostics.report import Report
from mlsystem.source.schedule import is_schedule
from mlsystem.system.schedules import MINUTE_US, PERIODS, cron_period

HOUR_US = 60 * MINUTE_US


@pytest.mark.parametrize(
    ("every_us", "schedule"),
    [
        (MINUTE_US, "*/1 * * * *"), (15 * MINUTE_US, "*/15 * * * *"), (HOUR_US, "0 */1 * * *"),
        (6 * HOUR_US, "0 */6 * * *"), (24 * HOUR_US, "0 0 * * *"), (168 * HOUR_US, "0 0 * * 0"),
    ],
)  # fmt: skip
def test_a_part_of_an_hour_or_of_a_day_is_said_exactly(every_us: int, schedule: str) -> None:
    found = cron_period(every_us)

    assert found == (schedule, every_us)


@pytest.mark.parametrize(
    ("every_us", "instead_us"),
    [(7 * MINUTE_US, 6 * MINUTE_US), (45 * MINUTE_US, 30 * MINUTE_US), (5 * HOUR_US, 4 * HOUR_US),
     (48 * HOUR_US, 24 * HOUR_US), (10_000 * HOUR_US, 168 * HOUR_US)],
)  # fmt: skip
def test_what_cron_cannot_say_is_run_more_often_never_less(every_us: int, instead_us: int) -> None:
    found = cron_period(every_us)

    assert found is not None
    assert found.every_us == instead_us


def test_there_is_nothing_below_a_minute() -> None:
    assert cron_period(MINUTE_US - 1) is None


def test_every_period_is_a_schedule_and_they_ascend() -> None:
    lengths = [period.every_us for period in PERIODS]

    assert all(is_schedule(period.schedule) for period in PERIODS)
    assert lengths == sorted(set(lengths))


@pytest.mark.parametrize(
    ("every", "message"),
    [
        ("45m", "MLS504 a schedule cannot say every 45m: in a cluster it is every 30m"),
        ("30s", "MLS504 the schedules of a cluster have minutes, 30s is less than one"),
    ],
)
def test_a_period_that_a_cluster_cannot_keep_is_said(every: str, message: str, tmp_path: Path) -> None:
    text = (EXAMPLES / "flights" / "mlsystem.yaml").read_text().replace("uri: data/", "uri: s3://data/")
    text = text.replace("every: 15m", f"every: {every}", 1)
    path = tmp_path / "mlsystem.yaml"
    path.write_text(f"{text}  cluster: {json.dumps(STAGING)}\n")
    report = Report()

    system = resolve_system(path, "cluster", {}, report)

    assert [f"{one.code} {one.message}" for one in report.diagnostics if one.code == "MLS504"] == [message]
    assert (system is None) == (every == "30s")
