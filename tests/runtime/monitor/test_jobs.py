"""Steps that the monitor runs: in order, one at a time, and gone when it goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.names import DIE_WITH_PARENT
from mlsystem_runtime.contract.run import Refresh
from mlsystem_runtime.monitor.jobs import STOPPED, Job, Jobs, Schedule, runtime_command
from mlsystem_runtime.monitor.process import Ending, Monitor

SECOND_US = 1_000_000


def until(condition, jobs=None, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        if jobs is not None:
            jobs.poll()
        time.sleep(0.01)


@pytest.fixture
def programs(scene):
    """Steps that write their name with a start and an end to a file; `fails` fails, `sleeps` sleeps."""
    trace = scene.root / "trace.txt"
    trace.touch()
    program = (
        "import sys, time, os\n"
        "step = sys.argv[1]\n"
        f"write = lambda text: open({str(trace)!r}, 'a').write(text + '\\n')\n"
        f"write('start ' + step + ' ' + str(os.environ.get({DIE_WITH_PARENT!r}) == str(os.getppid())))\n"
        "time.sleep(60 if step == 'sleeps' else 0.05)\n"
        "write('end ' + step)\n"
        "sys.exit('it is broken' if step == 'fails' else 0)\n"
    )
    return lambda step, run_id: (sys.executable, "-W", "ignore", "-c", program, step), trace


def test_steps_run_in_order_never_two_at_once_and_know_their_parent(scene, programs):
    command, trace = programs
    jobs, ended = Jobs(scene.workspace, command), []
    jobs.add(Job("refresh-1", ("a", "b"), ended.append))
    jobs.add(Job("refresh-2", ("c",), ended.append))
    until(lambda: len(ended) == 2, jobs)

    assert ended == [None, None]
    assert trace.read_text().splitlines() == [
        "start a True", "end a", "start b True", "end b", "start c True", "end c",
    ]
    assert jobs.idle


def test_a_step_that_fails_ends_its_job_with_its_last_lines_and_the_next_job_goes_on(scene, programs):
    command, trace = programs
    jobs, ended = Jobs(scene.workspace, command), []
    jobs.add(Job("refresh-1", ("fails", "a"), ended.append))
    jobs.add(Job("refresh-2", ("b",), ended.append))
    until(lambda: len(ended) == 2, jobs)

    assert ended == ["it is broken", None]
    assert "start a" not in trace.read_text()
    assert scene.workspace.path("runs", "refresh-1", "fails.log").read_text() == "it is broken\n"


def test_a_step_that_cannot_be_started_fails_its_job_and_the_next_job_goes_on(scene, programs):
    command, _ = programs
    jobs, ended = Jobs(scene.workspace, command), []
    scene.workspace.path("runs").mkdir()
    scene.workspace.path("runs", "refresh-1").write_text("in the way")
    jobs.add(Job("refresh-1", ("a",), ended.append))
    jobs.add(Job("refresh-2", ("b",), ended.append))
    until(lambda: len(ended) == 2, jobs)

    assert ended[0].startswith("step a cannot be started")
    assert ended[1] is None


def test_stopping_ends_the_step_under_way_and_tells_every_job(scene, programs):
    command, trace = programs
    jobs, ended = Jobs(scene.workspace, command), []
    jobs.add(Job("refresh-1", ("sleeps",), ended.append))
    jobs.add(Job("refresh-2", ("a",), ended.append))
    until(lambda: "start sleeps" in trace.read_text(), jobs)
    jobs.stop()

    assert ended == [STOPPED, STOPPED]
    assert "end sleeps" not in trace.read_text()


def test_a_refresh_is_due_a_period_after_it_last_ended(scene, programs):
    command, _ = programs
    jobs, now = Jobs(scene.workspace, command), time.time_ns() // 1000
    schedule = Schedule(Refresh(60 * SECOND_US, ("a",)), None, scene.workspace, now)
    assert not schedule.due(now + 59 * SECOND_US)
    assert schedule.due(now + 60 * SECOND_US)

    schedule.start(jobs, now)
    assert not schedule.due(now + 600 * SECOND_US)
    until(lambda: schedule.state.runs == 1, jobs)
    assert not schedule.due(schedule.state.finished_us + 59 * SECOND_US)
    assert schedule.due(schedule.state.finished_us + 60 * SECOND_US)


def test_a_failed_refresh_is_counted_shown_and_tried_again(scene, programs, caplog):
    command, _ = programs
    jobs = Jobs(scene.workspace, command)
    schedule = Schedule(Refresh(SECOND_US, ("fails",)), None, scene.workspace, 0)
    schedule.start(jobs, 0)
    until(lambda: schedule.state.runs == 1, jobs)

    assert (schedule.state.failures, schedule.state.failure) == (1, "it is broken")
    assert "it is broken" in caplog.text
    assert schedule.due(schedule.state.finished_us + SECOND_US)


def test_old_refreshes_leave_no_folders_and_other_runs_stay(scene, programs):
    command, _ = programs
    for number in range(30):
        scene.workspace.path("runs", f"refresh-20130101T0000{number:02}-x").mkdir(parents=True)
    scene.workspace.path("runs", "apply-1").mkdir()
    Schedule(Refresh(1, ("a",)), None, scene.workspace, 0).start(Jobs(scene.workspace, command), 0)

    names = sorted(path.name for path in scene.workspace.path("runs").iterdir())
    assert len(names) == 21
    assert names[0] == "apply-1"
    assert names[1] == "refresh-20130101T000010-x"


def test_the_command_line_is_the_engines(scene):
    command = runtime_command(scene.root / "run.json", scene.workspace)("ingest.flights", "refresh-1")

    assert command[1:5] == ("-m", "mlsystem_runtime", "step", "ingest.flights")
    assert command[5:] == (
        "--config", str(scene.root / "run.json"), "--workspace", str(scene.root), "--run-id", "refresh-1",
    )


def test_the_monitor_refreshes_and_writes_what_came_of_it(scene, programs):
    command, trace = programs
    scene.refreshes = (Refresh(1, ("a", "b")),)
    monitor = Monitor(scene.config, scene.workspace, command)
    until(lambda: monitor.work() or trace.read_text().count("end b") >= 2)
    monitor.look()
    monitor.close()

    [refresh] = scene.state().refreshes
    assert refresh.runs >= 1
    assert refresh.steps == ("a", "b")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_monitor_process_writes_its_state_and_ends_cleanly(scene, number):
    config = scene.root / "run.json"
    config.write_bytes(canonical_json(scene.config))
    where = ["--config", str(config), "--workspace", str(scene.root)]
    environ = {**os.environ, DIE_WITH_PARENT: str(os.getpid())}
    with subprocess.Popen(
        [sys.executable, "-m", "mlsystem_runtime", "monitor", *where], stderr=subprocess.PIPE, env=environ,
    ) as process:
        until(scene.workspace.path("monitor", "main.json").exists)
        process.send_signal(number)
        _, said = process.communicate(timeout=10)

    assert process.returncode == 0, said
    assert b"Traceback" not in said


HURRIED = """
import signal
from mlsystem_runtime.monitor.process import Ending
came = 0
def ask(*_):
    global came
    came += 1
    ending.ask()
ending = Ending()
signal.signal(signal.SIGALRM, ask)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
while came < 1000:
    ending.wait(0.01)
signal.setitimer(signal.ITIMER_REAL, 0)
print(ending.asked())
"""


def test_the_monitor_is_told_to_end_at_whichever_moment_of_its_waiting():
    told = subprocess.run([sys.executable, "-c", HURRIED], capture_output=True, text=True, timeout=30, check=True)

    assert told.stdout == "True\n"


def test_whoever_asks_ends_the_waiting():
    ending, started = Ending(), time.monotonic()
    ending.ask()
    ending.wait(30)

    assert ending.asked()
    assert time.monotonic() - started < 5
