"""The order of keys means nothing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mlsystem.diagnostics.report import Report
from mlsystem.source.document import Mapping, Node, Scalar, Sequence
from mlsystem.source.read import read
from mlsystem.spec.parse import parse

BASE = Path(__file__).parents[2] / "diagnostics" / "warn_random_split.yaml"
WRONG = BASE.with_name("many_mistakes_in_one_run.yaml")


def shuffled(node: Node, rng: random.Random) -> Node:
    if isinstance(node, Scalar):
        return node
    if isinstance(node, Sequence):
        return Sequence(tuple(shuffled(item, rng) for item in node.items), node.span)
    entries = list(node.entries.items())
    rng.shuffle(entries)
    return Mapping({name: entry._replace(value=shuffled(entry.value, rng)) for name, entry in entries}, node.span)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("path", [BASE, WRONG], ids=["good", "wrong"])
def test_a_file_means_the_same_in_every_order_of_its_keys(path: Path, seed: int) -> None:
    root = read(path.read_bytes(), "mlsystem.yaml", Report())
    assert root is not None
    other = shuffled(root, random.Random(seed))
    assert isinstance(other, Mapping)
    first, second = Report(), Report()

    assert parse(root, first) == parse(other, second)
    assert first.diagnostics == second.diagnostics
