"""Windows on the environment's clock: what is judged, when, and with how much of the allowance of false alarms."""

from __future__ import annotations

import msgspec
import pytest

from mlsystem_runtime.contract.columns import Column, ColumnType, Derived
from mlsystem_runtime.contract.counts import HOUR_US
from mlsystem_runtime.contract.features import FeatureContract, FeatureUse, RequestGroup
from mlsystem_runtime.contract.monitor_state import FORMAT, MonitorState
from mlsystem_runtime.monitor.windows import (
    CountFiles,
    Grids,
    calendar,
    judge_windows,
    level_of,
    prune,
    width_of,
)

DAY_US = 24 * HOUR_US
START_US = 1_388_188_800_000_000
EMPTY = MonitorState(format=FORMAT, model="main", clock_us=None, written_us=0)


def judged(scene, clock_us, state=EMPTY):
    files = list(CountFiles(scene.workspace, "main").drift().values())
    return judge_windows(scene.model, scene.model.drift, files, Grids(scene.workspace, "main"), clock_us, state)


def test_a_complete_window_without_change_is_no_drift(scene):
    for hour in range(24):
        scene.serve(40, hour)

    state = judged(scene, START_US + DAY_US).state
    assert (state.last.verdict, state.last.rows, state.last.complete) == ("no_drift", 960, True)
    assert (state.windows_judged, state.windows_drifted) == (1, 0)
    assert state.judged_until_us == START_US + DAY_US


def test_a_shifted_feature_is_named_and_the_others_are_not(scene):
    scene.serve(800, 3, shift=0.8)

    [window] = judged(scene, START_US + DAY_US).drifted
    assert [(test.column, test.test) for test in window.tests if test.verdict == "drift"] == [("past.delay", "ks")]


def test_a_column_that_goes_missing_is_drift_of_its_own_kind(scene):
    scene.serve(800, 3, nulls=0.3)

    [window] = judged(scene, START_US + DAY_US).drifted
    assert ("past.delay", "missing") in [(test.column, test.test) for test in window.tests if test.verdict == "drift"]


def test_few_rows_are_too_little_data_and_leave_the_last_verdict(scene):
    scene.serve(800, 3, shift=0.8)
    scene.serve(30, 30, shift=5.0)

    state = judged(scene, START_US + 2 * DAY_US).state
    assert state.last.start_us == START_US
    assert state.windows_judged == 1
    assert state.judged_until_us == START_US + 2 * DAY_US


def test_the_window_in_progress_is_looked_at_when_its_rows_have_doubled_and_not_between(scene):
    seen, state = [], EMPTY
    for hour in range(8):
        scene.serve(100, hour)
        state = judged(scene, START_US + hour * HOUR_US, state).state
        seen.append(state.window.looks)

    assert seen == [0, 1, 1, 2, 2, 2, 2, 3]
    assert state.window.rows == 800
    assert not state.window.complete


def test_strong_drift_is_found_before_the_window_is_over_and_told_once(scene):
    state, told = EMPTY, []
    for hour in range(24):
        scene.serve(50, hour, shift=1.5)
        found = judged(scene, START_US + (hour + 1) * HOUR_US, state)
        state = found.state
        told += [(hour, window.rows) for window in found.drifted]

    assert told == [(3, 200)]
    assert (state.last.verdict, state.last.complete) == ("drift", True)


def test_looks_and_the_closing_verdict_share_the_allowance_of_their_window(scene):
    level = level_of(scene.model.drift)

    assert level == pytest.approx(1 / 30)
    assert level / 2 + sum(level / 2 ** (look + 1) for look in range(1, 60)) == pytest.approx(level)


def test_a_window_is_whole_hours(scene):
    half_hours = msgspec.structs.replace(scene.model.drift, window_us=90 * 60_000_000)

    assert width_of(half_hours) == 2 * HOUR_US


def test_requests_that_ran_ahead_of_a_standing_clock_close_the_windows_before_them(scene):
    scene.serve(800, 3, shift=0.8)
    scene.serve(10, 26)

    state = judged(scene, START_US - DAY_US).state
    assert state.last.verdict == "drift"
    assert state.window.rows == 10


def test_a_request_from_the_far_future_ends_no_window(scene):
    scene.serve(800, 3, shift=0.8)
    scene.serve(10, 24 * 365 * 1000)

    state = judged(scene, START_US + 4 * HOUR_US).state
    assert (state.window.start_us, state.window.rows, state.judged_until_us) == (START_US, 800, None)


def test_windows_that_were_judged_are_not_judged_again(scene):
    scene.serve(800, 3, shift=0.8)
    first = judged(scene, START_US + DAY_US)

    again = judged(scene, START_US + DAY_US, first.state)
    assert again.drifted == ()
    assert again.state == first.state


def test_the_version_that_answered_most_is_judged_on_its_own_grid(scene):
    scene.write_version(2)
    scene.serve(100, 1, shift=3.0, version=1)
    scene.serve(900, 2, version=2)

    state = judged(scene, START_US + DAY_US).state
    assert (state.last.version, state.last.rows, state.last.verdict) == (2, 900, "no_drift")


def test_a_version_whose_card_is_gone_is_left_out_and_the_log_says_so(scene, caplog):
    scene.serve(900, 2, version=9)

    assert judged(scene, START_US + DAY_US).state == EMPTY
    assert "version 9" in caplog.text


def test_damaged_counts_are_left_out(scene, caplog):
    scene.serve(800, 3)
    (scene.root / "counts/main/2-2.1.json").write_text("{")

    assert judged(scene, START_US + DAY_US).state.last.rows == 800
    assert "2-2.1.json" in caplog.text


def test_only_listed_columns_are_tested(scene):
    scene.serve(800, 3, shift=0.8)
    drift = msgspec.structs.replace(scene.model.drift, features=("trip.distance",), predictions=False)
    files = list(CountFiles(scene.workspace, "main").drift().values())

    grids = Grids(scene.workspace, "main")
    state = judge_windows(scene.model, drift, files, grids, START_US + DAY_US, EMPTY).state
    assert {test.column for test in state.last.tests} == {"trip.distance"}
    assert state.last.verdict == "no_drift"


def test_counts_well_behind_the_last_judged_window_are_deleted(scene):
    for day in range(5):
        scene.serve(60, 24 * day)
    files = CountFiles(scene.workspace, "main")
    state = judged(scene, START_US + 5 * DAY_US).state
    prune(files, scene.model.drift, state)

    hours = sorted((counts.hour_us - START_US) // DAY_US for counts in files.drift().values())
    assert hours == [3, 4]


def test_without_drift_a_month_of_windows_alarms_about_as_often_as_allowed(scene):
    """One a month is allowed on average, so two months hold more than five with a probability below two percent."""
    state, alarms = EMPTY, 0
    for day in range(60):
        scene.serve(120, 24 * day)
        scene.serve(130, 24 * day + 12)
        found = judged(scene, START_US + (day + 1) * DAY_US, state)
        state, alarms = found.state, alarms + len(found.drifted)

    assert alarms <= 5


def test_features_computed_from_instants_alone_are_of_the_calendar():
    fields = (Column("departure", ColumnType.TIMESTAMP), Column("distance", ColumnType.FLOAT))
    compute = tuple(Derived(name, expression, ColumnType.INT) for name, expression in {
        "weekday": "dayofweek(departure, 'America/New_York')",
        "minute": "hour(departure) * 60 + minute(departure)",
        "mixed": "int(distance) + hour(departure)",
        "one": "1",
    }.items())
    group = RequestGroup(name="trip", fingerprint="t", fields=fields, compute=compute)
    uses = (FeatureUse("trip", "way", ("weekday", "minute", "mixed", "one"), ()),)

    assert calendar(FeatureContract(fields, (group,), uses, ())) == {"way.weekday", "way.minute"}
