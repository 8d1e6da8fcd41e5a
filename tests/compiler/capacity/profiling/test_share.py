"""Which part of a machine a measured server gets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlsystem.capacity.profiling.share import Share, divided, quota_group, share_of
from mlsystem.errors import MlsystemError

FOUR = frozenset({0, 1, 4, 5})


def test_the_server_gets_whole_processors_and_the_generator_the_others() -> None:
    assert divided(FOUR, 1.5) == (frozenset({4, 5}), frozenset({0, 1}))


def test_where_no_processor_is_left_the_generator_shares_all() -> None:
    assert divided(FOUR, 4.0) == (FOUR, FOUR)


def test_a_machine_with_fewer_processors_is_refused() -> None:
    with pytest.raises(MlsystemError, match="cpu` is 5, and this machine has 4 processors") as told:
        divided(FOUR, 5.0)
    assert "serving.profile" in str(told.value.hint)


def test_afterwards_this_process_runs_where_it_did() -> None:
    before = os.sched_getaffinity(0)

    with share_of(0.5) as share:
        during = os.sched_getaffinity(0)

    assert during == share.others
    assert os.sched_getaffinity(0) == before


def test_a_quota_of_version_2_is_written_into_a_group_below_the_own_one(tmp_path: Path) -> None:
    (tmp_path / "user" / "shell").mkdir(parents=True)

    group = quota_group(tmp_path, "0::/user/shell\n", 0.5, "measured")

    assert group == tmp_path / "user" / "shell" / "measured"
    assert (group / "cpu.max").read_text() == "50000 100000"


def test_a_quota_of_version_1_has_two_files(tmp_path: Path) -> None:
    (tmp_path / "cpu,cpuacct" / "own").mkdir(parents=True)

    group = quota_group(tmp_path, "7:memory:/own\n3:cpu,cpuacct:/own\n", 1.5, "measured")

    assert group == tmp_path / "cpu,cpuacct" / "own" / "measured"
    assert [(group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")] == ["150000", "100000"]


def test_a_path_outside_of_the_mount_is_no_place_for_a_group(tmp_path: Path) -> None:
    assert quota_group(tmp_path / "cgroup", "0::/../..\n", 1.0, "measured") is None


def test_without_control_groups_there_is_none(tmp_path: Path) -> None:
    assert quota_group(tmp_path / "absent", "0::/own\n", 1.0, "measured") is None
    assert quota_group(tmp_path, "", 1.0, "measured") is None


def test_what_is_given_is_the_quota_or_else_the_whole_processors() -> None:
    held = Share(0.5, frozenset({3}), frozenset({0}), Path("group"))
    kept = Share(0.5, frozenset({3}), frozenset({0}), None)

    assert [(one.limit, one.given) for one in (held, kept)] == [("quota", 0.5), ("affinity", 1.0)]
