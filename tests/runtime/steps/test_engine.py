"""Which engine runs a version: what it is asked before it is registered, and what another choice of engine means."""

from __future__ import annotations

from pathlib import Path

import pytest
from learning import MODEL, TWO_LAYERS, Learning, written

from mlsystem_runtime.contract.release import read_release
from mlsystem_runtime.evaluate.evaluation import Parity, engine_gate
from mlsystem_runtime.registry.card import ONNX, read_card
from mlsystem_runtime.steps import register


@pytest.fixture(autouse=True)
def untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "track", lambda *_args, **_values: None)


def test_a_gate_says_how_far_the_engines_are_apart_and_what_to_choose() -> None:
    near, far = (engine_gate(Parity(rows=130, off_by=off_by)) for off_by in (9e-6, 1.1e-5))

    assert (near.passed, near.value, near.detail) == (True, 9e-6, "off by 9e-06 on 130 recorded rows, bound 1e-05")
    assert (far.passed, far.outcome) == (False, "failed")
    assert far.detail == "off by 1.1e-05 on 130 recorded rows, bound 1e-05; choose `serving.engine: torch`"


SECOND = "        return self.second("
BRANCHES = TWO_LAYERS.replace(SECOND, f"        if x.isnan().sum() > 1:\n            scaled = scaled + 0\n{SECOND}")


def test_a_network_of_ones_own_runs_in_onnx_runtime_too(tmp_path: Path) -> None:
    learning = Learning(tmp_path / "workspace", code=written(tmp_path / "src"))

    record = learning.run_all()

    (gate,) = read_card(learning.workspace.version(MODEL, 1)).gates
    assert record.status == "done"
    assert (gate.gate, gate.passed) == ("engine_parity", True)


def test_a_network_that_has_no_onnx_form_fails_a_gate_that_says_to_choose_torch(tmp_path: Path) -> None:
    learning = Learning(tmp_path / "workspace", code=written(tmp_path / "src", layers=BRANCHES))

    record = learning.run_all()

    folder = learning.workspace.version(MODEL, 1)
    (gate,) = read_card(folder).gates
    assert record.status == "blocked"
    assert (gate.gate, gate.outcome, gate.value) == ("engine_parity", "failed", None)
    assert "the network has no ONNX form" in gate.detail
    assert gate.detail.endswith("choose `serving.engine: torch`")
    assert not (folder / ONNX).exists()


def test_with_the_other_engine_the_same_model_is_registered_again_and_answers(tmp_path: Path) -> None:
    code = written(tmp_path / "src", layers=BRANCHES)
    Learning(tmp_path / "workspace", code=code).run_all()
    learning = Learning(tmp_path / "workspace", code=code, engine="torch")

    record = learning.run_all("run-2")

    assert record.status == "done"
    assert read_card(learning.workspace.version(MODEL, 2)).gates == ()
    assert read_release(learning.workspace.release).models[MODEL].champion == 2
