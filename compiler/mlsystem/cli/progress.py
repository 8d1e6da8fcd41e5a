"""Progress on a terminal: the step at work with a bar, finished ones above it."""

from __future__ import annotations

from typing import assert_never

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from mlsystem.apply.events import AnyEvent, Says, StepBegins, StepEnds, StepProgresses, Waits
from mlsystem.cli.lines import end_text

MARKS = {"unchanged": ("·", "dim"), "blocked": ("✗", "red")}
DONE = ("✓", "green")


class LiveProgress:
    def __init__(self) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.fields[place]} {task.fields[step]}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[text]}", markup=False),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, transient=True)
        self._task: TaskID | None = None
        self._progress.start()

    def __call__(self, event: AnyEvent) -> None:
        match event:
            case StepBegins():
                place = f"[{event.number}/{event.total}]"
                self._task = self._progress.add_task("", total=None, place=place, step=event.step, text="")
            case StepProgresses():
                if self._task is not None:
                    self._progress.update(self._task, completed=event.done, total=event.total, text=event.text)
            case StepEnds():
                self._finish(event)
            case Says():
                self._progress.console.print(Text(event.text))
            case Waits():
                pass
            case _:
                assert_never(event)

    def _finish(self, event: StepEnds) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        mark, style = MARKS.get(event.status, DONE)
        self._progress.console.print(Text(f"{mark} {end_text(event)}", style=style))

    def close(self) -> None:
        self._progress.stop()
