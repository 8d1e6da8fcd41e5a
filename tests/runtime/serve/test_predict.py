"""What a prediction request gets back, and what is left behind of it."""

from __future__ import annotations

import math

import pytest

CLOCK_US = 1_388_188_800_000_000


def logistic(x):
    return 1 / (1 + math.exp(-x))


def test_one_row_is_answered_with_prediction_version_and_request_id(client, good_row):
    reply = client.predict(good_row, X_Request_Id="abc-1")

    assert reply.status == 200
    assert reply.headers["x-request-id"] == "abc-1"
    answer = reply.json
    assert answer["model"] == "main"
    assert answer["version"] == 1
    assert answer["request_id"] == "abc-1"
    assert answer["predictions"] == [{"prediction": True, "probability": pytest.approx(logistic(1.5)), "version": 1}]


def test_many_rows_are_answered_in_their_order(client, good_row):
    rows = [{**good_row, "carrier": carrier} for carrier in ("UA", "XX", "UA")]

    answer = client.predict({"rows": rows}).json

    expected = [logistic(1.5), logistic(1.0), logistic(1.5)]
    assert [one["probability"] for one in answer["predictions"]] == pytest.approx(expected)


def test_every_route_of_the_endpoint_answers(client, good_row):
    short, long = (client.predict(good_row, path=path).json for path in ("/predict", "/main/predict"))

    assert short["predictions"] == long["predictions"]


def test_a_request_without_an_id_gets_one_and_a_wild_id_is_replaced(client, good_row):
    generated, replaced = client.predict(good_row), client.predict(good_row, X_Request_Id="a b\x01")

    assert len(generated.json["request_id"]) == 32
    assert len(replaced.json["request_id"]) == 32
    assert replaced.json["request_id"] != generated.json["request_id"]


def test_a_regression_answers_with_the_value_alone(world, start, good_row):
    world.task, world.outputs = "regression", ("value",)

    answer = start(world).predict(good_row).json

    assert answer["predictions"] == [{"prediction": pytest.approx(logistic(1.5)), "version": 1}]


def test_a_multiclass_model_answers_with_the_likeliest_class_and_all_probabilities(world, start, good_row):
    world.task, world.outputs = "multiclass", ("sun", "rain")

    [one] = start(world).predict(good_row).json["predictions"]

    assert one["prediction"] == "sun"
    assert one["probabilities"].keys() == {"sun", "rain"}


def test_an_unknown_entity_is_answered_with_nulls_and_counted_by_cause(client, good_row):
    reply = client.predict({**good_row, "carrier": "XX"})

    assert reply.status == 200
    metrics = client.get("/metrics").body.decode()
    assert 'mlsystem_missing_features_total{cause="unknown_key",feature="past.delay",model="main"} 1.0' in metrics


def test_a_store_out_of_reach_refuses_where_the_policy_says_so(world, start, good_row):
    world.unreachable = frozenset({"history"})

    reply = start(world).predict(good_row)

    assert reply.status == 503
    assert "history" in reply.json["error"]


def test_a_store_out_of_reach_gives_nulls_where_the_policy_says_so(world, start, good_row):
    world.unreachable, world.on_failure = frozenset({"history"}), "nulls"
    client = start(world)

    reply = client.predict(good_row)

    assert reply.status == 200
    assert reply.json["predictions"][0]["probability"] == pytest.approx(logistic(1.0))
    assert 'cause="store_unreachable"' in client.get("/metrics").body.decode()


def test_without_a_release_predict_is_503_and_the_server_not_ready(world, start, good_row):
    world.workspace.release.unlink()
    client = start(world)

    assert client.predict(good_row).status == 503
    assert "no version released yet" in client.predict(good_row).json["error"]
    assert client.get("/readyz").status == 503
    assert client.get("/healthz").status == 200


def test_before_the_first_ingest_predict_is_503(world, start, good_row):
    (world.root / "clock.json").unlink()

    reply = start(world).predict(good_row)

    assert reply.status == 503
    assert "ingested" in reply.json["error"]


@pytest.mark.parametrize("at", [CLOCK_US, "2013-12-28T00:00:00Z", "2013-12-28T01:00:00+00:00"])
def test_on_the_data_clock_a_request_may_say_when(client, good_row, at):
    assert client.predict({**good_row, "at": at}).status == 200
    assert client.predict({"rows": [good_row], "at": at}).status == 200


def test_an_instant_before_the_data_clock_is_refused(client, good_row):
    reply = client.predict({**good_row, "at": CLOCK_US - 1})

    assert (reply.status, reply.json["field"]) == (422, "at")


def test_an_instant_is_refused_on_the_wall_clock(world, start, good_row):
    world.clock = "wall"

    reply = start(world).predict({**good_row, "at": "2040-01-01T00:00:00Z"})

    assert (reply.status, reply.json["field"]) == (422, "at")


def test_the_data_clock_moves_with_the_file_and_never_back(world, client, good_row):
    world.set_clock(CLOCK_US + 10)
    assert client.predict({**good_row, "at": CLOCK_US}).status == 422

    world.set_clock(CLOCK_US - 10)

    assert client.predict({**good_row, "at": CLOCK_US}).status == 422


def test_traffic_is_split_by_request_id_as_the_shares_say(world, start, good_row):
    world.release((1, 0.2), (2, 0.8))
    client = start(world)

    versions = [client.predict(good_row, X_Request_Id=f"r{number}").json["version"] for number in range(400)]

    assert 0.12 < versions.count(1) / 400 < 0.28


def test_a_sticky_unit_always_gets_the_same_version(world, start, good_row):
    world.sticky = ("carrier",)
    world.release((1, 0.5), (2, 0.5))
    client = start(world)

    answers = [
        {client.predict({**good_row, "carrier": carrier}).json["version"] for _ in range(5)} for carrier in "ABCDEFGH"
    ]

    assert all(len(versions) == 1 for versions in answers)
    assert set.union(*answers) == {1, 2}


def test_rows_of_one_request_may_be_answered_by_different_versions(world, start, good_row):
    world.sticky = ("carrier",)
    world.release((1, 0.5), (2, 0.5))
    rows = [{**good_row, "carrier": carrier} for carrier in "ABCDEFGH"]
    client = start(world)

    answer = client.predict({"rows": rows}).json

    assert answer["version"] is None
    alone = [client.predict(row).json["predictions"][0] for row in rows]
    assert answer["predictions"] == alone


def test_a_float_sticky_unit_is_one_unit_however_it_is_written(world, start, good_row):
    world.sticky = ("distance",)
    world.release((1, 0.5), (2, 0.5))
    client = start(world)

    for distance in range(20):
        written = [{**good_row, "distance": distance}, {**good_row, "distance": float(distance)}]
        assert len({client.predict(row).json["version"] for row in written}) == 1


def test_several_models_answer_side_by_side_each_on_its_own_route(world, start, good_row):
    world.models = ("main", "other")
    world.release((2, 1.0))
    client = start(world)

    assert client.predict(good_row, path="/main/predict").json["model"] == "main"
    assert client.predict(good_row, path="/other/predict").json["model"] == "other"
    assert client.predict(good_row, path="/predict").status == 404
    client.settle()
    assert {path.parent.name for path in world.root.glob("counts/*/*.1.json")} == {"main", "other"}


def test_the_server_is_ready_when_every_model_is(world, start, good_row):
    client_of_one = start(world)
    assert client_of_one.get("/readyz").status == 200

    world.models = ("main", "other")
    client = start(world)
    assert client.get("/readyz").json["waiting_for"] == ["other"]
    assert client.predict(good_row, path="/main/predict").status == 200
    assert client.predict(good_row, path="/other/predict").status == 503
