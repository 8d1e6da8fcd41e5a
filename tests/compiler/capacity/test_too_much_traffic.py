"""A peak that is too much for all replicas that there may be, as in the flights example: 1.55 ms for a request, 30 s
for a new replica, ten replicas."""

from __future__ import annotations

from functools import cache

import pytest
from capacity_cases import INPUTS, WANTED
from msgspec import structs

from mlsystem.capacity.inputs import Demand, Speed
from mlsystem.capacity.repairs import Repair, limits, refusal
from mlsystem.capacity.search import Search
from mlsystem.capacity.simulation.setting import Routing
from mlsystem.capacity.solve import Answer, Case, solve
from mlsystem.capacity.witness import nearest, witness
from mlsystem_runtime.contract.run import Slo

pytestmark = pytest.mark.xdist_group("too much traffic")  # one process: what is found is kept
FLIGHTS = structs.replace(
    INPUTS, slo=Slo(50_000, 0.95, 0.999, INPUTS.slo.window_us), scaling=structs.replace(WANTED, max_replicas=10),
    profile=Speed(None, 1_550, 30_000_000),
)  # fmt: skip


def asked(peak: float) -> Case:
    return Case(structs.replace(FLIGHTS, traffic=Demand(400.0, peak, None)), routing=Routing.RANDOM)


@cache
def refused(peak: float) -> Search:
    search = Search(asked(peak).question())
    assert list(search.found()) == []
    return search


@cache
def first_repair(peak: float) -> Repair:
    return next(limits(asked(peak)))


@cache
def repaired(peak: float) -> Answer:
    return solve(first_repair(peak).case, front=False)


@pytest.mark.parametrize("peak", [6_000.0, 60_000.0])
def test_what_no_replicas_could_answer_is_refused_without_a_simulation(peak: float) -> None:
    assert refused(peak).runner.requests == 0


@pytest.mark.slow
def test_the_witness_says_when_and_what_can_be_answered_at_most() -> None:
    found = nearest(refused(6_000.0))
    says = witness(found.question, found)

    assert " rps, and 10 replicas all the time answer " in says
    assert says.endswith("; 10 replicas cannot answer more than 6452 rps")


@pytest.mark.soak
def test_what_takes_only_money_certifies() -> None:
    repair, certificate = first_repair(6_000.0), repaired(6_000.0).certificate

    assert [name for name, _ in repair.edits] == ["scaling.max_replicas"]
    assert certificate is not None
    assert certificate.cost == repair.cost


@pytest.mark.soak
def test_of_all_repairs_it_is_the_first() -> None:
    found = refusal(asked(6_000.0), refused(6_000.0))

    assert found.repairs[0].says == first_repair(6_000.0).says
    assert len(found.repairs) >= 2
