"""One slip anywhere in the flights example is found, and found on the line where it was made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from mlsystem.compile import compile_system
from mlsystem.diagnostics.report import Report
from mlsystem.source.document import Mapping, Node, Part, Scalar
from mlsystem.source.read import read
from mlsystem.span import Span
from mlsystem.spec.normalise import normalise
from mlsystem.spec.walk import Place, follow, step, union_models, written

FLIGHTS = Path(__file__).parents[3] / "examples" / "flights" / "mlsystem.yaml"
TEXT = FLIGHTS.read_text()

REFERENCES = (
    r"sources/\w+/(time|available)", r"sources/\w+/(known_at_time|key)/\d+",
    r"sources/\w+/checks/\d+/(column|columns/\d+)",
    r"sources/\w+/derive/\w+", r"features/\w+/(source|entity|on/\w+|columns/\d+|fields/\d+|compute/\w+)",
    r"features/\w+/aggregate/\w+/(sum|mean|min|max)", r"models/main/model/examples/(source|at|where)",
    r"models/main/model/label/(is|known)", r"models/main/model/features/\d+(/group|/lookup/\w+)?",
    r"models/main/evaluation/(metrics/\d+|slices/\d+|gates/\d+/(metric|slice))", r"models/main/serving/sticky/\d+",
)  # fmt: skip


class Mutant(NamedTuple):
    """`TEXT` with what stands at `span` replaced."""

    path: str
    span: Span
    text: str

    def source(self) -> str:
        lines = TEXT.split("\n")
        line = lines[self.span.line - 1]
        lines[self.span.line - 1] = line[: self.span.column - 1] + self.text + line[self.span.end_column - 1 :]
        return "\n".join(lines)


class Spot(NamedTuple):
    """A value of the file with its path in the document, its key if it has one, and its place in the language."""

    path: tuple[Part, ...]
    key: Span | None
    node: Node
    place: Place

    @property
    def name(self) -> str:
        return "/".join(str(part) for part in self.path)


def spots() -> Iterator[Spot]:
    root = read(TEXT.encode(), "mlsystem.yaml", Report())
    assert root is not None
    yield from below(normalise(root, Report()), (), follow(()))


def below(node: Node, path: tuple[Part, ...], place: Place) -> Iterator[Spot]:
    place = with_alternative(node, place)
    if isinstance(node, Mapping):
        children: list[tuple[Part, Span | None, Node]] = [
            (name, one.key, one.value) for name, one in node.entries.items()
        ]
    else:
        children = [] if isinstance(node, Scalar) else [(index, None, one) for index, one in enumerate(node.items)]
    for part, key, child in children:
        inner = step(place, part)
        yield Spot((*path, part), key, child, inner)
        yield from below(child, (*path, part), inner)


def with_alternative(node: Node, place: Place) -> Place:
    models = union_models(place.annotation)
    if len(models) > 1 and isinstance(node, Mapping) and isinstance(kind := node.entries["kind"].value, Scalar):
        return place._replace(annotation=models[kind.text])
    return place


def misspelt(spot: Spot) -> Mutant | None:
    """Keys of sections only: names are free."""
    if spot.key is None or spot.place.owner is None:
        return None
    key = str(spot.path[-1])
    return Mutant(spot.name, spot.key, key[:-1] + key[-1] + key[-1])


def of_wrong_type(spot: Spot) -> Mutant | None:
    one_line = spot.node.span.line == spot.node.span.end_line
    flow = isinstance(spot.node, Scalar) or TEXT.split("\n")[spot.node.span.line - 1][spot.node.span.column - 1] in "[{"
    if not one_line or not flow or spot.path == ("apiVersion",):
        return None
    return Mutant(spot.name, spot.node.span, "[[]]")


def broken_reference(spot: Spot) -> Mutant | None:
    if not isinstance(spot.node, Scalar) or not any(re.fullmatch(one, spot.name) for one in REFERENCES):
        return None
    changed = re.sub(r"^(?:\w+\()*(\w+)", r"\g<0>q", spot.node.text, count=1)
    return Mutant(spot.name, spot.node.span, changed)


def without_unit(spot: Spot) -> Mutant | None:
    quantity = written(spot.place.annotation)
    if not isinstance(spot.node, Scalar) or quantity is None or quantity.quantity is None:
        return None
    return Mutant(spot.name, spot.node.span, re.search(r"[\d.]+", spot.node.text)[0])  # type: ignore[index]


KINDS: dict[str, tuple[Callable[[Spot], Mutant | None], int]] = {
    "a key misspelt": (misspelt, 100),
    "a value of the wrong type": (of_wrong_type, 150),
    "a reference broken": (broken_reference, 80),
    "a unit dropped": (without_unit, 25),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_slip_is_found_on_its_line(kind: str, tmp_path: Path) -> None:
    mutate, least = KINDS[kind]
    mutants = [mutant for spot in spots() if (mutant := mutate(spot)) is not None]
    path = tmp_path / "mlsystem.yaml"

    missed = []
    for mutant in mutants:
        path.write_text(mutant.source())
        report = Report()
        compile_system(path, None, {}, report)
        lines = {one.span.line for one in report.diagnostics if one.severity == "error" and one.span is not None}
        if mutant.span.line not in lines:
            missed.append((mutant.path, mutant.span.line, mutant.text, sorted(lines)))

    assert missed == []
    assert len(mutants) >= least
