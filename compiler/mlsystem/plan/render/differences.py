"""How two texts differ, as a person reads it: a few lines around each change, and what is only a digest set aside."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

CONTEXT = 2
LONGEST_LINE = 200
MOST_LINES = 3000
"""Of a part that differs: comparing longer ones takes seconds, and nobody reads them in a comment."""

PLAIN = re.compile(r"[\s'\",\\_]")
DIGEST = re.compile(r"\b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,64}\b")


class Difference(NamedTuple):
    """`lines` begin with a space, `-` or `+`, or are `@@ line N @@`. Of what differs they leave out `digests` places in
    which only digests of other things do, and `again` places that say what another file has said; there are none where
    there would be too many."""

    lines: tuple[str, ...]
    added: int
    removed: int
    digests: int
    again: int


def difference(old: str, new: str, said: set[str] | None = None) -> Difference:
    """`said` is what other files have said already, and grows by what this one says."""
    said = set() if said is None else said
    before, after = old.splitlines(), new.splitlines()
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    gone, come = before[start : len(before) - end], after[start : len(after) - end]
    if max(len(gone), len(come)) > MOST_LINES:
        return Difference((), len(come), len(gone), digests=0, again=0)
    changes = [one for one in _opcodes(gone, come) if one[0] != "equal"]
    moved = [(start + a, start + b, start + c, start + d) for _, a, b, c, d in changes]
    added, removed = sum(d - c for _, _, c, d in moved), sum(b - a for a, b, _, _ in moved)
    texts = ((one, _without(before[one[0] : one[1]]), _without(after[one[2] : one[3]])) for one in moved)
    told = [(one, _plain(f"{old_text}→{new_text}")) for one, old_text, new_text in texts if old_text != new_text]
    fresh = [one for one, plain in told if plain not in said]
    said.update(plain for _, plain in told)
    lines = tuple(_hunks(before, after, fresh))
    return Difference(lines, added, removed, len(moved) - len(told), len(told) - len(fresh))


def _opcodes(gone: list[str], come: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    if not gone or not come:
        return [("replace", 0, len(gone), 0, len(come))] if gone or come else []
    return difflib.SequenceMatcher(None, gone, come, autojunk=len(gone) > 500).get_opcodes()


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many are the same from the first on."""
    return next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
                min(len(one), len(other)))  # fmt: skip


def _without(lines: Sequence[str]) -> str:
    return DIGEST.sub("#", "\n".join(lines))


def _plain(text: str) -> str:
    """The same in files that say it in another language: without quotes and white space, in small letters."""
    return PLAIN.sub("", text).lower()


def _hunks(before: Sequence[str], after: Sequence[str], moved: list[tuple[int, int, int, int]]) -> Iterator[str]:
    """Changes nearer to each other than their context stand together."""
    number = 0

    def near(at: int) -> int:
        nonlocal number
        number += at > 0 and moved[at][0] - moved[at - 1][1] > 2 * CONTEXT
        return number

    for _, group in groupby(range(len(moved)), key=near):
        hunk = [moved[at] for at in group]
        yield f"@@ line {hunk[0][2] + 1} @@"
        upto = max(0, hunk[0][0] - CONTEXT)
        for a, b, c, d in hunk:
            yield from (f" {_short(line)}" for line in before[upto:a])
            yield from (f"-{_short(line)}" for line in before[a:b])
            yield from (f"+{_short(line)}" for line in after[c:d])
            upto = b
        yield from (f" {_short(line)}" for line in before[upto : upto + CONTEXT])


def _short(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"
