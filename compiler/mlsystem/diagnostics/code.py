"""What is told of a code."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """`wrong` and `right` are pieces of YAML: the mistake, and how it is written instead."""

    title: str
    explanation: str
    wrong: str
    right: str
