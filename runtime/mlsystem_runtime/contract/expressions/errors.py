"""What is wrong with an expression, and where in its text."""

from __future__ import annotations

from collections.abc import Iterable

from mlsystem_runtime.contract.errors import MlsystemError


class ExpressionError(MlsystemError):
    """`start` and `end` are offsets into the expression's text (`end` exclusive, never before `start`)."""

    def __init__(self, message: str, start: int, end: int, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.start = start
        self.end = end


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint that names the nearest of `known`, or None where nothing is near."""
    import difflib  # weight: only a mistake needs it

    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else None
