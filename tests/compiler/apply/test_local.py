"""The local engine with real processes: a stand-in for the runtime, the real supervisord."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from mlsystem.apply.apply import apply_plan
from mlsystem.apply.events import StepProgresses
from mlsystem.apply.local import check_port
from mlsystem.apply.process import runs
from mlsystem.errors import MlsystemError
from mlsystem.plan.plan import save_plan
from mlsystem.state.store import FileStore
from mlsystem_runtime.contract.ledger import FileLedger, RunFinished
from mlsystem_runtime.contract.workspace import StepRecord, read_struct


@pytest.fixture
def real(project, data, small, compiled, local):
    def build(**environ):
        made = compiled(small)
        return project(data, made, local(made, **environ), FileStore(data / ".mlsystem" / "dev"))

    return build


def answered(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as response:
        return int(response.read())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(fact, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if fact():
                return True
        time.sleep(0.05)
    return False


def test_apply_ends_with_a_server_that_answers_and_destroy_with_nothing(real, data):
    one = real()
    one.apply()
    pid = answered(one.engine.port)

    assert one.plan().empty
    assert any(isinstance(event, StepProgresses) and event.text == "half" for event in one.events)
    one.engine.stop_processes(one.events.append)
    one.engine.delete_data(one.events.append)
    assert not runs(pid, "fake_runtime")
    assert not one.engine.workspace.root.exists()


def test_a_workspace_that_was_taken_away_is_made_again(real):
    one = real()
    one.apply()
    shutil.rmtree(one.engine.workspace.root)
    plan = one.plan()

    assert plan.steps == tuple(step.name for step in one.compiled.config.steps)
    one.apply(plan)
    assert one.engine.workspace.version("main", 1).is_dir()
    assert one.plan().empty


def test_an_empty_plan_takes_no_time_and_leaves_the_server_alone(real):
    one = real()
    one.apply()
    pid = answered(one.engine.port)
    started = time.monotonic()
    one.apply()

    assert time.monotonic() - started < 3
    assert answered(one.engine.port) == pid


def test_a_learning_rate_restarts_no_server_and_a_log_share_does(real, small, changed, compiled):
    one = real()
    one.apply()
    pid = answered(one.engine.port)
    one.become(compiled(changed(small, ("models", "main", "training", "seed"), "8"))).apply()

    assert answered(one.engine.port) == pid
    one.become(compiled(changed(small, ("models", "main", "serving", "log", "sample"), "20%"))).apply()
    assert answered(one.engine.port) != pid


def contract_of(pid: int) -> bytes:
    """What the process `pid` was told to read."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return Path(os.fsdecode(words[words.index(b"--config") + 1])).read_bytes()


def test_a_server_that_restarts_after_a_failed_apply_reads_what_was_applied(real, local, small, changed, compiled):
    one = real()
    one.apply()
    pid = answered(one.engine.port)
    applied = (one.engine.generated / "contract" / "run.json").read_bytes()
    other = compiled(changed(small, ("models", "main", "training", "seed"), "8"))
    failing = replace(one, compiled=other, engine=local(other, FAIL="train.main"))
    with pytest.raises(MlsystemError, match="no space left on device"):
        failing.apply()
    os.kill(pid, signal.SIGKILL)

    assert eventually(lambda: answered(one.engine.port) != pid)
    assert contract_of(answered(one.engine.port)) == applied
    mended = one.become(other)
    mended.apply()
    assert contract_of(answered(one.engine.port)) == (one.engine.generated / "contract" / "run.json").read_bytes()
    assert contract_of(answered(one.engine.port)) != applied
    assert mended.plan().empty


def test_a_damaged_manifest_says_how_to_go_on_and_that_way_keeps_models_and_server(real):
    one = real()
    one.apply()
    pid = answered(one.engine.port)
    one.store.path.write_text('{"format": 1, "ser')
    with pytest.raises(MlsystemError, match="cannot be read") as caught:
        one.plan()
    move, then, _ = caught.value.hint.partition(" && mlsystem apply -e dev")
    subprocess.run(["sh", "-c", move[move.index("mv ") :]], check=True)

    assert str(one.store.path) in caught.value.message
    assert then
    assert "models is kept" in move
    one.apply()
    assert one.plan().empty
    assert one.engine.workspace.version("main", 1).is_dir()
    assert answered(one.engine.port) == pid


def test_a_server_that_was_killed_comes_back(real):
    one = real()
    one.apply()
    pid = answered(one.engine.port)
    os.kill(pid, signal.SIGKILL)

    assert eventually(lambda: answered(one.engine.port) != pid)


def test_another_folder_for_temporary_files_does_not_hide_the_processes(real, tmp_path, monkeypatch):
    real().apply()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    one = real()

    assert one.plan().empty
    one.engine.stop_processes(one.events.append)
    assert one.engine.supervisor.socket.is_relative_to(tmp_path)


def test_no_server_outlives_a_killed_supervisor_and_apply_brings_both_back(real):
    one = real()
    one.apply()
    pid = answered(one.engine.port)
    os.kill(int(one.engine.supervisor.pid_file.read_text()), signal.SIGKILL)

    assert eventually(lambda: not runs(pid, "fake_runtime"))
    assert [change.process for change in one.plan().changes] == ["server", "monitor"]
    one.apply()
    assert answered(one.engine.port) != pid
    assert one.plan().empty


def test_a_failed_step_shows_the_end_of_its_log_and_what_to_do(real):
    one = real(FAIL="train.main")

    with pytest.raises(MlsystemError, match="no space left on device") as caught:
        one.apply()
    assert "step 'train.main' failed (exit code 1)" in caught.value.message
    assert ".mlsystem/dev/logs/" in caught.value.hint
    assert "mlsystem apply" in caught.value.hint
    finished = [entry.body for entry in FileLedger(one.engine.workspace.ledger).entries()]
    assert isinstance(finished[-1], RunFinished)
    assert finished[-1].outcome == "failed"


def test_a_server_that_does_not_start_shows_why(real):
    one = real(FAIL="server")

    with pytest.raises(MlsystemError, match="the server cannot start"):
        one.apply()


def test_a_gate_that_says_no_leaves_the_server_up_without_a_version(real):
    one = real(BLOCK="register.main")
    outcome = one.apply()

    assert [name for name, _ in outcome.blocked] == ["register.main"]
    assert answered(one.engine.port)


def test_a_port_in_use_is_told_before_any_step_runs(real):
    one = real()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", one.engine.port))
        taken.listen()
        with pytest.raises(MlsystemError, match=f"port {one.engine.port} cannot be used") as caught:
            one.apply()

    assert "environments.dev.port" in caught.value.hint
    assert "--port" in caught.value.hint
    assert not one.engine.workspace.root.exists()


def test_a_port_below_1024_is_refused_or_free():
    with contextlib.suppress(MlsystemError):
        check_port(80, "dev")


def test_a_missing_secret_is_named_before_any_step_runs(real, small):
    small["models"]["main"]["monitoring"]["alerts"] = {"to": [{"kind": "webhook", "url": "${secret:ALERT_URL}"}]}

    with pytest.raises(MlsystemError, match="ALERT_URL"):
        real().apply()


def test_a_secret_that_comes_later_reaches_the_processes_and_no_file(real, small, data):
    real().apply()
    small["models"]["main"]["monitoring"]["alerts"] = {"to": [{"kind": "webhook", "url": "${secret:ALERT_URL}"}]}
    one = real(ALERT_URL="https://alerts.invalid/token-of-ours")

    one.apply()

    pid = answered(one.engine.port)
    assert b"ALERT_URL=https://alerts.invalid/token-of-ours" in Path(f"/proc/{pid}/environ").read_bytes()
    files = [path for path in (data / ".mlsystem").rglob("*") if path.is_file()]
    assert not [path for path in files if b"token-of-ours" in path.read_bytes()]
    assert "token-of-ours" not in save_plan(one.plan())


def test_another_port_is_a_change(real):
    real().apply()
    one = real()
    one.engine.port = free_port()

    assert [change.process for change in one.plan().changes] == ["server"]
    one.apply()

    assert answered(one.engine.port)
    assert one.plan().empty


def test_data_that_changes_after_the_plan_is_not_applied(real, data):
    one = real()
    plan = one.plan()
    target = one.target
    planned = target.observe()
    (data / "data" / "flights.csv").write_text("flight_id\n2\n")

    with pytest.raises(MlsystemError, match="the data of 'flights' changed after the plan was made"):
        apply_plan(plan, replace(target, observe=lambda: planned), one.engine, one.store, one.events.append)


def begun(data: Path, hanging: str) -> subprocess.Popen[str]:
    """An apply in a process of its own, come as far as the step that hangs."""
    program = Path(__file__).with_name("apply_with_fake.py")
    environment = {**os.environ, "HANG": hanging}
    apply = subprocess.Popen([sys.executable, program, data], env=environment, stdout=subprocess.PIPE, text=True)
    journal = data / ".mlsystem" / "dev" / "journal.jsonl"
    assert eventually(lambda: hanging in journal.read_text(), 30)
    return apply


def test_a_killed_apply_leaves_no_step_behind_and_the_next_one_converges(real, data):
    one = real()
    with begun(data, "train.main") as apply:
        progress = one.store.journal.read()
        apply.kill()

    assert eventually(lambda: not runs(progress.running, "fake_runtime"))
    assert one.apply().run_id == progress.run_id
    assert one.plan().empty


def test_an_interrupt_stops_the_step_and_says_how_to_go_on(real, data):
    one = real()
    with begun(data, "features.main") as apply:
        progress = one.store.journal.read()
        apply.send_signal(signal.SIGINT)
        said = apply.communicate(timeout=30)[0]

    assert "stopped during step 'features.main'" in said
    assert "go on where it stopped: mlsystem apply" in said
    assert not runs(progress.running, "fake_runtime")


def test_a_renamed_model_keeps_its_versions_and_runs_no_training(real, small, compiled):
    one = real()
    one.apply()
    small["models"]["late"] = {**small["models"].pop("main"), "renamed_from": "main"}
    renamed = one.become(compiled(small))
    run_id = renamed.apply().run_id

    assert one.engine.workspace.version("late", 1).is_dir()
    assert json.loads(one.engine.workspace.release.read_text())["models"].keys() == {"late"}
    record = read_struct(one.engine.workspace.record(run_id, "train.late"), StepRecord)
    assert record.status == "unchanged"
    assert record.output.startswith("steps/train.late/")


def held(one, model: str) -> tuple[bool, bool, bool]:
    """Whether the workspace has a version of `model`, a release of it, and its training."""
    workspace = one.engine.workspace
    released = json.loads(workspace.release.read_text())["models"]
    return workspace.version(model, 1).is_dir(), model in released, workspace.path("steps", f"train.{model}").is_dir()


@pytest.fixture
def renamed(real, small, changed, compiled, local):
    """What is applied, and the same project with its model renamed and trained anew; its `environ` steers the steps."""
    one = real()
    one.apply()
    small = changed(small, ("models", "main", "training", "seed"), "8")
    small["models"]["late"] = {**small["models"].pop("main"), "renamed_from": "main"}
    made = compiled(small)
    return one, lambda **environ: replace(one, compiled=made, engine=local(made, **environ))


def test_after_a_rename_whose_training_fails_the_old_name_holds_everything_and_the_new_one_can_follow(renamed):
    one, other = renamed
    pid = answered(one.engine.port)
    with pytest.raises(MlsystemError, match="no space left on device"):
        other(FAIL="train.late").apply()

    assert (held(one, "main"), held(one, "late")) == ((True,) * 3, (False,) * 3)
    assert one.plan().empty
    assert answered(one.engine.port) == pid
    mended = other()
    mended.apply()
    assert (held(one, "main"), held(one, "late")) == ((False,) * 3, (True,) * 3)
    assert mended.plan().empty


def test_after_a_rename_that_was_killed_the_old_file_gets_its_names_back(renamed, data):
    one, _ = renamed
    with begun(data, "train.late") as apply:
        apply.kill()
    assert held(one, "late")[0]
    one.apply()

    assert (held(one, "main"), held(one, "late")) == ((True,) * 3, (False,) * 3)
    assert one.plan().empty
    assert answered(one.engine.port)


def test_a_removed_model_takes_its_versions_along(real, small, compiled):
    one = real()
    one.apply()
    small["models"]["late"] = small["models"].pop("main")
    plan_of = one.become(compiled(small))

    assert plan_of.plan().deletes == ("model 'main' of dev and 1 version of it will be deleted",)
    plan_of.apply()
    assert not one.engine.workspace.path("models", "main").exists()


def test_grpc_is_answered_at_the_next_port_where_a_model_wants_it(small, compiled, local):
    plain = local(compiled(small)).programs()[0].arguments
    small["models"]["main"]["serving"]["grpc"] = True
    engine = local(compiled(small))

    command = engine.programs()[0].arguments
    assert "--grpc-port" not in plain
    assert command[command.index("--grpc-port") + 1] == str(engine.port + 1)
