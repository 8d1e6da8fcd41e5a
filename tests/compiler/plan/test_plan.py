"""A plan is a value: saved, read back, refused when it is stale."""

from __future__ import annotations

import msgspec
import pytest

from mlsystem.errors import MlsystemError
from mlsystem.plan.plan import check_fresh, load_plan, save_plan


def test_a_saved_plan_reads_back_as_itself(system, plan_for, tmp_path):
    plan = plan_for(system(), system({"model.main.fit.parameters.hidden": [128]}))
    (tmp_path / "plan.json").write_text(save_plan(plan))

    assert load_plan(tmp_path / "plan.json") == plan


def test_a_plan_that_was_edited_is_refused(system, plan_for, tmp_path):
    plan = plan_for(None, system())
    (tmp_path / "plan.json").write_text(save_plan(plan).replace("ingest.flights", "x.flights"))

    with pytest.raises(MlsystemError, match="changed after it was made"):
        load_plan(tmp_path / "plan.json")


@pytest.mark.parametrize("data", [b"{}", b'{"digest": "\xff"}'])
def test_a_file_that_is_no_plan_is_refused(tmp_path, data):
    (tmp_path / "plan.json").write_bytes(data)

    with pytest.raises(MlsystemError, match="is not a plan"):
        load_plan(tmp_path / "plan.json")


def test_a_fresh_plan_is_accepted(system, plan_for, applied, want, observed):
    plan = plan_for(system(), system({"monitor.main.operate.drift": False}))

    check_fresh(plan, applied(system()), want(system({"monitor.main.operate.drift": False}), "b"), observed())


def test_a_plan_against_another_serial_is_stale(system, plan_for, applied, want, observed):
    plan = plan_for(system(), system())
    later = msgspec.structs.replace(applied(system()), serial=2)

    with pytest.raises(MlsystemError, match="against serial 1 of the state, which is now at 2"):
        check_fresh(plan, later, want(system()), observed())


def test_a_plan_from_another_closure_is_stale(system, plan_for, applied, want, observed):
    with pytest.raises(MlsystemError, match="files that it was made from have changed"):
        check_fresh(plan_for(system(), system()), applied(system()), want(system(), "c"), observed())


def test_a_plan_that_saw_other_data_is_stale(system, plan_for, applied, want, observed):
    with pytest.raises(MlsystemError, match="the data of source 'flights' has changed"):
        check_fresh(plan_for(system(), system()), applied(system()), want(system()), observed("3" * 64))


def test_equal_inputs_make_equal_plans(system, plan_for):
    assert plan_for(None, system()).digest == plan_for(None, system()).digest
