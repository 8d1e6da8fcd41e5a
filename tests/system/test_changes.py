"""An edit costs what it says and no more: what runs, what restarts, and what is left alone."""

from __future__ import annotations

import json

import pytest
from environments import steps_run

from mlsystem_runtime.contract.ledger import FileLedger, VersionRegistered

pytestmark = pytest.mark.slow

HEAVY = {"re-evaluate", "retrain", "recompute features", "re-ingest", "replace"}
FREE = {
    "a comment": ("sources:\n", "sources:   # of truth\n"),
    "a description": ("At midnight, which", "On any morning, which"),
    "a severity": ("precipitation, min: 0}", "precipitation, min: 0, severity: warn}"),
}


@pytest.mark.xdist_group("seattle")
def test_a_comment_a_description_and_a_severity_run_no_step(seattle):
    server, before = seattle.pid("server"), seattle.status()["models"]
    for edit in FREE.values():
        seattle.edit(edit)

        assert set(seattle.costs().values()) <= {"nothing"}, edit
        assert steps_run(seattle.apply()) == [], edit
        assert seattle.empty_plan(), edit
    assert seattle.pid("server") == server
    assert seattle.status()["models"][0]["versions"] == before[0]["versions"]


@pytest.mark.xdist_group("seattle-two")
def test_a_renamed_model_keeps_its_versions_and_answers_under_its_new_route(copy):
    project = copy("seattle-two")
    project.apply()
    before = {model["model"]: model["versions"] for model in project.status()["models"]}
    project.edit(("  rain:\n", "  wet_day:\n    renamed_from: rain\n"))
    plan = project.plan()

    renamed = {change["node"]: change["old"] for change in plan["changes"] if change.get("change") == "renamed"}
    assert renamed["model.wet_day"] == "model.rain"
    assert not HEAVY & set(project.costs(plan).values())
    assert plan["deletes"] == []
    assert steps_run(project.apply()) == []
    assert project.empty_plan()

    request = json.loads((project.folder / "data/requests.json").read_text())[0]
    assert project.ask(request, "/wet_day/predict")[1]["version"] == 1
    assert project.ask(request, "/rain/predict")[0] == 404
    after = {model["model"]: model["versions"] for model in project.status()["models"]}
    assert [one["digest"] for one in after["wet_day"]] == [one["digest"] for one in before["rain"]]
    assert after["warmth"] == before["warmth"]


@pytest.mark.xdist_group("seattle-two")
def test_a_renamed_source_retrains_nothing(copy):
    project = copy("seattle-two")
    project.apply()
    text = project.spec.read_text().replace("source: weather", "source: sky")
    project.spec.write_text(text.replace("  weather:\n", "  sky:\n    renamed_from: weather\n"))
    plan = project.plan()

    assert not HEAVY & set(project.costs(plan).values())
    assert steps_run(project.apply()) == []
    assert project.empty_plan()
    bodies = [entry.body for entry in FileLedger(project.workspace.ledger).entries()]
    versions = [(one.model, one.version) for one in bodies if isinstance(one, VersionRegistered)]
    assert versions == [("rain", 1), ("warmth", 1)]


@pytest.mark.xdist_group("seattle-two")
def test_a_group_with_one_definition_is_materialised_once_for_both_models(template):
    environment = template("seattle-two") / ".mlsystem/dev"
    contract = json.loads((environment / "generated/contract/run.json").read_text())
    steps = [step["name"] for step in contract["steps"]]
    cards = [environment / f"workspace/models/{name}/1/model.json" for name in ("rain", "warmth")]
    groups = [{one["name"]: one for one in json.loads(card.read_text())["contract"]["groups"]} for card in cards]

    assert steps.count("materialize.lately") == 1
    assert groups[0]["lately"] == groups[1]["lately"]
    assert {"materialize.yesterday.rain", "materialize.yesterday.warmth"} <= set(steps)
    assert groups[0]["yesterday"]["fingerprint"] != groups[1]["yesterday"]["fingerprint"]
