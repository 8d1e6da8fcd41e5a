import pytest
from capacity_cases import case
from msgspec.structs import replace

from mlsystem.capacity.certificate import Certificate, Interval
from mlsystem.capacity.inputs import Speed
from mlsystem.capacity.profile import Cell, Fingerprint, Machine, Profile
from mlsystem.capacity.repairs import changed
from mlsystem.capacity.solve import Case, declared, rounded, shown, solve
from mlsystem_runtime.contract.base import pretty_json

EASY = {"availability": 0.9, "objective": 0.8}
MEASURED = Profile(
    fingerprint=Fingerprint("s", "onnx", "1", "2Gi", "1"), machine=Machine("a processor", 2, "quota", 1.0, "sqlite"),
    version=1, cells=(Cell(1, 1, 3, (180_000, 200_000, 260_000)), Cell(1, 4, 3, (600_000, 700_000, 800_000))),
    cold_starts_us=(3_000_000, 9_000_000), memory_bytes=1, lag_us=10,
)  # fmt: skip


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    found = solve(case(EASY)).certificate
    assert found is not None
    return found


def test_the_same_question_has_the_same_answer_to_the_byte(certificate):
    again = solve(case(EASY)).certificate

    assert pretty_json(again) == pretty_json(certificate)


def test_a_certificate_holds_what_was_promised_in_every_scenario(certificate):
    assert [one.name for one in certificate.scenarios] == [
        "expected", "peak", "flash crowd", "one pod lost", "rolling update",
    ]  # fmt: skip
    assert all(one.attainment.low >= 0.8 and one.availability.low >= 0.9 for one in certificate.scenarios)
    assert certificate.whole.attainment.mean >= 0.8
    assert 0.0 <= certificate.margin < 1.0


def test_a_certificate_knows_what_it_was_derived_from(certificate):
    assert certificate.inputs == case(EASY).inputs.hashes()
    assert (certificate.replications, certificate.seed) == (20, 1)
    assert certificate.prices == "a list for tests"
    assert len(certificate.assumptions) >= 5


def test_what_follows_traffic_costs_no_more_than_what_is_always_there(certificate):
    assert certificate.static_cost is not None
    assert certificate.cost <= certificate.static_cost


def test_every_point_of_the_front_costs_more_than_the_one_before_and_holds_more(certificate):
    front = certificate.front

    assert [one.cost for one in front] == sorted(one.cost for one in front)
    assert any(one.certified and one.settings == certificate.settings for one in front)
    assert not front[0].certified or len(front) == 1 or front[0].cost < front[-1].cost


def test_more_money_than_it_costs_changes_nothing(certificate):
    found = solve(case(EASY, max_cost=certificate.cost + 100.0), front=False).certificate

    assert found is not None
    assert found.settings == certificate.settings


def test_what_was_measured_takes_the_place_of_what_is_declared():
    asked = Case(replace(case(EASY).inputs, profile=Speed("measured", None, None)), profile=MEASURED)

    assert asked.cold_starts == (3.0, 9.0)
    assert asked.service.line[0] > 0.0
    assert sum(asked.service.line) == pytest.approx(0.2133, abs=1e-3)


def test_a_pod_starts_no_sooner_than_declared_and_no_sooner_than_its_process():
    asked = Case(replace(case(EASY).inputs, profile=Speed("measured", None, 5_000_000)), profile=MEASURED)

    assert asked.cold_starts == (5.0, 9.0)


def test_few_requests_of_which_none_failed_show_no_certainty():
    perfect = Interval(1.0, 1.0, 1.0)

    assert shown(perfect, 300).low == 0.99
    assert shown(perfect, 2).low == shown(perfect, 0).low == 0.0
    assert shown(Interval(0.98, 0.97, 0.99), 300).low == 0.97


def test_a_declared_time_is_the_mean_and_varies_by_a_half():
    service = declared(0.05)
    times = [0.05 * factor for factor in service.factors]
    mean = sum(times) / len(times)
    deviation = (sum((one - mean) ** 2 for one in times) / len(times)) ** 0.5

    assert sum(service.line) == pytest.approx(0.05, rel=1e-4)
    assert deviation / mean == pytest.approx(0.5, abs=0.05)


def test_bounds_are_rounded_outwards():
    assert rounded(Interval(0.12345678, 0.12345671, 0.12345611)) == Interval(0.123457, 0.123456, 0.123457)


def test_a_faster_machine_needs_no_more():
    slow, fast = (
        solve(changed(case(EASY), profile=Speed(None, time, 10_000_000)), front=False).certificate
        for time in (200_000, 100_000)
    )

    assert slow is not None
    assert fast is not None
    assert fast.cost <= slow.cost
