"""Which engine a version is loaded in: the one that is named, else the one that answers as the version's gates saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from learning import MODEL, TWO_LAYERS, Learning, written
from msgspec.structs import replace

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.registry import engines
from mlsystem_runtime.registry.artifact import LoadedModel
from mlsystem_runtime.registry.engines import open_version
from mlsystem_runtime.registry.recorded import TOLERANCE, furthest, read_recorded
from mlsystem_runtime.steps import register

SECOND = "        return self.second("
BRANCHES = TWO_LAYERS.replace(SECOND, f"        if x.isnan().sum() > 1:\n            scaled = scaled + 0\n{SECOND}")


# torch's exporter looks at the network for seconds
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("no onnx")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version that `serving.engine: torch` let answer, and that has no ONNX form."""
    root = tmp_path_factory.mktemp("torch")
    learning = Learning(root / "workspace", code=written(root / "src", layers=BRANCHES), engine="torch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(register, "track", lambda *_args, **_values: None)
        assert learning.run_all().status == "done"
    return learning.workspace.version(MODEL, 1)


def test_a_version_that_the_new_engine_cannot_run_goes_on_answering_in_torch(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorded = read_recorded(folder)

    model = open_version("onnx", folder, 1, recorded, "version 1")

    assert isinstance(model, LoadedModel)
    assert furthest(recorded, model) <= TOLERANCE
    assert "has no ONNX form" in caplog.text
    assert "torch, which is installed here, answers for it" in caplog.text


def test_a_server_without_torch_refuses_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda _: None)

    with pytest.raises(MlsystemError, match="has no ONNX form"):
        open_version("onnx", folder, 1, read_recorded(folder), "version 1")


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_a_version_that_no_engine_answers_as_recorded_is_refused(folder: Path, engine: Any) -> None:
    recorded = read_recorded(folder)
    (first, *others), *rest = recorded.answers
    assert first is not None

    with pytest.raises(MlsystemError, match="does not answer as it did"):
        open_version(engine, folder, 1, replace(recorded, answers=((first + 0.1, *others), *rest)), "version 1")
