"""Sections of a page that together stay below a limit: each has a share, and what one leaves over others may use.

Sizes are bytes of UTF-8, the line break after each part included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple, Protocol


class Section(Protocol):
    """`share` is what it may have though others have more to say; those that come first in the order of importance
    (`rank`, 0 first) get first of what is left, and are cut last where not even the shares fit."""

    @property
    def share(self) -> int: ...
    @property
    def rank(self) -> int: ...

    def size(self) -> int:
        """Of all of it."""
        ...

    def least(self) -> int:
        """What it takes though nothing of it fits."""
        ...

    def cut(self, budget: int) -> str:
        """As much of it as fits, with a word on what does not."""
        ...


def size(text: str) -> int:
    return len(text.encode()) + 1


@dataclass(frozen=True)
class Listing:
    """`head` and `tail` stand always; of `items` the first ones that fit, then what `more` says of those that do not,
    by how many are shown."""

    items: Sequence[str]
    more: Callable[[int], str]
    share: int
    rank: int
    head: str = ""
    tail: str = ""

    def size(self) -> int:
        return size(self.head) + sum(map(size, self.items)) + size(self.tail)

    def least(self) -> int:
        return min(self.size(), size(self.head) + size(self.more(0)) + size(self.tail))

    def cut(self, budget: int) -> str:
        if self.size() <= budget:
            return self._text(self.items, "")
        room = budget - size(self.head) - size(self.tail)
        ends = list(accumulate(map(size, self.items)))
        shown = sum(end <= room for end in ends)
        while shown and ends[shown - 1] + size(self.more(shown)) > room:
            shown -= 1
        return self._text(self.items[:shown], self.more(shown))

    def _text(self, items: Iterable[str], more: str) -> str:
        return "".join(f"{part}\n" for part in (self.head, *items, more, self.tail) if part)


class Wanted(NamedTuple):
    """Bytes, and the rank of whoever wants them."""

    least: int
    share: int
    whole: int
    rank: int


def page(sections: Iterable[Section], limit: int) -> str:
    """The sections in their order, together at most `limit` bytes, an empty line between two. Where they do not fit
    however short, those that matter least are not there at all."""
    listed = [one for one in sections if one.size() > 0]
    while listed and sum(one.least() + 1 for one in listed) > limit:
        listed.remove(max(listed, key=lambda one: one.rank))
    wanted = [Wanted(one.least(), one.share, one.size(), one.rank) for one in listed]
    budgets = shares(wanted, limit - len(listed))
    return "\n".join(one.cut(budget) for one, budget in zip(listed, budgets, strict=True))


def shares(wanted: Sequence[Wanted], limit: int) -> list[int]:
    """How much each may have: all of it where all fits, else its share, and where shares do not fit either what it
    takes at least."""
    budgets = [min(one.least, one.whole) for one in wanted]
    left = limit - sum(budgets)
    ordered = sorted(range(len(wanted)), key=lambda one: (wanted[one].rank, one))
    for most in ([min(one.whole, one.share) for one in wanted], [one.whole for one in wanted]):
        for index in ordered:
            given = max(0, min(left, most[index] - budgets[index]))
            budgets[index] += given
            left -= given
    return budgets
