"""What the state of an entity says, and for how long it goes on saying it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """The same at every instant in `since <= at < until`. `values` are in the order of the group; `causes` has that of
    each null, and is None where nothing is null."""

    values: Sequence[Any]
    causes: Sequence[str | None] | None
    since: float = -math.inf
    until: float = math.inf


def answer_of(values: Sequence[Any], cause: str, since: float = -math.inf, until: float = math.inf) -> Answer:
    """Where all nulls have one cause."""
    causes = [None if value is not None else cause for value in values] if None in values else None
    return Answer(values, causes, since, until)
