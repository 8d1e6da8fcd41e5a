"""Recorded traffic is a file that can be read as such: what is wrong in it is said where the spec names it."""

from __future__ import annotations

from pathlib import Path as File
from typing import TYPE_CHECKING

from mlsystem.passes.code import inside
from mlsystem.passes.draft import Path, Problems

if TYPE_CHECKING:
    from mlsystem.capacity.trace_rows import Problem

MOST_BYTES = 2**20
"""So much of a file is looked at here, some fifty thousand rows in a tenth of a second: whoever simulates reads all."""


def check_trace(written: str, path: Path, problems: Problems) -> None:
    from mlsystem.capacity.trace_rows import read_rows  # weight: few files name a trace

    found = inside(problems.loaded.root, written)
    if found is None or not found.is_file():
        what = "lies outside the folder of the file" if found is None else "is not a file"
        problems.error("MLS217", f"the trace '{written}' {what}", path,
                       "name a CSV file below the folder of this one, or leave it out")  # fmt: skip
        return
    for problem in read_rows(beginning(found)).problems:
        say(problem, written, path, problems)


def say(problem: Problem, written: str, path: Path, problems: Problems) -> None:
    tell = problems.warning if problem.warning else problems.error
    tell("MLS218", f"line {problem.line} of '{written}': {problem.message}", path, problem.help)


def beginning(file: File) -> str:
    """Whole lines of it. What is not UTF-8 is no number either, and said with its line."""
    with file.open("rb") as stream:
        data = stream.read(MOST_BYTES)
        whole = not stream.read(1)
    text = data.decode("utf-8-sig", "replace")
    return text if whole else text[: text.rfind("\n") + 1]
