"""The train step as a whole: what it leaves behind, and that it goes on after being asked to leave."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from learning import HOUR_US, MODEL, START_US, Learning, dataset
from msgspec.structs import replace

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import PREEMPTED
from mlsystem_runtime.contract.workspace import read_struct
from mlsystem_runtime.registry.artifact import LoadedModel, read_card
from mlsystem_runtime.train.split import SplitRecord


def test_leaves_a_model_its_card_and_the_split(tmp_path: Path) -> None:
    learning = Learning(tmp_path)
    learning.prepare()

    record = learning.run("train")

    folder = learning.output(record)
    card = read_card(folder)
    split = read_struct(folder / "split.json", SplitRecord)
    assert {"model.safetensors", "model.json", "split.json"} <= {path.name for path in folder.iterdir()}
    assert (card.version, card.metrics, card.outputs) == (None, (), ("probability",))
    assert card.lineage.fit_fingerprint == learning.config().step(f"train.{MODEL}").fingerprint
    assert (split.rows.train, split.rows.late_train) == (699, 1)
    assert record.facts["epochs"] == 3
    assert f"{split.rows.removed} left out by the split" in record.summary


@pytest.mark.parametrize("task", ["binary_classification", "regression", "multiclass"])
def test_loads_again_and_answers_in_the_order_of_the_outputs(tmp_path: Path, task: str) -> None:
    learning = Learning(tmp_path, table=dataset(task=task), task=task)
    learning.prepare()

    model = LoadedModel.load(learning.output(learning.run("train")))

    rows = [[500.0, "B6", 0.9, False], [None, None, None, None], [1e308, "new", -1e308, True]]
    answers = np.array(model.predict(rows))

    assert answers.shape == (3, len(model.card.outputs))
    assert np.isfinite(answers).all()
    if task == "multiclass":
        assert model.card.outputs == ("early", "late", "on time")
        np.testing.assert_allclose(answers.sum(axis=1), 1.0, rtol=1e-5)


def test_one_row_and_a_whole_table_are_answered_alike(tmp_path: Path) -> None:
    table = dataset(200)
    learning = Learning(tmp_path, table=table)
    learning.prepare()
    model = LoadedModel.load(learning.output(learning.run("train")))
    names = [one.name for one in model.card.contract.inputs]

    together = model.predict_table(table).squeeze(1).tolist()
    alone = [model.predict([[row[name] for name in names]])[0][0] for row in table.select(names).to_pylist()]

    np.testing.assert_allclose(alone, together, rtol=1e-5, atol=1e-6)


def test_the_same_inputs_give_the_same_digest_and_another_seed_another(tmp_path: Path) -> None:
    first, again, other = Learning(tmp_path / "a"), Learning(tmp_path / "b"), Learning(tmp_path / "c", seed=8)
    for learning in (first, again, other):
        learning.prepare()

    digests = [learning.run("train").digests["model"] for learning in (first, again, other)]

    assert digests[0] == digests[1] != digests[2]


def test_training_that_diverges_names_rows_and_leaves_nothing(tmp_path: Path) -> None:
    learning = Learning(tmp_path, parameters=replace(Learning(tmp_path).parameters, learning_rate=1e30))
    learning.prepare()

    with pytest.raises(MlsystemError, match="Rows of that batch") as failure:
        learning.run("train")

    assert "learning_rate" in str(failure.value.hint)
    assert not [path for path in (tmp_path / "steps" / f"train.{MODEL}").iterdir() if not path.name.startswith(".")]


def test_examples_with_one_label_only_are_refused(tmp_path: Path) -> None:
    table = dataset(100)
    table = table.set_column(3, "__label", [np.ones(100, dtype=np.int64)])
    learning = Learning(tmp_path, table=table)
    learning.prepare()

    with pytest.raises(MlsystemError, match="all training examples have the label 1"):
        learning.run("train")


def test_labels_known_only_later_leave_no_training_rows(tmp_path: Path) -> None:
    table = dataset(100)
    table = table.set_column(2, "__known", [np.full(100, START_US + 1000 * HOUR_US)])
    learning = Learning(tmp_path, table=table)
    learning.prepare()

    with pytest.raises(MlsystemError, match="the train part of the split has no rows"):
        learning.run("train")


@pytest.mark.slow
def test_asked_to_leave_it_saves_exits_with_its_own_status_and_goes_on_to_equal_weights(tmp_path: Path) -> None:
    parameters = replace(Learning(tmp_path).parameters, epochs=30, patience=30)
    calm = Learning(tmp_path / "calm", parameters=parameters)
    hurried = Learning(tmp_path / "hurried", parameters=parameters)
    hurried.prepare()
    calm.prepare()
    calm.run("train")

    with command(hurried) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if json.loads(line)["done"] > 3)
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
    with command(hurried) as resumed:
        assert resumed.stdout is not None
        first = json.loads(resumed.stdout.readline())
        resumed.stdout.read()

    assert (process.returncode, resumed.returncode) == (PREEMPTED, 0)
    assert first["done"] > 3
    assert weights(hurried) == weights(calm)


def command(learning: Learning) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mlsystem_runtime", "step", f"train.{MODEL}", "--config", str(learning.write_config()),
         "--workspace", str(learning.root), "--run-id", "run-1"],
        stdout=subprocess.PIPE, text=True,
    )


def weights(learning: Learning) -> bytes:
    (path,) = learning.root.glob("steps/train.*/*/model.safetensors")
    return path.read_bytes()
