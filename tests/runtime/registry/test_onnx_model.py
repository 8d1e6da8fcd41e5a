"""A model in ONNX Runtime: whatever torch answers, it answers, and nothing that is damaged gets that far."""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from learning import MODEL, Learning

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.model import Task
from mlsystem_runtime.contract.workspace import write_struct
from mlsystem_runtime.registry.artifact import LoadedModel
from mlsystem_runtime.registry.card import ONNX, RECORDED
from mlsystem_runtime.registry.onnx_export import exported
from mlsystem_runtime.registry.onnx_model import OnnxModel, options
from mlsystem_runtime.registry.onnx_names import ANSWERS, IDS, X
from mlsystem_runtime.registry.recorded import TOLERANCE, check_recorded, furthest, read_recorded
from mlsystem_runtime.train.architecture import FLOAT32_MAX, Architecture, CategoricalInput, NumericInput
from mlsystem_runtime.train.model import build
from mlsystem_runtime.train.rows import RowEncoder

OUTPUTS: dict[Task, tuple[str, ...]] = {
    "binary_classification": ("probability",), "multiclass": ("a", "b", "c"), "regression": ("value",),
}

WITHOUT_TORCH = """
import sys
from pathlib import Path
from mlsystem_runtime.registry.onnx_model import OnnxModel
from mlsystem_runtime.registry.recorded import check_recorded, read_recorded
import mlsystem_runtime.serve.loading

folder = Path(sys.argv[1])
check_recorded(read_recorded(folder), OnnxModel.load(folder, threads=1), "it")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    """Any embedding and task; sizes, scales and vocabularies that are odd."""
    numeric, categorical = draw(st.sampled_from([(0, 1), (1, 0), (1, 1), (3, 2), (5, 0), (0, 3)]))
    task: Task = draw(st.sampled_from(list(OUTPUTS)))
    knots = st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=9, unique=True)
    spread = st.sampled_from([1e-20, 0.01, 1.0, 3.7e5])
    return Architecture(
        format=1, task=task, outputs=OUTPUTS[task], dropout=0.2,
        numeric=tuple(
            NumericInput(f"n{one}", one, draw(st.floats(-1e5, 1e5)), draw(spread), tuple(sorted(draw(knots))))
            for one in range(numeric)
        ),
        categorical=tuple(
            CategoricalInput(f"c{one}", numeric + one, tuple(map(str, range(draw(st.integers(0, 5))))))
            for one in range(categorical)
        ),
        hidden=tuple(draw(st.lists(st.integers(1, 17), max_size=2))), embedding_size=draw(st.integers(1, 5)),
        numeric_embedding=draw(st.sampled_from(["periodic", "piecewise", "none"])),
        target_centre=draw(st.sampled_from([0.0, 1234.5])), target_spread=draw(st.sampled_from([1.0, 55.0])),
    )  # fmt: skip


NUMBERS = st.one_of(
    st.none(), st.floats(-100.0, 100.0), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, FLOAT32_MAX, -FLOAT32_MAX, 1e308, 1e-300]),
)  # fmt: skip
CATEGORIES = st.sampled_from([None, "0", "1", "4", "never seen"])


@settings(max_examples=40, deadline=None)
@given(data=st.data(), rows=st.sampled_from([1, 2, 7, 33]), seed=st.integers(0, 9))
def test_any_tabular_model_answers_as_in_torch(data: st.DataObject, rows: int, seed: int) -> None:
    architecture = data.draw(architectures())
    torch.manual_seed(seed)
    module = build(architecture).eval()
    for weight in module.parameters():
        weight.data += 0.1 * torch.randn_like(weight)
    values = [*(NUMBERS for _ in architecture.numeric), *(CATEGORIES for _ in architecture.categorical)]
    x_BN, ids_BC = RowEncoder(architecture)([data.draw(st.tuples(*values)) for _ in range(rows)])

    with torch.inference_mode():
        wanted = module.predict(torch.from_numpy(x_BN), torch.from_numpy(ids_BC)).numpy()
    session = onnxruntime.InferenceSession(exported(module), options(threads=1))
    (found,) = session.run([ANSWERS], {X: x_BN, IDS: ids_BC})

    unit = np.maximum(max(1.0, architecture.target_spread), np.abs(wanted))
    assert found.shape == wanted.shape
    assert (np.abs(found - wanted) / unit).max() <= TOLERANCE


@pytest.mark.parametrize(("embedding", "task"), list(product(["periodic", "piecewise", "none"], OUTPUTS)))
def test_the_same_weights_give_the_same_bytes(embedding: Any, task: Task) -> None:
    module = build(Architecture(
        format=1, task=task, outputs=OUTPUTS[task], hidden=(4,), dropout=0.0, numeric_embedding=embedding,
        numeric=(NumericInput("n", 0, 0.0, 1.0, (0.0, 1.0)),), embedding_size=3,
        categorical=(CategoricalInput("c", 1, ("a", "b")),),
    )).eval()

    assert exported(module) == exported(module)


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outputs of training and evaluation in one folder, as a version has them."""
    learning = Learning(tmp_path_factory.mktemp("workspace"))
    learning.prepare()
    folder = learning.workspace.path("made")
    folder.mkdir()
    for step in ("train", "evaluate"):
        for file in learning.output(learning.run(step)).iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
    return folder


def copied(version: Path, folder: Path) -> Path:
    for file in version.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_both_engines_answer_the_recorded_rows_as_they_were_recorded(version: Path) -> None:
    recorded = read_recorded(version)
    models = (LoadedModel.load(version), OnnxModel.load(version, threads=1))

    assert len(recorded.rows) == 130
    assert recorded.rows[-2] == (None, None, None, None)
    assert all(furthest(recorded, model) <= TOLERANCE for model in models)
    assert OnnxModel.load(version, threads=2).predict([]) == []


def test_a_model_in_onnx_runtime_needs_no_torch(version: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(version)], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stderr
    assert not {"torch", "onnx", "pandas", "sklearn", "mlflow", "safetensors"} & set(done.stdout.split())


def test_one_flipped_bit_of_the_graph_is_damage(version: Path, tmp_path: Path) -> None:
    folder = copied(version, tmp_path)
    data = bytearray((folder / ONNX).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / ONNX).write_bytes(data)

    with pytest.raises(MlsystemError, match=r"model\.onnx is damaged"):
        OnnxModel.load(folder, threads=1)


def test_a_graph_that_is_gone_is_named(version: Path, tmp_path: Path) -> None:
    (copied(version, tmp_path) / ONNX).unlink()

    with pytest.raises(MlsystemError, match=r"model\.onnx is gone"):
        OnnxModel.load(tmp_path, threads=1)


def test_a_version_from_before_there_were_graphs_says_what_to_do(version: Path, tmp_path: Path) -> None:
    for name in (ONNX, RECORDED):
        (copied(version, tmp_path) / name).unlink(missing_ok=True)
    (tmp_path / ONNX).unlink(missing_ok=True)

    with pytest.raises(MlsystemError, match=r"has no model\.onnx: an older mlsystem registered it") as error:
        OnnxModel.load(tmp_path, threads=1)
    assert "engine: torch" in (error.value.hint or "")
    check_recorded(read_recorded(tmp_path), LoadedModel.load(tmp_path), "it")


def test_what_is_no_graph_is_refused_with_what_the_runtime_says(version: Path) -> None:
    with pytest.raises(MlsystemError, match=f"ONNX Runtime cannot run model.onnx of '{MODEL}'"):
        OnnxModel(LoadedModel.load(version).card, b"not a graph", threads=1)


def test_weights_that_answer_otherwise_than_recorded_are_damage_in_any_engine(version: Path, tmp_path: Path) -> None:
    recorded = read_recorded(version)
    model = LoadedModel.load(version)
    with torch.no_grad():
        model.module.head.bias += 0.001  # type: ignore[operator, union-attr]

    with pytest.raises(MlsystemError, match=r"version 3 does not answer as it did .* off by 2\.\de-04"):
        check_recorded(recorded, model, "version 3")
    write_struct(tmp_path / RECORDED, recorded)
    assert read_recorded(tmp_path) == recorded
