"""The schema for editors says what the types say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlsystem.diagnostics.report import Report
from mlsystem.source.document import plain
from mlsystem.source.read import read
from mlsystem.spec.schema import schema, schema_text

ROOT = Path(__file__).parents[3]
VALIDATOR = jsonschema.Draft202012Validator(schema())
EXAMPLES = sorted((ROOT / "examples").glob("*/mlsystem.yaml"))
SHAPE_CODES = ("MLS101", "MLS102", "MLS103", "MLS104", "MLS105", "MLS106", "MLS107", "MLS111", "MLS112", "MLS120")
BEYOND = {
    "include_with_mistake": "the mistake is in another file",
    "override_unknown_source": "only the merged file shows that the source is new",
    "range_not_finite": "JSON has no number that is not finite",
    "variable_used_with_wrong_type": "the schema does not know the variable's type",
    "unit_share_above_all": "a pattern does not compare numbers",
}
"""What only the compiler can know."""
WRONG = [
    path
    for path in sorted((ROOT / "tests" / "diagnostics").glob("*.yaml"))
    if path.stem not in BEYOND and any(f"# E: {code}" in path.read_text(errors="replace") for code in SHAPE_CODES)
]


def problems(text: str) -> list[str]:
    root = read(text.encode(), "mlsystem.yaml", Report())
    assert root is not None
    value: Any = json.loads(json.dumps(plain(root)))
    return [f"{error.json_path}: {error.message[:100]}" for error in VALIDATOR.iter_errors(value)]


def example(**replaced: str) -> str:
    text = (ROOT / "tests" / "diagnostics" / "warn_random_split.yaml").read_text()
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text


def test_the_schema_in_the_repository_is_the_one_that_the_types_give() -> None:
    path = ROOT / "schemas" / "mlsystem.schema.json"

    assert path.read_text() == schema_text(), "run `make schema`"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_examples_are_valid(path: Path) -> None:
    assert problems(path.read_text()) == []


def test_an_override_is_valid_though_it_is_partial() -> None:
    override = """
environments:
  dev: {target: local}
  small:
    target: local
    override:
      sources: {weather: {uri: data/small.csv}}
      model: {examples: {where: distance > 100}}
      training: {parameters: {epochs: 1}}
      evaluation: {gates: []}
      monitoring: {drift: {window: 6h}}
"""

    assert problems(example() + override) == []


@pytest.mark.parametrize(
    "override",
    [
        "trainig: {seed: 1}",
        "training: {sede: 1}",
        "features: {}",
        "model: {label: {is: late}}",
        "sources: {weather: {known_at_time: []}}",
        "name: other",
        "training: {seed: x}",
    ],
)
def test_a_wrong_override_is_invalid(override: str) -> None:
    assert problems(f"{example()}environments: {{dev: {{target: local, override: {{{override}}}}}}}\n")


def test_a_variable_can_stand_for_a_number() -> None:
    assert problems(example() + "variables: {s: {type: int, default: 1}}\n" + "") == []
    assert problems(example().replace("training:\n", 'training:\n  seed: "${var:s}"\n')) == []


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_what_the_types_refuse_for_its_shape_the_schema_refuses(path: Path) -> None:
    assert problems(path.read_text())


def test_every_property_is_described() -> None:
    def undescribed(node: Any, path: str) -> list[str]:
        if isinstance(node, list):
            return [found for index, one in enumerate(node) for found in undescribed(one, f"{path}/{index}")]
        if not isinstance(node, dict):
            return []
        missing = [f"{path}/{name}" for name, one in node.get("properties", {}).items() if not one.get("description")]
        return missing + [found for name, one in node.items() for found in undescribed(one, f"{path}/{name}")]

    assert undescribed(schema(), "") == []
