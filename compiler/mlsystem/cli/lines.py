"""Progress without a terminal: one readable line a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from mlsystem.apply.events import AnyEvent, Says, StepBegins, StepEnds, StepProgresses, Waits


class LineProgress:
    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._place = ""

    def __call__(self, event: AnyEvent) -> None:
        match event:
            case StepBegins():
                self._place = f"[{event.number}/{event.total}]"
            case StepEnds():
                self._write(f"{self._place} {end_text(event)}")
            case Waits():
                self._write(f"{event.what}: still at work after {event.seconds:.0f} s")
            case Says():
                self._write(event.text)
            case StepProgresses():
                pass
            case _:
                assert_never(event)

    def close(self) -> None:
        return


def end_text(event: StepEnds) -> str:
    """What became of a step."""
    if event.status == "unchanged":
        return f"{event.step}: unchanged"
    if event.status == "earlier":
        return f"{event.step}: done before the interruption"
    what = "blocked" if event.status == "blocked" else "done"
    return f"{event.step}: {what} in {event.seconds:.1f} s: {event.summary}"
