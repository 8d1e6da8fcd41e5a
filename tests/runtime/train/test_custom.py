"""A network of the user's own: what its function is given, and what is said where it does not do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from learning import TWO_LAYERS, written

from mlsystem_runtime.contract.code import Code
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.train.architecture import Architecture, CategoricalInput, NumericInput
from mlsystem_runtime.train.custom import Custom, build_custom, snapshot_of

NUMERIC = NumericInput(name="trip.distance", position=0, centre=5.0, spread=2.0, knots=(1.0, 9.0))
CATEGORICAL = CategoricalInput(name="trip.carrier", position=1, vocabulary=("AA", "B6"))
ARCHITECTURE = Architecture(
    format=1, task="multiclass", outputs=("early", "late"), numeric=(NUMERIC,), categorical=(CATEGORICAL,),
    hidden=(8,), dropout=0.5, numeric_embedding="none", embedding_size=4,
)


def made(code: Code) -> Custom:
    return build_custom(ARCHITECTURE, snapshot_of(code), code.entrypoint)


def refused(folder: Path, build: str, layers: str = TWO_LAYERS) -> str:
    with pytest.raises(MlsystemError) as error:
        made(written(folder, build, layers))
    return str(error.value)


def test_takes_encoded_rows_and_predicts_as_the_built_in_network_does(tmp_path: Path) -> None:
    module = made(written(tmp_path))

    answers_BO = module.predict(torch.tensor([[1.0], [torch.nan]]), torch.tensor([[0], [3]]))

    assert answers_BO.shape == (2, 2)
    torch.testing.assert_close(answers_BO.sum(dim=1), torch.ones(2))


def test_the_function_is_given_what_it_names(tmp_path: Path) -> None:
    build = """
import torch
def build(hidden, dropout, outputs, width=3):
    assert (hidden, dropout, outputs, width) == ((8,), 0.5, ("early", "late"), 3)
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.LazyLinear(2)
        def forward(self, x, ids):
            return self.layer(torch.nan_to_num(x))
    return Net()
"""
    assert len(list(made(written(tmp_path, build)).parameters())) == 2


def test_a_function_with_keywords_of_any_name_is_given_everything(tmp_path: Path) -> None:
    build = "from .layers import TwoLayers\ndef build(**given):\n    assert given['task'] == 'multiclass'\n" \
            "    return TwoLayers(given['numeric'], given['categorical'], 2)\n"

    assert isinstance(made(written(tmp_path, build)), Custom)


def test_versions_with_different_code_do_not_mix_in_one_process(tmp_path: Path) -> None:
    old = made(written(tmp_path / "old"))
    new = made(written(tmp_path / "new", layers=TWO_LAYERS.replace("WIDTH = 16", "WIDTH = 3")))
    again = made(written(tmp_path / "old"))

    widths = [one.network.first.out_features for one in (old, new, again)]
    assert widths == [16, 3, 16]
    assert type(old.network) is type(again.network) is not type(new.network)


def test_an_import_inside_a_function_finds_the_code_of_its_own_version(tmp_path: Path) -> None:
    build = "def build(numeric, categorical, outputs):\n    import networks.layers as layers\n" \
            "    import networks\n    assert networks.layers is layers\n" \
            "    return layers.TwoLayers(numeric, categorical, len(outputs))\n"
    narrow = TWO_LAYERS.replace("WIDTH = 16", "WIDTH = 3")

    widths = [made(written(tmp_path / str(at), build, layers)).network.first.out_features
              for at, layers in enumerate((TWO_LAYERS, narrow))]

    assert widths == [16, 3]


def test_code_that_was_changed_after_the_plan_is_refused(tmp_path: Path) -> None:
    code = written(tmp_path)
    written(tmp_path, build="build = None\n")

    with pytest.raises(MlsystemError, match="is not that of the plan"):
        made(code)


@pytest.mark.parametrize(("build", "said"), [
    ("import nowhere_to_be_found\n", "importing it failed at {folder}/networks/model.py:1: ModuleNotFoundError: No"),
    ("def build(:\n", "importing it failed at {folder}/networks/model.py:1: SyntaxError"),
    ("from networks.layers import Absent\n", "cannot import name 'Absent' from 'networks.layers'"),
    ("x = 1\n", "{folder}/networks/model.py has no function 'build'"),
    ("def build():\n    x = 1\n    return x / 0\n",
     "building the network failed at {folder}/networks/model.py:3: ZeroDivisionError"),
    ("def build():\n    return 3\n", "networks.model:build returned a int, not a torch module"),
    ("def build(width):\n    return width\n", "networks.model:build asks for width"),
    ("import torch\ndef build():\n    return torch.nn.Linear(7, 2)\n", "forward failed: TypeError"),
])  # fmt: skip
def test_what_goes_wrong_in_the_code_is_told_with_its_place(tmp_path: Path, build: str, said: str) -> None:
    text = refused(tmp_path, build)

    assert said.format(folder=tmp_path) in text
    assert "mlsystem_code_" not in text


@pytest.mark.parametrize(("line", "said"), [
    ("return torch.zeros(len(x), 3)", "gave float32 of shape (2, 3), not floats of shape (2, 2)"),
    ("return torch.zeros(len(x), 2).long()", "gave int64 of shape (2, 2), not floats"),
    ("return None", "gave a NoneType, not floats"),
    ("return x @ torch.zeros(5, 2)", "forward failed at {folder}/networks/layers.py:18: RuntimeError"),
    ("return x.expand(-1, 2)", "not finite for inputs that are null"),
])  # fmt: skip
def test_a_forward_that_gives_something_else_is_refused_before_training(tmp_path: Path, line: str, said: str) -> None:
    head, _, _ = TWO_LAYERS.partition("        scaled =")

    text = refused(tmp_path, "from networks.layers import TwoLayers\ndef build(numeric, categorical):\n"
                             "    return TwoLayers(numeric, categorical, 2)\n", f"{head}        {line}\n")

    assert said.format(folder=tmp_path) in text
    assert "networks.model:build" in text


def test_the_network_of_the_guide_does_what_the_guide_says(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "guides" / "your-own-network.md"
    module = made(written(tmp_path, page.read_text().partition("```python\n")[2].partition("```")[0]))

    assert module.predict(torch.tensor([[torch.nan]]), torch.tensor([[0]])).shape == (1, 2)


def test_a_network_without_weights_is_refused(tmp_path: Path) -> None:
    build = "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x, ids):\n" \
            "        return torch.nan_to_num(x).expand(-1, 2)\ndef build():\n    return Net()\n"

    assert "no weights to learn" in refused(tmp_path, build)
