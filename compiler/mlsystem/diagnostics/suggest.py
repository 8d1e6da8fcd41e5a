"""What may have been meant: the one place that guesses."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that is the fewest slips away (insert, drop, change, swap two), if that is close enough to mean it.

    Close enough: at most a third of the word's length, and at most 3. Letter case and `-`/`_` do not count.
    """
    if len(word) > 80:
        return None
    limit = min(3, max(1, len(word) // 3))
    folded = _fold(word)
    scored = [(slips(folded, _fold(one), limit), abs(len(one) - len(word)), one) for one in candidates if one != word]
    best = min(scored, default=None)
    return best[2] if best is not None and best[0] <= limit else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """The help line of a diagnostic, or None when nothing is close."""
    found = closest(word, candidates)
    return f"did you mean '{found}'?" if found is not None else None


def help_among(word: str, candidates: Iterable[str]) -> str | None:
    """A guess, else all there are (a dozen at most)."""
    names = list(candidates)
    guess = did_you_mean(word, names)
    if guess is not None or not names:
        return guess
    more = f", … ({len(names)} in all)" if len(names) > 12 else ""
    return f"one of: {', '.join(names[:12])}{more}"


def slips(first: str, second: str, limit: int) -> int:
    """The optimal string alignment distance; more than `limit` is only said to be more than `limit`."""
    if abs(len(first) - len(second)) > limit:
        return limit + 1
    before: list[int] = []
    previous = list(range(len(second) + 1))
    for row, left in enumerate(first, start=1):
        current = [row]
        for column, right in enumerate(second, start=1):
            cost = min(previous[column] + 1, current[column - 1] + 1, previous[column - 1] + (left != right))
            if row > 1 and column > 1 and left == second[column - 2] and first[row - 2] == right:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        before, previous = previous, current
    return previous[-1]


def _fold(word: str) -> str:
    return word.lower().replace("-", "_")
