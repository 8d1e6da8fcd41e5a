"""What every example declares to Pulumi, resource by resource. `python tools/generate.py graphs` writes it again."""

from __future__ import annotations

from pathlib import Path

import pytest
from resource_graphs import account_graphs, graph_of

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
GRAPHS = Path(__file__).parent / "graphs"


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()))
def test_an_example_declares_the_resources_that_are_written_down(name: str) -> None:
    assert graph_of(EXAMPLES / name / "mlsystem.yaml") == (GRAPHS / f"{name}.txt").read_text()


def test_an_account_declares_the_resources_that_are_written_down() -> None:
    assert account_graphs() == {path.stem: path.read_text() for path in (GRAPHS / "account").glob("*.txt")}
