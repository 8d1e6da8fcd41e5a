"""The only place that prints."""

from __future__ import annotations

import sys
from typing import Any, Protocol

from mlsystem.errors import MlsystemError

DONE, REFUSED, WRONG_USAGE, CHANGES = 0, 1, 64, 2


class Progress(Protocol):
    """Shows the events of an apply while it runs."""

    def __call__(self, event: Any) -> None: ...

    def close(self) -> None: ...


class Console:
    """Answers go to standard output; what accompanies them, to standard error."""

    @property
    def terminal(self) -> bool:
        return sys.stdout.isatty() and sys.stdin.isatty()

    @property
    def color(self) -> bool:
        return sys.stdout.isatty()

    def answer(self, text: str) -> None:
        sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        sys.stdout.flush()
        sys.stderr.write(text if text.endswith("\n") or not text else text + "\n")
        sys.stderr.flush()

    def error(self, error: MlsystemError) -> None:
        self.say(f"error: {error.message}" + (f"\n  = help: {error.hint}" if error.hint else ""))

    def confirm(self, question: str) -> bool:
        """Only `yes`, in full, is a yes."""
        sys.stdout.write(f"{question} Type 'yes' to go on: ")
        sys.stdout.flush()
        return sys.stdin.readline().strip() == "yes"

    def progress(self) -> Progress:
        """A live display on a terminal, else one line a step."""
        if self.terminal:
            from mlsystem.cli.progress import LiveProgress  # lazy: rich costs more than most commands

            return LiveProgress()
        from mlsystem.cli.lines import LineProgress

        return LineProgress(self.answer)
