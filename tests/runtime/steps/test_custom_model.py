"""A network of the user's own through training, evaluation and registration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gangs import ended, gang
from learning import MODEL, TWO_LAYERS, Learning, dataset, written

from mlsystem_runtime.contract.code import read_code
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import MIRROR
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.registry.artifact import LoadedModel
from mlsystem_runtime.registry.versions import Registration, register_version
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

    assert float(model.module.network.norm.running_mean.abs().sum()) > 0


def test_a_version_in_a_bucket_brings_its_code_to_another_machine(
    tmp_path: Path, bucket_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learning = Learning(tmp_path / "workspace", code=written(tmp_path / "src"))
    learning.prepare()
    trained, evaluated = (learning.output(learning.run(kind)) for kind in ("train", "evaluate"))
    monkeypatch.setenv(MIRROR, str(tmp_path / "trainer"))
    registration = Registration(key="key", run_id="run-1", digest="digest", status="accepted")
    assert register_version(Workspace(bucket_uri), MODEL, trained, evaluated, (), registration) == 1

    monkeypatch.setenv(MIRROR, str(tmp_path / "server"))
    there = LoadedModel.load(Workspace(bucket_uri).fetch_version(MODEL, 1))

    assert there.predict(ROWS) == LoadedModel.load(trained).predict(ROWS)


@pytest.mark.slow
@pytest.mark.xdist_group("gangs")
def test_two_processes_train_the_network_that_one_does(tmp_path: Path) -> None:
    second = "nn.Linear(WIDTH, outputs)"
    dropping = TWO_LAYERS.replace(second, f"nn.Sequential(nn.Dropout(0.3), {second})")
    code = written(tmp_path / "src", layers=dropping)
    alone, made = (Learning(tmp_path / name, code=code) for name in ("alone", "together"))
    for one in (alone, made):
        one.prepare()
    expected = LoadedModel.load(alone.output(alone.run("train"))).predict(ROWS)
    with gang(made, 2) as processes:
        statuses, said = ended(processes)

    assert statuses == [0, 0], said
    (folder,) = made.root.glob("steps/train.*/*/code")
    np.testing.assert_allclose(LoadedModel.load(folder.parent).predict(ROWS), expected, atol=1e-3)
