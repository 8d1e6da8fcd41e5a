"""Whatever the bytes are, loading them gives a spec or diagnostics, never an exception."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlsystem.diagnostics.render import render_json, render_text
from mlsystem.diagnostics.report import Report
from mlsystem.source.read import read
from mlsystem.spec.parse import load_all

WORDS = [
    "name: x", "sources:", "  a: {type: csv}", "  - b", "features: {f: {kind: latest}}", "*a", "&a 1",
    "<<: *a", "!!int 3", "---", "...", "? x", ": y", "'", "\"", "[", "]", "{", "}", "|", ">", "%YAML 1.1",
    "%TAG ! x", "\t", "# c", "${var:x}", "null", "~", "1e999", ".nan", "0x",
    "models: {main: {model: {features: [a.b, {group: 3}]}}}", "model: [", "\u2028",
    "environments: {dev: {override: {models: [1]}}}", "include: [x.yaml]",
    "variables: {x: {type: int, default: [1]}}", "environments: 3", "models: 3", "variables: [1]", "@", "`",
    "\\", "\r", "\x85", "\ufeff", "key: - x", "a: b: c",
]  # fmt: skip
KEYS = (
    "name", "sources", "features", "model", "models", "training", "evaluation", "environments", "override", "dev",
    "main", "kind", "type", "columns", "key", "examples", "label", "gates", "to", "data", "drift", "aggregate",
    "compute",
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab*.${}:", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)
GOOD = (Path(__file__).parents[2] / "diagnostics" / "many_mistakes_in_one_run.yaml").read_bytes()


def diagnose(data: bytes, folder: Path) -> Report:
    path = folder / "mlsystem.yaml"
    path.write_bytes(data)
    report = Report()
    found = load_all(path, report, {})
    assert found or report.has_errors
    render_text(report)
    render_json(report)
    return report


@given(st.binary(max_size=200))
def test_random_bytes_are_a_document_or_a_diagnostic(data: bytes) -> None:
    report = Report()

    found = read(data, "mlsystem.yaml", report)

    assert (found is None) <= report.has_errors


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(WORDS)), max_size=12))
def test_pieces_of_yaml_in_any_order_never_raise(tmp_path: Path, lines: list[tuple[int, str]]) -> None:
    diagnose("\n".join("  " * indent + word for indent, word in lines).encode(), tmp_path)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(VALUES)
def test_any_shape_of_values_never_raises(tmp_path: Path, value: object) -> None:
    everywhere = {"sources": value, "features": value, "models": value, "environments": value}
    below = {"model": value, "monitoring": value, "environments": {"dev": value}}

    diagnose(yaml.safe_dump(everywhere).encode(), tmp_path)
    diagnose(yaml.safe_dump(below).encode(), tmp_path)


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_file_never_raises(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(20):
        data = bytearray(GOOD)
        for _ in range(rng.randint(1, 8)):
            place = rng.randrange(len(data))
            match rng.randrange(3):
                case 0:
                    data[place] = rng.choice(b"[]{}:,'\"&*!|>%@`#-? \n\t\x00\xff09az$")
                case 1:
                    del data[place : place + rng.randint(1, 30)]
                case _:
                    data[place:place] = data[place - 20 : place]
        diagnose(bytes(data), tmp_path)
