"""A network of the user's own through training, evaluation and registration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from learning import MODEL, TWO_LAYERS, Learning, dataset, written

from mlsystem_runtime.contract.code import read_code
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.registry.artifact import LoadedModel
from mlsystem_runtime.steps import register

NARROW = TWO_LAYERS.replace("WIDTH = 16", "WIDTH = 3")
ROWS = [[500.0, "B6", 0.9, False], [None, None, None, None], [1e308, "new", -1e308, True]]


@pytest.fixture(autouse=True)
def untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "track", lambda *_args, **_values: None)


@pytest.mark.parametrize("task", ["binary_classification", "regression", "multiclass"])
def test_a_network_of_the_users_own_learns_and_answers(tmp_path: Path, task: str) -> None:
    learning = Learning(tmp_path / "workspace", table=dataset(task=task), task=task, code=written(tmp_path / "src"))
    learning.prepare()

    record = learning.run("train")

    model = LoadedModel.load(learning.output(record))
    assert (model.card.type, model.card.code) == ("custom", learning.code)
    assert np.isfinite(model.predict(ROWS)).all()
    assert record.facts["best_epoch"] >= 1


def test_each_version_answers_with_the_code_that_it_was_trained_with(tmp_path: Path) -> None:
    source = tmp_path / "src"
    learning = Learning(tmp_path / "workspace", code=written(source))
    learning.run_all("run-1")
    before = LoadedModel.load(learning.workspace.version(MODEL, 1)).predict(ROWS)
    learning.code = written(source, layers=NARROW)
    learning.run_all("run-2")

    first, second = (LoadedModel.load(learning.workspace.version(MODEL, number)) for number in (1, 2))

    assert first.predict(ROWS) == before != second.predict(ROWS)
    assert read_code(learning.workspace.version(MODEL, 1) / "code")["networks/layers.py"] == TWO_LAYERS
    assert read_code(learning.workspace.version(MODEL, 2) / "code")["networks/layers.py"] == NARROW


def test_the_champion_is_compared_by_the_code_of_its_own(tmp_path: Path) -> None:
    learning = Learning(tmp_path / "workspace", code=written(tmp_path / "src"))
    learning.run_all("run-1")
    learning.code = written(tmp_path / "src", layers=NARROW)
    learning.run_all("run-2")

    text = (learning.workspace.version(MODEL, 2) / "evaluation.json").read_text()

    assert '"version": 1' in text
    assert '"reason": null' in text


def test_another_line_of_code_is_another_model_and_the_same_code_the_same(tmp_path: Path) -> None:
    silent = TWO_LAYERS + "\n# a remark\n"
    digests = []
    for at, layers in enumerate((TWO_LAYERS, TWO_LAYERS, silent)):
        learning = Learning(tmp_path / str(at), code=written(tmp_path / f"src-{at}", layers=layers))
        learning.prepare()
        digests.append(learning.run("train").digests["model"])

    assert digests[0] == digests[1] != digests[2]


def test_a_damaged_snapshot_does_not_answer(tmp_path: Path) -> None:
    learning = Learning(tmp_path / "workspace", code=written(tmp_path / "src"))
    learning.prepare()
    folder = learning.output(learning.run("train"))
    (folder / "code" / "networks" / "layers.py").write_text(NARROW)

    with pytest.raises(MlsystemError, match="is not the code of this model"):
        LoadedModel.load(folder)


def test_what_cannot_be_learned_is_a_failed_step_that_names_the_entrypoint(tmp_path: Path) -> None:
    frozen = TWO_LAYERS.replace("scaled, *embedded", "scaled.detach(), *embedded").replace(
        "return self.second(", "return self.second.requires_grad_(False)(").replace(
        "self.first(", "self.first.requires_grad_(False)(").replace("table(ids", "table.requires_grad_(False)(ids")
    learning = Learning(tmp_path / "workspace", code=written(tmp_path / "src", layers=frozen))
    learning.prepare()

    with pytest.raises(MlsystemError, match=r"networks\.model:build: "):
        learning.run("train")


def test_batch_normalisation_counts_and_two_names_of_one_tensor_are_kept(tmp_path: Path) -> None:
    counted = TWO_LAYERS.replace(
        "self.first = nn.Linear", "self.norm = nn.BatchNorm1d(WIDTH)\n        self.first = nn.Linear"
    ).replace("torch.relu(self.first(torch.cat([scaled, *embedded], dim=1)))",
              "self.norm(self.first(torch.cat([scaled, *embedded], dim=1)))"
    ).replace("        self.second =", "        self.alias = self.first\n        self.second =")  # fmt: skip
    learning = Learning(tmp_path / "workspace", code=written(tmp_path / "src", layers=counted))
    learning.prepare()

    model = LoadedModel.load(learning.output(learning.run("train")))

    assert float(model._module.network.norm.running_mean.abs().sum()) > 0
