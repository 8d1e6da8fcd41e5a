"""Explains a moment of a recorded history: an autoscaler's YAML, a CSV file of what it saw, and when."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from mlsystem.capacity.explain.autoscaler_file import read_autoscaler, unusable
from mlsystem.capacity.explain.history import History, read_history
from mlsystem.capacity.explain.moment import HINT, Clock, absolute, in_utc, offset, since_start
from mlsystem.capacity.explain.replay import replay
from mlsystem.capacity.explain.text import agreement, at, explained, noted, section
from mlsystem.errors import MlsystemError

SYNC = 15.0


def explain_recorded(moment: str, metrics: Path, autoscaler: Path) -> str:
    """Raises MlsystemError for a file that cannot be read, with its lines, or a moment that is not in it."""
    scaler = read_autoscaler(autoscaler.read_bytes(), str(autoscaler))
    text = metrics.read_bytes().decode("utf-8-sig", "replace")
    history, problems = read_history(text, scaler.columns)
    if history is None:
        raise unusable(str(metrics), problems)
    clock = in_utc if history.absolute else since_start
    replayed = replay(scaler.config, history)
    steps = [one.step for one in replayed]
    place = at(steps, moment_in(history, moment), clock)
    notes = [
        *noted(str(autoscaler), scaler.notes),
        *noted(str(metrics), problems),
        *agreement(replayed, place, clock),
        *coarse(history, clock),
    ]
    answer = explained(steps, place, scaler.columns, clock)
    return f"{answer}\n{section('to be kept in mind', notes)}\n" if notes else answer


def moment_in(history: History, text: str) -> float:
    """An offset counts from the first row where rows are moments, else it is in their own seconds."""
    if (seconds := offset(text)) is not None:
        return seconds + (history.start if history.absolute else 0.0)
    if (when := absolute(text)) is None:
        raise MlsystemError(f"'{text}' is no moment", HINT)
    if not history.absolute:
        raise MlsystemError("the history counts seconds, not moments", "say --at as an offset, such as 03:12")
    return when


def coarse(history: History, clock: Clock) -> list[str]:
    gaps = [(later.time - one.time, one) for one, later in pairwise(history.rows)]
    widest, row = max(gaps, key=lambda gap: gap[0], default=(0.0, None))
    if row is None or widest <= 2 * SYNC:
        return []
    return [f"rows stand up to {widest:g} s apart (after {clock(row.time)}), the controller decides every 15 s:"
            " what it did between two rows is not known"]  # fmt: skip
