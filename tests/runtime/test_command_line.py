from __future__ import annotations

import errno
from pathlib import Path

import pytest

from mlsystem_runtime import __main__ as command_line
from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import open_ledger
from mlsystem_runtime.contract.run import MonitorSection, OnlineStore, RunConfig, ServerSection
from mlsystem_runtime.contract.workspace import Workspace


def empty_config() -> RunConfig:
    store = OnlineStore(type="sqlite")
    return RunConfig(
        format=1, system="flights", environment="dev", clock="data", steps=(),
        server=ServerSection(clock="data", online_store=store, threads=None, endpoints=()),
        monitor=MonitorSection(clock="data", online_store=store, models=(), refreshes=(), sources=()),
    )  # fmt: skip


def test_a_contract_of_another_version_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.json").write_text('{"format": 1}')

    code = command_line.main(["monitor", "--config", str(tmp_path / "run.json"), "--workspace", str(tmp_path)])

    assert code == 1
    assert "run.json is not a contract that this version reads" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "hint"), [(errno.ENOSPC, "make room on the disk"), (errno.EACCES, "permissions")])
def test_what_the_disk_refuses_is_said_without_a_traceback(
    number: int, hint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(_: Path) -> RunConfig:
        raise OSError(number, "refused", "rows.parquet")

    monkeypatch.setattr(command_line, "read_config", refused)

    code = command_line.main(["monitor", "--config", "run.json", "--workspace", "."])

    said = capsys.readouterr().err
    assert code == 1
    assert "refused: 'rows.parquet'" in said
    assert hint in said
    assert "Traceback" not in said


@pytest.mark.parametrize("words", [["serve", "--port", "0"], ["monitor"], ["step", "train.main", "--run-id", "r"]])
def test_a_release_at_an_address_that_is_none_is_refused_before_anything_starts(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.json").write_bytes(canonical_json(empty_config()))
    where = ["--config", str(tmp_path / "run.json"), "--workspace", str(tmp_path)]

    code = command_line.main([*words, *where, "--release", "configmap://prod"])

    assert code == 1
    assert "'configmap://prod' is no place of a release" in capsys.readouterr().err


def test_a_step_that_the_contract_has_not_is_refused_by_name() -> None:
    with pytest.raises(MlsystemError, match=r"the contract has no step 'ingest\.gone'"):
        empty_config().step("ingest.gone")


def test_what_a_run_in_a_cluster_writes_down_has_commands_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(canonical_json(empty_config()))
    where = ["--config", str(tmp_path / "run.json"), "--workspace", str(tmp_path), "--run-id", "run-1"]

    codes = [
        command_line.main(["begin", *where, "--reason", "schedule"]),
        command_line.main(["end", *where, "--entrypoint", "all", "--outcome", "Succeeded", "--failures", "null"]),
        command_line.main(["propose", *where, "--model", "delay", "--reason", "schedule"]),
    ]

    assert codes == [0, 0, 0]
    events = [type(entry.body).__name__ for entry in open_ledger(Workspace(str(tmp_path))).entries()]
    assert events == ["RunStarted", "RunFinished", "ProposalOpened"]
