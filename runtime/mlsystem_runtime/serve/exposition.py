"""Metrics as text: Prometheus' format 0.0.4, and OpenMetrics 1.0 for whoever asks for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

PLAIN = b"text/plain; version=0.0.4; charset=utf-8"
OPEN = b"application/openmetrics-text; version=1.0.0; charset=utf-8"

Labels = tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """A counter's `name` ends with `_total`. A histogram has upper `bounds`, ascending, without infinity."""

    name: str
    help: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: Labels = ()
    bounds: tuple[float, ...] = ()


@dataclass(frozen=True)
class Sample:
    """`values` is one number; of a histogram how many fell below each bound, above the last one, and their sum."""

    labels: Labels
    values: Sequence[float]


Described = tuple[Family, Iterable[Sample]]


def text(families: Iterable[Described], openmetrics: bool = False) -> bytes:
    lines: list[str] = []
    for family, samples in families:
        lines += header(family, openmetrics)
        for sample in samples:
            lines += histogram(family, sample) if family.kind == "histogram" else [simple(family, sample)]
    lines += ["# EOF"] if openmetrics else []
    return "".join(f"{line}\n" for line in lines).encode()


def header(family: Family, openmetrics: bool) -> list[str]:
    name = family.name.removesuffix("_total") if openmetrics and family.kind == "counter" else family.name
    said = escaped(family.help) if openmetrics else family.help.replace("\\", r"\\").replace("\n", r"\n")
    return [f"# HELP {name} {said}", f"# TYPE {name} {family.kind}"]


def simple(family: Family, sample: Sample) -> str:
    return f"{family.name}{written(family.labels, sample.labels)} {number(sample.values[0])}"


def histogram(family: Family, sample: Sample) -> list[str]:
    *counts, total = sample.values
    below = accumulate(counts)
    named, bounds = (*family.labels, "le"), (*family.bounds, math.inf)
    plain = written(family.labels, sample.labels)
    return [
        *(f"{family.name}_bucket{written(named, (*sample.labels, number(bound)))} {number(count)}"
          for bound, count in zip(bounds, below, strict=True)),
        f"{family.name}_count{plain} {number(sum(counts))}",
        f"{family.name}_sum{plain} {number(total)}",
    ]


def written(names: Labels, values: Labels) -> str:
    """In the order of the names, as everybody writes them."""
    pairs = ",".join(f'{name}="{escaped(value)}"' for name, value in sorted(zip(names, values, strict=True)))
    return f"{{{pairs}}}" if pairs else ""


def escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(value: float) -> str:
    if math.isfinite(value):
        return repr(float(value))
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
