"""A network of the user's own, from the file to live answers, and back to the version before."""

from __future__ import annotations

import json

import pytest
from environments import eventually, steps_run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("seattle-own-code")]

NETWORK = """
import torch
from torch import nn

from forecast.scaling import Scaled

WIDTH = 16


def build(numeric, categorical, outputs, dropout):
    return TwoLayers(Scaled(numeric), [2 + len(one.vocabulary) for one in categorical], len(outputs), dropout)


class TwoLayers(nn.Module):
    def __init__(self, scaled, sizes, outputs, dropout):
        super().__init__()
        self.scaled = scaled
        self.tables = nn.ModuleList(nn.Embedding(size, 4) for size in sizes)
        self.first = nn.LazyLinear(WIDTH)
        self.dropout = nn.Dropout(dropout)
        self.second = nn.Linear(WIDTH, outputs)

    def forward(self, x, ids):
        embedded = [table(ids[:, column]) for column, table in enumerate(self.tables)]
        hidden = torch.relu(self.first(torch.cat([self.scaled(x), *embedded], dim=1)))
        return self.second(self.dropout(hidden))
"""
SCALING = """
import torch
from torch import nn


class Scaled(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.register_buffer("centre", torch.tensor([one.centre for one in inputs]))
        self.register_buffer("spread", torch.tensor([one.spread for one in inputs]))

    def forward(self, x):
        return torch.nan_to_num((x - self.centre) / self.spread).clamp(-5, 5)
"""


@pytest.fixture
def custom(fresh):
    """The seattle example with a network of two layers in `src`, applied."""
    project = fresh("seattle")
    for name, text in (("network", NETWORK), ("scaling", SCALING)):
        path = project.folder / f"src/forecast/{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    project.edit(
        ("entities:\n", "code: {path: src}\n\nentities:\n"),
        ("  task: multiclass\n", "  task: multiclass\n  type: custom\n  entrypoint: forecast.network:build\n"),
        ("epochs: 8", "epochs: 20"),
        ("than: champion, worse_by_at_most: 0.05", "than: champion, worse_by_at_most: 5"),
    )
    project.apply()
    return project


def answers(project):
    body = json.loads((project.folder / "data/requests.json").read_text())[0]
    status, said = project.ask(body)
    assert status == 200, said
    return {name: value for name, value in said.items() if name != "request_id"}


def test_a_network_of_ones_own_is_applied_changed_and_rolled_back(custom):
    first = answers(custom)
    assert first["version"] == 1
    assert custom.empty_plan()
    server = custom.pid("server")

    source = custom.folder / "src/forecast/network.py"
    source.write_text(NETWORK.replace("WIDTH = 16", "WIDTH = 24"))
    costs = custom.costs()
    assert costs["model.main"] == "retrain"
    assert {name for name, cost in costs.items() if cost != "nothing"} == {
        "model.main", "evaluation.main", "endpoint.main"}  # fmt: skip
    assert "code" in custom.ok("plan")
    assert steps_run(custom.apply()) == ["train.main", "evaluate.main", "register.main"]
    second = answers(custom)
    assert second["version"] == 2
    assert second["predictions"][0]["probabilities"] != first["predictions"][0]["probabilities"]
    assert custom.empty_plan()
    assert custom.pid("server") == server

    custom.ok("rollback", "--to", "1")
    assert eventually(lambda: answers(custom)["version"] == 1)
    assert answers(custom) == first
    assert custom.empty_plan()

    source.write_text(NETWORK.replace("return self.second(", "return torch.log(self.missing)("))
    failed = custom.run("apply", "--port", str(custom.port))
    assert failed.returncode == 1
    line = 1 + source.read_text()[: source.read_text().index("self.missing")].count("\n")
    assert f"src/forecast/network.py:{line}: AttributeError" in failed.stdout + failed.stderr
    assert "Traceback" not in failed.stdout + failed.stderr
    assert answers(custom) == first
