from __future__ import annotations

from pathlib import Path

import pytest

from mlsystem_runtime.train import threads
from mlsystem_runtime.train.threads import cpu_limit, thread_count

V1 = "12:pids:/kubepods/pod1/c1\n4:cpu,cpuacct:/kubepods/pod1/c1\n0::/system.slice\n"


def put(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text + "\n")


def test_version_2_in_a_namespace_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, cpu__max="250000 100000")

    assert cpu_limit(tmp_path, "0::/\n") == 2.5


def test_version_2_takes_the_least_on_the_way_to_the_top(tmp_path: Path) -> None:
    put(tmp_path / "kubepods" / "pod1", cpu__max="150000 100000")
    put(tmp_path / "kubepods" / "pod1" / "c1", cpu__max="max 100000")
    put(tmp_path / "kubepods", cpu__max="400000 100000")

    assert cpu_limit(tmp_path, "0::/kubepods/pod1/c1\n") == 1.5


@pytest.mark.parametrize("folder", ["cpu", "cpu,cpuacct"])
def test_version_1_by_either_name_of_its_folder(tmp_path: Path, folder: str) -> None:
    put(tmp_path / folder / "kubepods" / "pod1" / "c1", cpu__cfs_quota_us="50000", cpu__cfs_period_us="100000")

    assert cpu_limit(tmp_path, V1) == 0.5


def test_version_1_where_the_path_of_the_host_lies_outside_of_what_the_container_sees(tmp_path: Path) -> None:
    put(tmp_path / "cpu,cpuacct", cpu__cfs_quota_us="300000", cpu__cfs_period_us="100000")

    assert cpu_limit(tmp_path, V1) == 3.0


def test_no_limit_is_none(tmp_path: Path) -> None:
    put(tmp_path, cpu__max="max 100000")
    put(tmp_path / "cpu", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")

    assert cpu_limit(tmp_path, V1) is None
    assert cpu_limit(tmp_path / "nothing", V1) is None
    assert cpu_limit(tmp_path, "") is None


def test_a_path_above_the_namespace_is_left_alone(tmp_path: Path) -> None:
    put(tmp_path / "mount", cpu__max="200000 100000")
    put(tmp_path / "other", cpu__max="100000 100000")

    assert cpu_limit(tmp_path / "mount", "0::/../other\n") == 2.0


@pytest.mark.parametrize(("quota", "expected"), [("50000", 1), ("190000", 1), ("100000000", None)])
def test_threads_are_whole_at_least_one_and_no_more_than_the_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, expected: int | None
) -> None:
    put(tmp_path, cpu__max=f"{quota} 100000", membership="0::/")
    monkeypatch.setattr(threads, "CGROUPS", tmp_path)
    monkeypatch.setattr(threads, "MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(6)))

    assert thread_count(None) == (expected or 6)
    assert thread_count(4) == 4
