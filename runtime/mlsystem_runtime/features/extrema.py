"""Smallest and largest values over windows, for rows that may become known late.

A window's rows are those among the first `entered` of their key, in the order in which rows enter, whose time is not
before the window's start. Where rows enter in the order of time that is one range, answered by two overlapping blocks
of 2^L rows. Otherwise a prefix is cut into at most log2(n) blocks of 2^L rows, and in each block, sorted by time, a
binary search and a running extreme from the end answer: O((rows + examples) log^2 rows), however long a history is.
"""

from __future__ import annotations

import numpy as np

from mlsystem_runtime.features.keys import Ints

NOTHING = -1


def range_best(ranks: Ints, first: Ints, end: Ints) -> Ints:
    """The greatest of `ranks[first:end]` for each pair; NOTHING where that is empty."""
    best = np.full(len(first), NOTHING)
    length = end - first
    level, blocks = 1, ranks
    while len(blocks):
        asked = np.flatnonzero((length >= level) & (length < 2 * level))
        best[asked] = np.maximum(blocks[first[asked]], blocks[end[asked] - level])
        if level > int(length.max(initial=0)):
            return best
        blocks = np.maximum(blocks[:-level], blocks[level:])
        level *= 2
    return best


def late_best(ranks: Ints, place_in_time: Ints, key_start: Ints, key_first: Ints, entered: Ints, first: Ints) -> Ints:
    """The greatest rank among the rows that have entered and are not before `first` in the order of (key, time).

    Per row, in the order of (key, entering): `ranks`, `place_in_time` (its place in the order of (key, time)) and
    `key_start` (the place of its key's first row). Per example: `key_first` (the same of its key), `entered` and
    `first` as places. Returns NOTHING where there is none.
    """
    best = np.full(len(entered), NOTHING)
    rows, prefix = len(ranks), entered - key_first
    place = np.arange(rows)
    level = 1
    while level <= int(prefix.max(initial=0)):
        block = key_start + (place - key_start) // level * level
        order = np.argsort(block * rows + place_in_time)
        sorted_pairs = (block * rows + place_in_time)[order]
        running = best_from_end(ranks[order], block)
        asked = np.flatnonzero(prefix & level)
        start = key_first[asked] + prefix[asked] // (2 * level) * (2 * level)
        at = np.searchsorted(sorted_pairs, start * rows + first[asked])
        inside = at < start + level
        best[asked[inside]] = np.maximum(best[asked[inside]], running[at[inside]])
        level *= 2
    return best


def best_from_end(ranks: Ints, block: Ints) -> Ints:
    """For each place the greatest rank from there to the end of its block; `block` never falls along the places.

    Ranks are smaller than the number of places, so that an offset can keep blocks apart.
    """
    offset = (block[-1] - block) * (len(ranks) + 1)
    best: Ints = np.maximum.accumulate((ranks + offset)[::-1])[::-1] - offset
    return best
