"""What an environment is, and taking it away, need no file that compiles: the last apply is remembered."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from mlsystem.apply.process import runs
from mlsystem.apply.recorded import recorded_names, recorded_of
from mlsystem.cli import destroy, logs, status
from mlsystem.cli.console import DONE, REFUSED, Console
from mlsystem.cli.main import Command
from mlsystem.errors import MlsystemError
from mlsystem.state.store import FileStore

BROKEN = "sources: [\n"


@pytest.fixture
def folder(running, monkeypatch) -> Path:
    """Where the small system is applied and up; the present folder."""
    monkeypatch.chdir(running.folder)
    return running.folder


def run(command: Command, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    return command.run(parser.parse_args(arguments), Console())


def supervisor(folder: Path) -> int:
    return int((folder / ".mlsystem/dev/supervisord.pid").read_text())


def test_status_of_a_file_that_does_not_compile_is_that_of_the_last_apply(folder, running, capsys):
    assert run(status, "-e", "dev") == DONE
    whole = capsys.readouterr()
    (folder / "mlsystem.yaml").write_text(BROKEN)

    assert run(status, "-e", "dev") == DONE
    broken = capsys.readouterr()
    assert broken.out == whole.out
    assert f"endpoint http://127.0.0.1:{running.engine.port}" in broken.out
    assert "version 1 answers 100%" in broken.out
    assert whole.err == ""
    assert broken.err == (
        "warning: mlsystem.yaml does not compile (mlsystem validate says why); this goes by the last apply to dev\n"
    )


def test_status_of_an_environment_that_is_not_declared_any_more_says_so(folder, capsys):
    spec = folder / "mlsystem.yaml"
    spec.write_text(spec.read_text().replace("\n  dev:\n", "\n  prod:\n"))

    assert run(status, "-e", "dev") == DONE
    said = capsys.readouterr()
    assert said.err == "warning: mlsystem.yaml does not declare dev any more; this goes by the last apply to dev\n"
    assert "train.main" in said.out


def test_a_file_that_is_gone_leaves_status_and_logs(folder, capsys):
    (folder / "mlsystem.yaml").unlink()

    assert run(status) == DONE
    assert run(logs, "train.main") == DONE
    said = capsys.readouterr()
    assert said.out.endswith("train.main runs\n")
    assert said.err.splitlines()[0].startswith("warning: mlsystem.yaml: No such file or directory; this goes by")


def test_destroy_takes_everything_though_the_file_does_not_compile(folder, capsys):
    pid = supervisor(folder)
    (folder / "mlsystem.yaml").write_text(BROKEN)

    assert run(destroy, "-e", "dev", "--yes") == DONE
    assert "the model registry of dev and 1 version of 1 model in it will be deleted" in capsys.readouterr().out
    assert not runs(pid, "supervisord")
    assert FileStore(folder / ".mlsystem/dev").empty


def test_destroy_asks_for_the_name_where_the_file_does_not_say_it(folder):
    (folder / "mlsystem.yaml").write_text(BROKEN)

    with pytest.raises(MlsystemError, match="which environment is meant") as caught:
        run(destroy, "--yes")
    assert caught.value.hint == "say it with -e: dev"


def test_destroy_takes_the_workspace_that_was_applied_not_the_one_that_is_written_now(folder, small, changed, compiled):
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "ledger.jsonl").touch()
    compiled(changed(small, ("environments", "dev", "workspace"), str(elsewhere)))

    assert run(destroy, "--yes") == DONE
    assert (elsewhere / "ledger.jsonl").exists()
    assert FileStore(folder / ".mlsystem/dev").empty


@pytest.mark.parametrize("name", ["staging", "../dev", "."])
def test_a_name_of_which_nothing_is_remembered_shows_what_is_wrong_with_the_file(folder, capsys, name):
    (folder / "mlsystem.yaml").write_text(BROKEN)

    assert run(destroy, "-e", name, "--yes") == REFUSED
    assert "error[MLS" in capsys.readouterr().err
    assert not FileStore(folder / ".mlsystem/dev").empty


def test_a_lost_manifest_leaves_the_workspace_that_the_server_was_told(folder, running):
    running.store.path.unlink()
    recorded = recorded_of(folder / "mlsystem.yaml", "dev", {})

    assert recorded.engine.workspace.root == running.engine.workspace.root
    assert recorded.engine.port == running.engine.port
    assert recorded.engine.config == running.engine.config


def test_where_only_the_file_knows_the_workspace_that_is_said(tmp_path):
    store = FileStore(tmp_path / ".mlsystem/dev")
    with store.lease("mlsystem apply"):
        store.journal.begin("plan", "run")

    assert recorded_names(tmp_path / "mlsystem.yaml") == ("dev",)
    with pytest.raises(MlsystemError, match="only the file says where its workspace is"):
        recorded_of(tmp_path / "mlsystem.yaml", "dev", {})
