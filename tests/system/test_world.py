"""The world says no: each time a message that says what to do, the old version goes on answering, and so does apply."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from environments import copied, finish, processes, steps_run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("seattle-world")]


@pytest.fixture(scope="module")
def running(start):
    """Every test leaves it as it found it."""
    return start("seattle")


def refused(project, *arguments):
    """What an apply says that does not go through; the old version answers meanwhile, the plan still has changes."""
    done = project.run("apply", *arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert project.ready()
    assert project.status()["models"][0]["shares"] == [{"version": 1, "share": 1.0}]
    return done.stdout + done.stderr


def test_a_port_in_use_is_refused_by_name_before_anything_runs(fresh):
    project = fresh("seattle")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", project.port))
        taken.listen()
        project.edit(("port: 8090", f"port: {project.port}"))
        done = project.run("apply")

    assert done.returncode == 1
    assert f"port {project.port} cannot be used" in done.stderr
    assert "environments.dev.port" in done.stderr
    assert "--port" in done.stderr
    assert not project.workspace.path("steps").exists()
    assert processes(project.folder) == {}


def after_and_back(project, change):
    """What is said when the data is changed so; then the data is as it was, and the next apply has nothing to run."""
    data = project.folder / "data/weather.csv"
    before = data.read_bytes()
    data.write_text(change(before.decode()))
    said = refused(project)
    data.write_bytes(before)
    assert steps_run(project.apply()) == []
    assert project.empty_plan()
    return said


def test_a_missing_column_is_named_with_those_that_are_there(running):
    said = after_and_back(running, lambda text: text.replace(",wind,", ",breeze,", 1))

    assert "step 'ingest.weather' failed" in said
    assert "wind" in said
    assert "breeze" in said
    assert "logs/" in said
    assert "Traceback" not in said


def test_a_value_of_the_wrong_type_is_named_with_its_line_and_column(running):
    said = after_and_back(running, lambda text: text.replace("0.0,12.8,5.0,4.7", "0.0,warm,5.0,4.7", 1))

    assert "column 'temp_max': declared float, but: row 1: 'warm'" in said
    assert "Traceback" not in said


def test_a_failed_check_names_the_rows_and_no_training_starts(running):
    trainings = list(running.folder.glob(".mlsystem/dev/logs/*/train.main.log"))
    said = after_and_back(running, lambda text: text.replace("10.9,10.6,2.8,4.5", "-10.9,10.6,2.8,4.5", 1))

    assert "range(precipitation): 1 row" in said
    assert "row 2: -10.9" in said
    assert "severity" in said
    assert "Traceback" not in said
    assert list(running.folder.glob(".mlsystem/dev/logs/*/train.main.log")) == trainings


def test_a_file_that_is_gone_is_named_with_its_key(running):
    data = running.folder / "data/weather.csv"
    data.rename(data.with_suffix(".away"))
    said = refused(running)
    data.with_suffix(".away").rename(data)

    assert "sources.weather.uri" in said
    assert steps_run(running.apply()) == []
    assert running.empty_plan()


def test_a_killed_step_and_an_interrupted_apply_each_say_so_and_the_next_apply_goes_on(seattle):
    seattle.edit(("summer: cos(", "summer: 2 * cos("))  # features, training, evaluation: time to be killed in
    with seattle.begin("apply") as apply:
        os.kill(seattle.step("train.main"), signal.SIGKILL)
        said = apply.communicate(timeout=120)[0]
    assert apply.returncode == 1
    assert "step 'train.main' was killed (signal 9" in said
    assert "go on when that is mended: mlsystem apply" in said
    assert seattle.ready()

    with seattle.begin("apply") as apply:
        seattle.step("train.main")
        apply.send_signal(signal.SIGINT)
        said = apply.communicate(timeout=120)[0]
    assert apply.returncode == 1
    assert "features.main: done before the interruption" in said
    assert "stopped during step 'train.main'" in said
    assert "Traceback" not in said
    assert not [line for line in processes(seattle.folder).values() if " step " in line]

    assert steps_run(seattle.apply()) == ["train.main", "evaluate.main", "register.main"]
    assert [one["version"] for one in seattle.status()["models"][0]["versions"]] == [2, 1]
    assert seattle.empty_plan()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"this user may not mount a file system: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path, leave: int) -> Path:
    """Leaves `leave` bytes of the file system of `folder`."""
    filler = folder / "filler"
    status = os.statvfs(folder)
    filler.write_bytes(bytes(status.f_bavail * status.f_frsize - leave))
    return filler


@pytest.fixture
def on_small_disk(template, small_disk):
    """The seattle example, applied and running, its files and all that it writes on a file system of its own."""
    project = copied(template("seattle"), small_disk / "seattle")
    try:
        project.apply()
        yield project
    finally:
        finish(project)


def test_a_full_disk_is_told_and_apply_goes_on_when_there_is_room(on_small_disk, small_disk):
    on_small_disk.edit(("accuracy, at_least: 0.5}", "accuracy, at_least: 0.49}"))
    for leave in (0, 24 * 1024):
        filler = fill(small_disk, leave)
        said = refused(on_small_disk)
        filler.unlink()
        assert "no space left on device" in said.lower(), said
        assert "mlsystem apply" in said or "run the command again" in said

    on_small_disk.apply()
    assert on_small_disk.empty_plan()
