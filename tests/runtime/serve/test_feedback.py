"""What came of predictions: told later, kept before it is acknowledged, joined to the rows of the log."""

from __future__ import annotations

import pytest

from mlsystem_runtime.serve.reading import joined, logged

CLOCK_US = 1_388_188_800_000_000
HOUR_US = 3_600_000_000


def tell(client, body, path="/feedback"):
    return client.predict(body, path)


def outcomes(world):
    rows = joined(world.workspace, "main", CLOCK_US, CLOCK_US + HOUR_US).to_pylist()
    return {(row["request_id"], row["row"]): row["outcome"] for row in rows}


def test_the_outcome_of_a_row_stands_beside_it_in_the_log(world, client, good_row):
    client.predict({"rows": [good_row, good_row]}, X_Request_Id="a")
    client.predict(good_row, X_Request_Id="b")
    reply = tell(client, {"request_id": "a", "row": 1, "outcome": True, "at": "2013-12-28T06:00:00Z"})
    client.settle()

    assert (reply.status, reply.json["kept"], reply.json["model"]) == (200, 1, "main")
    assert outcomes(world) == {("a", 0): None, ("a", 1): True, ("b", 0): None}
    [known] = [row["outcome_at"] for row in joined(world.workspace, "main", CLOCK_US, CLOCK_US + 1).to_pylist()
               if row["outcome"] is not None]
    assert known.isoformat() == "2013-12-28T06:00:00+00:00"


def test_feedback_is_on_the_disk_when_it_is_acknowledged(world, client):
    tell(client, {"request_id": "a", "outcome": True})

    assert logged(world.workspace, "feedback", "main")["request_id"].to_pylist() == ["a"]


def test_feedback_told_twice_counts_once_and_what_was_told_last_counts(world, client, good_row):
    client.predict(good_row, X_Request_Id="a")
    client.settle()
    for outcome in (True, True, False):
        tell(client, {"request_id": "a", "outcome": outcome})

    assert outcomes(world) == {("a", 0): False}


def test_many_outcomes_are_told_at_once(world, client, good_row):
    client.predict({"rows": [good_row] * 3}, X_Request_Id="a")
    client.settle()
    told = [{"request_id": "a", "row": row, "outcome": row == 1} for row in range(3)]
    reply = tell(client, {"feedback": [*told, {"request_id": "a", "row": 2, "outcome": True}]}, "/main/feedback")

    assert reply.json["kept"] == 4
    assert outcomes(world) == {("a", 0): False, ("a", 1): True, ("a", 2): True}


@pytest.mark.parametrize(("task", "outputs", "outcome", "wrong"), [
    ("regression", ("value",), 12, "12"),
    ("regression", ("value",), -0.5, True),
    ("multiclass", ("a", "b"), "c", 3),
    ("binary_classification", ("probability",), False, 0),
])
def test_an_outcome_is_of_the_type_that_the_model_predicts(world, start, task, outputs, outcome, wrong):
    world.task, world.outputs = task, outputs
    client = start(world)
    refused = tell(client, {"request_id": "a", "outcome": wrong})

    assert (refused.status, refused.json["field"], refused.json["row"]) == (422, "outcome", 0)
    assert tell(client, {"request_id": "a", "outcome": outcome}).status == 200
    assert logged(world.workspace, "feedback", "main")["outcome"].to_pylist() == [outcome]


@pytest.mark.parametrize(("body", "field", "row"), [
    ({"outcome": True}, "request_id", 0),
    ({"request_id": "a"}, "outcome", 0),
    ({"request_id": "a", "outcome": None}, "outcome", 0),
    ({"request_id": "a b", "outcome": True}, "request_id", 0),
    ({"request_id": "a", "outcome": True, "row": -1}, "row", 0),
    ({"request_id": "a", "outcome": True, "label": True}, "label", 0),
    ({"request_id": "a", "outcome": True, "at": "yesterday"}, "at", 0),
    ({"feedback": [{"request_id": "a", "outcome": True}, {"request_id": "b"}]}, "outcome", 1),
    ({"feedback": []}, "feedback", None),
    ({"feedback": [{"request_id": "a", "outcome": True}] * 1001}, "feedback", None),
    ({"feedback": [{"request_id": "a", "outcome": True}], "at": 3}, "at", None),
    ([], None, None),
])
def test_feedback_that_is_wrong_is_refused_whole_and_says_where(world, client, body, field, row):
    refused = tell(client, body)

    assert (refused.status, refused.json["field"], refused.json["row"]) == (422, field, row)
    assert not world.root.joinpath("feedback").exists()


def test_feedback_that_the_disk_refuses_is_not_acknowledged(world, client):
    world.root.joinpath("feedback").write_text("not a folder")

    refused = tell(client, {"request_id": "a", "outcome": True})
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")


def test_feedback_of_a_model_without_a_release_is_told_to_wait(world, start):
    world.workspace.release.unlink()

    assert tell(start(world), {"request_id": "a", "outcome": True}).status == 503


def test_each_of_several_models_has_feedback_of_its_own(world, start):
    world.models = ("main", "other")
    world.release((1, 1.0))
    client = start(world)
    tell(client, {"request_id": "a", "outcome": True}, "/other/feedback")

    assert len(logged(world.workspace, "feedback", "other")) == 1
    assert len(logged(world.workspace, "feedback", "main")) == 0
    assert tell(client, {"request_id": "a", "outcome": True}).status == 404
