"""Every slip of the pen in the flights example is found, and on its own line.

A closed key misspelt, a value of the wrong type, a reference broken, a unit dropped: in every place. Names that the
user is free to choose are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from mlsystem.compile import compile_system
from mlsystem.diagnostics.report import Report

EXAMPLE = Path(__file__).parents[2] / "templates/init/flights/mlsystem.yaml"
TEXT = EXAMPLE.read_text()

FREE_KEYS = re.compile(
    r"(sources|entities|features|environments|models|variables)/[^/]+"
    r"|sources/[^/]+/(columns|derive)/[^/]+|entities/[^/]+/key/[^/]+|features/[^/]+/(aggregate|compute)/[^/]+"
)
"""Paths whose last part is a name of the user's choice."""

REFERENCES = re.compile(
    r"sources/[^/]+/(time|available)|sources/[^/]+/(key|known_at_time)/\d+|sources/[^/]+/checks/\d+/(column|columns/\d+)"
    r"|sources/[^/]+/timezone|features/[^/]+/(source|entity)|features/[^/]+/on/[^/]+|features/[^/]+/(columns|fields)/\d+"
    r"|features/[^/]+/aggregate/[^/]+/(mean|sum|min|max)"
    r"|model/examples/(source|at)|model/label/(is|known)|model/features/\d+(/group|/lookup/[^/]+)?"
    r"|evaluation/slices/\d+|evaluation/gates/\d+/(metric|slice|than)|evaluation/metrics/\d+|serving/sticky/\d+"
)
"""Paths whose value names something that stands elsewhere, or one of a closed set."""

QUANTITY = re.compile(r"\d+(\.\d+)?(us|ms|s|m|h|d|w|%|/month)")


@dataclass(frozen=True)
class Mutant:
    """The example with one thing wrong; `lines` is where a diagnostic may stand (a value may span several)."""

    name: str
    text: str
    lines: range


def mutants() -> Iterator[Mutant]:
    root = yaml.compose(TEXT, Loader=yaml.CSafeLoader)
    for path, key, value in walk(root, ()):
        joined = "/".join(path)
        if key is not None and not FREE_KEYS.fullmatch(joined):
            yield mutant(f"misspelt key {joined}", key, misspelt(key.value))
        if isinstance(value, yaml.ScalarNode):
            yield from scalar_mutants(joined, value)
        elif path:
            yield mutant(f"number for {joined}", value, "7", key)


def scalar_mutants(joined: str, value: yaml.ScalarNode) -> Iterator[Mutant]:
    yield mutant(f"map for {joined}", value, "{wrong: kind}")
    if REFERENCES.fullmatch(joined):
        yield mutant(f"broken reference {joined}", value, broken(value.value))
    if QUANTITY.fullmatch(value.value):
        number = re.match(r"[\d.]+", value.value)
        assert number is not None
        yield mutant(f"no unit for {joined}", value, number[0])


def walk(
    node: yaml.Node, path: tuple[str, ...], key: yaml.ScalarNode | None = None
) -> Iterator[tuple[tuple[str, ...], yaml.ScalarNode | None, yaml.Node]]:
    yield path, key, node
    if isinstance(node, yaml.MappingNode):
        for below_key, below in node.value:
            yield from walk(below, (*path, below_key.value), below_key)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from walk(item, (*path, str(index)))


def mutant(name: str, node: yaml.Node, replacement: str, key: yaml.Node | None = None) -> Mutant:
    """Also on the line of `key`, where a value in a block begins on the next one."""
    start, end = node.start_mark.index, node.end_mark.index
    written = TEXT[start:end]
    tail = written[len(written.rstrip()) :]
    first = TEXT.count("\n", 0, start) + 1
    return Mutant(
        name,
        TEXT[:start] + replacement + tail + TEXT[end:],
        range(first if key is None else key.start_mark.line + 1, first + 1),
    )


def misspelt(key: str) -> str:
    """Two letters swapped where that changes something, else one letter too many."""
    swapped = key[0] + key[2] + key[1] + key[3:] if len(key) > 3 else key
    return swapped if swapped != key else key + "x"


def broken(reference: str) -> str:
    return reference.replace(".", "zz.") if "." in reference else reference + "zz"


ALL = list(mutants())


def test_there_are_many_mutants() -> None:
    kinds = {one.name.split()[0] for one in ALL}

    assert kinds == {"misspelt", "map", "number", "broken", "no"}
    assert len(ALL) > 400


@pytest.mark.parametrize("chunk", range(8))
def test_every_mutant_is_found_on_its_line(chunk: int, tmp_path: Path) -> None:
    missed = [one for one in ALL[chunk::8] if not found(one, tmp_path / "mlsystem.yaml")]

    assert [(one.name, one.lines.start) for one in missed] == []


def found(one: Mutant, path: Path) -> bool:
    path.write_text(one.text)
    report = Report()
    compiled = compile_system(path, None, {}, report)
    lines = {diagnostic.span.line for diagnostic in report.diagnostics if diagnostic.span}
    return compiled is None and not lines.isdisjoint(one.lines)
