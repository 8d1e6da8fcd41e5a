"""A guess is made only where it is close."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsystem.diagnostics.suggest import closest, did_you_mean, help_among, slips


@pytest.mark.parametrize(
    ("word", "candidates", "guess"),
    [
        ("wether", ["flights", "weather"], "weather"), ("scalling", ["scaling", "serving"], "scaling"),
        ("trianing", ["training"], "training"), ("known-at-time", ["known_at_time"], "known_at_time"),
        ("Metrics", ["metrics"], "metrics"), ("kid", ["kind"], "kind"), ("x", ["y"], "y"),
        ("zebra", ["training"], None), ("a" * 100, ["a" * 99], None),
        ("same", ["same"], None), ("", ["abc"], None), ("abc", [], None),
    ],
)  # fmt: skip
def test_the_closest_candidate_is_meant_if_it_is_close(word: str, candidates: list[str], guess: str | None) -> None:
    assert closest(word, candidates) == guess


def test_of_two_equally_close_the_same_one_is_always_meant() -> None:
    assert closest("cat", ["car", "can"]) == closest("cat", ["can", "car"]) == "can"


def test_the_help_lists_what_there_is_when_nothing_is_close() -> None:
    assert did_you_mean("zebra", ["apple", "pear"]) is None
    assert help_among("zebra", ["apple", "pear"]) == "one of: apple, pear"
    assert help_among("zebra", []) is None
    assert str(help_among("zebra", [f"apple{n}" for n in range(20)])).endswith("(20 in all)")


@given(st.text("abc", max_size=8), st.text("abc", max_size=8))
def test_slips_is_a_symmetric_distance(first: str, second: str) -> None:
    assert slips(first, second, 8) == slips(second, first, 8)
    assert (slips(first, second, 8) == 0) == (first == second)
