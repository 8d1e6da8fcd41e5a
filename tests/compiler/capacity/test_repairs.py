"""Where nothing holds, each repair is one that does."""

from __future__ import annotations

from functools import cache

import pytest
from capacity_cases import case

from mlsystem.capacity.repairs import Refusal, refusal
from mlsystem.capacity.solve import solve

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("repairs")]  # one process, where they are looked for once
TIGHT = {"availability": 0.95, "objective": 0.9}


@cache
def refused(*scaling: tuple[str, float]) -> Refusal:
    asked = case(TIGHT, **dict(scaling))
    answer = solve(asked, front=False)
    assert answer.certificate is None
    return refusal(asked, answer.search)


FEW = (("max_replicas", 2),)
LATE = (("min_replicas", 1), ("target", 0.9))


@pytest.mark.parametrize(("scaling", "first"), [
    (FEW, ("scaling.max_replicas",)),
    pytest.param((("max_cost", 75.0),), ("scaling.max_cost",), marks=pytest.mark.soak),
    ((*FEW, ("max_cost", 60.0)), ("scaling.max_replicas", "scaling.max_cost")),
    (LATE, ("scaling.target",)),
])  # fmt: skip
def test_the_first_repair_certifies(scaling: tuple[tuple[str, float], ...], first: tuple[str, ...]) -> None:
    repair = refused(*scaling).repairs[0]
    again = solve(repair.case, front=False).certificate

    assert set(first) <= {name for name, _ in repair.edits}
    assert again is not None
    assert again.cost == repair.cost


def test_every_repair_certifies_and_they_are_ordered_by_what_they_take() -> None:
    found = refused(*FEW)

    assert len(found.repairs) >= 3
    assert [(one.change, one.cost) for one in found.repairs] == sorted((one.change, one.cost) for one in found.repairs)
    assert all(solve(one.case, front=False).certificate is not None for one in found.repairs)


def test_a_rise_that_new_replicas_are_too_late_for_is_the_witness() -> None:
    found = refused(*LATE)

    assert "x in 60 s; a new replica needs 10 s" in found.witness
    assert found.promise in ("latency", "availability")


def test_a_peak_that_is_too_much_for_all_replicas_is_the_witness() -> None:
    found = refused(*FEW)

    assert "2 replicas all the time answer" in found.witness
    assert " rps, and " in found.witness
