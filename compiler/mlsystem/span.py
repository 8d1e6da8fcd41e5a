"""Where something was written. Lines and columns count from 1; the end is exclusive."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """`file` is the name shown to people: as it was given on the command line, or beside that for included files."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def part(self, start: int, end: int) -> Span:
        """The characters `start` to `end` of a text on one line; the whole span where that cannot be told."""
        width = self.end_column - self.column
        if self.line != self.end_line or not 0 <= start <= end <= width:
            return self
        return self._replace(column=self.column + start, end_column=self.column + max(end, start + 1))

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
