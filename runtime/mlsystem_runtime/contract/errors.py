"""What the world did wrong. The user's file is reported by diagnostics, our own slips by `assert`."""

from __future__ import annotations


class MlsystemError(Exception):
    """The message says what went wrong and `hint` what to do or to run next."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  help: {self.hint}"
