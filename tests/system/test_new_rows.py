"""New rows in a source file: what follows is planned, saved, and carried out exactly so, or not at all."""

from __future__ import annotations

import pytest
from environments import steps_run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("seattle")]

DAY = "2015-12-24T00:00:00,0.6,5.6,2.2,4.3,rain,2015-12-25T00:00:00,seattle\n"
NEXT = "2015-12-25T00:00:00,5.1,5.0,1.7,1.5,rain,2015-12-26T00:00:00,seattle\n"
ALL = [
    "ingest.weather", "materialize.lately", "materialize.yesterday", "features.main", "train.main", "evaluate.main",
    "register.main",
]


def test_new_rows_are_planned_saved_and_carried_out_unless_anything_moved(seattle):
    data, server = seattle.folder / "data/weather.csv", seattle.pid("server")
    known = data.read_text()
    data.write_text(known + DAY)
    said = seattle.ok("plan", "--out", "new.plan")

    assert "re-ingests weather" in said
    assert seattle.costs() == {
        "source.weather": "re-ingest",
        "feature_group.yesterday": "recompute features",
        "feature_group.lately": "recompute features",
        "dataset.main": "recompute features",
        "model.main": "retrain",
        "evaluation.main": "re-evaluate",
        "endpoint.main": "release",
    }
    assert seattle.plan()["steps"] == ALL

    data.write_text(known + DAY + NEXT)
    refused = seattle.run("apply", "new.plan")
    assert refused.returncode == 1
    assert "the plan is stale: the data of source 'weather' has changed" in refused.stderr

    data.write_text(known + DAY)
    clock = seattle.get("/status")[1]["clock"]["us"]
    said = seattle.ok("apply", "new.plan")
    assert steps_run(said) == ALL
    assert seattle.empty_plan()
    assert seattle.pid("server") == server
    assert seattle.get("/status")[1]["clock"]["us"] == clock + 86_400_000_000
    assert [one["version"] for one in seattle.status()["models"][0]["versions"]] == [2, 1]

    refused = seattle.run("apply", "new.plan")
    assert refused.returncode == 1
    serial = seattle.status()["serial"]
    assert f"made against serial {serial - 1} of the state, which is now at {serial}" in refused.stderr
