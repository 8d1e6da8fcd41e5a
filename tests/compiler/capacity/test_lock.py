import subprocess
import sys

import pytest
from msgspec.structs import replace

from mlsystem.capacity import lock
from mlsystem.capacity.certificate import Certificate, Interval, Scenario, Settings, Stretch, stale
from mlsystem.capacity.inputs import Demand, Inputs, Machine, Price, Speed, Wanted
from mlsystem.errors import MlsystemError
from mlsystem.system.target import ServingHardware
from mlsystem_runtime.contract.run import Slo

INPUTS = Inputs(
    slo=Slo(50_000, 0.95, 0.999, 30 * 86_400_000_000),
    traffic=Demand(40.0, 120.0, None),
    scaling=Wanted("hpa", 10, None, None, None, 400.0),
    hardware=Machine(ServingHardware(1.0, 2**31), 1),
    profile=Speed(None, 10_000, 5_000_000),
    price=Price("0.04048", "0.004445", "a list"),
)
SURE = Interval(0.999, 0.998, 1.0)
PEAK = Scenario("peak", "120 rps", 0.0, 600.0, SURE, SURE, 0.03, 3.5, 4, Stretch(60.0, 0.98))


def certificate(inputs: Inputs = INPUTS) -> Certificate:
    return Certificate(
        inputs=inputs.hashes(), seed=1, replications=20, settings=Settings("hpa", "cpu", 0.5, 2, 10),
        scenarios=(PEAK,), whole=PEAK, cost=101.5, static_cost=None, prices="a list", margin=0.2, binding="the peak",
        assumptions=("requests go to the replica that has fewest",),
    )  # fmt: skip


def test_what_is_written_is_read_again(tmp_path):
    lock.write(tmp_path, {lock.key("staging", "delay"): certificate()})

    assert lock.read(tmp_path) == {"staging/delay": certificate()}


def test_the_same_certificates_are_the_same_bytes_in_whatever_order(tmp_path):
    lock.write(tmp_path, {"b": certificate(), "a": certificate()})
    first = (tmp_path / lock.LOCK).read_bytes()

    assert lock.write(tmp_path, {"a": certificate(), "b": certificate()}) is False
    assert (tmp_path / lock.LOCK).read_bytes() == first
    assert first.endswith(b"}\n")


def test_no_file_is_no_certificate(tmp_path):
    assert lock.read(tmp_path) == {}


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2, "endpoints": {}}', '{"endpoints": {"a": {}}}', "\udcff"])
def test_a_file_of_another_version_is_refused_with_what_to_run(tmp_path, text):
    (tmp_path / lock.LOCK).write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(MlsystemError, match=r"capacity.lock.json") as raised:
        lock.read(tmp_path)

    assert "mlsystem capacity solve" in (raised.value.hint or "")


@pytest.mark.parametrize(("change", "moved"), [
    ({}, ()),
    ({"slo": replace(INPUTS.slo, objective=0.99)}, ("slo",)),
    ({"traffic": Demand(40.0, 130.0, None)}, ("traffic",)),
    ({"profile": Speed("ab", None, None), "solver": "2"}, ("profile", "solver")),
    ({"price": replace(INPUTS.price, cpu="0.05")}, ("price",)),
    ({"hardware": Machine(ServingHardware(1.0, 2**31), 2)}, ("hardware",)),
    ({"scaling": replace(INPUTS.scaling, min_replicas=2)}, ("scaling",)),
])  # fmt: skip
def test_a_certificate_says_which_of_its_inputs_moved(change, moved):
    assert stale(certificate(), replace(INPUTS, **change)) == moved


def test_a_certificate_without_a_part_that_there_is_now_is_stale():
    made = certificate()

    assert stale(replace(made, inputs={**made.inputs, "zones": "1"}), INPUTS) == ("zones",)
    assert stale(replace(made, inputs={}), INPUTS) == tuple(INPUTS.hashes())


def test_reading_needs_no_numpy():
    code = "import mlsystem.capacity.lock, sys; assert not {'numpy', 'numba'} & set(sys.modules)"

    subprocess.run([sys.executable, "-c", code], check=True)
