"""A log is followed as it is written, whatever becomes of its file."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from mlsystem.apply.follow import follow
from mlsystem.errors import MlsystemError


@pytest.fixture
def log(tmp_path) -> Path:
    path = tmp_path / "server.log"
    path.write_text("one\n\ntwo\nthree\n")
    return path


@contextlib.contextmanager
def following(find: Callable[[], Path], lines: int = 2) -> Iterator[Callable[[int], list[str]]]:
    """Takes so many lines from what is followed."""
    followed = follow(find, lines)
    with contextlib.closing(followed):
        yield lambda count: list(islice(followed, count))


def write(path: Path, text: str, mode: str = "a") -> None:
    with open(path, mode) as file:
        file.write(text)


def test_the_last_lines_come_first_and_new_ones_after(log):
    with following(lambda: log) as take:
        assert take(2) == ["two", "three"]
        write(log, "four\n\nfive\n")
        assert take(3) == ["four", "", "five"]


def test_a_line_is_shown_when_it_is_whole(log):
    write(log, "fo")
    with following(lambda: log) as take:
        assert take(1) == ["three"]
        write(log, "ur\n")
        assert take(1) == ["four"]


def test_a_rotated_log_is_read_to_its_end_and_the_new_one_from_its_beginning(log):
    with following(lambda: log) as take:
        take(2)
        write(log, "four\nlast")
        log.rename(log.with_name("server.log.1"))
        write(log, "five\n")
        assert take(3) == ["four", "last", "five"]


def test_amid_a_rotation_there_may_be_no_log(log):
    found = iter([log, None, log])

    def find() -> Path:
        path = next(found, log)
        if path is None:
            raise MlsystemError("there is no log of 'server'")
        return path

    with following(find) as take:
        take(2)
        write(log, "four\n")
        assert take(1) == ["four"]
        write(log, "five\n")
        assert take(1) == ["five"]


def test_a_log_that_was_cut_off_is_read_from_its_beginning(log):
    with following(lambda: log) as take:
        take(2)
        write(log, "four\n")
        take(1)
        write(log, "anew\n", "w")
        assert take(1) == ["anew"]


def test_a_step_that_runs_again_is_followed_into_its_new_log(log, tmp_path):
    logs = [log]
    with following(lambda: logs[-1]) as take:
        take(2)
        write(tmp_path / "later.log", "again\n")
        logs.append(tmp_path / "later.log")
        assert take(1) == ["again"]


def test_a_log_that_is_not_there_is_told(tmp_path):
    def find() -> Path:
        raise MlsystemError("there is no log of 'trian.main'")

    with following(find) as take, pytest.raises(MlsystemError, match=r"no log of 'trian\.main'"):
        take(1)


def test_an_interrupt_ends_it_as_it_ends_any_command(running):
    command = [sys.executable, "-m", "mlsystem.cli.main", "logs", "train.main", "--follow"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=running.folder, text=True, **streams) as logs:
        first = logs.stdout.readline()
        write(running.engine.log_of("train.main"), "more\n")
        second = logs.stdout.readline()
        logs.send_signal(signal.SIGINT)
        rest, said = logs.communicate(timeout=30)

    assert (first, second, rest) == ("train.main runs\n", "more\n", "")
    assert (logs.returncode, said) == (1, "stopped\n")
