"""The protocol's paths in one process: versions, refusals, what is counted, and a server that is not ready."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

INFER = "/v2/models/main/infer"


def tensors(row: dict[str, Any], rows: int = 1) -> list[dict[str, Any]]:
    kinds = {"carrier": "BYTES", "distance": "FP64", "seats": "INT64", "express": "BOOL", "departure": "INT64"}
    plain = {**row, "departure": 1_388_235_600_000_000}
    return [
        {"name": name, "datatype": kind, "shape": [rows], "data": [plain[name]] * rows} for name, kind in kinds.items()
    ]


@pytest.fixture
def body(good_row) -> dict[str, Any]:
    return {"inputs": tensors(good_row)}


def counted(client: Any, outcome: str) -> float:
    text = client.get("/metrics").body.decode()
    found = re.findall(rf'^mlsystem_requests_total{{.*outcome="{outcome}".*}} (\S+)$', text, re.MULTILINE)
    return sum(map(float, found))


def test_a_version_that_is_loaded_can_be_asked_for_by_number(world, start, body):
    world.release((1, 0.0), (2, 1.0))
    client = start(world)

    chosen, pinned = client.predict(body, INFER).json, client.predict(body, "/v2/models/main/versions/1/infer").json

    assert (chosen["model_version"], pinned["model_version"]) == ("2", "1")
    assert client.get("/v2/models/main/versions/1").json["versions"] == ["1", "2"]
    assert chosen["outputs"] != pinned["outputs"]


@pytest.mark.parametrize("number", ["3", "0", "01", "-1", "x", "1.0", "٣", "9" * 5000, "1%2F2"])
def test_another_version_is_not_found(client, body, number):
    for path in (f"/v2/models/main/versions/{number}", f"/v2/models/main/versions/{number}/ready"):
        assert client.get(path).status == 404
    assert client.predict(body, f"/v2/models/main/versions/{number}/infer").status == 404


def test_rows_of_several_versions_have_no_version_in_common(world, start, good_row):
    world.sticky = ("carrier",)
    world.release((1, 0.5), (2, 0.5))
    client = start(world)
    body = {"inputs": tensors(good_row, rows=40)}
    body["inputs"][0]["data"] = [f"C{number}" for number in range(40)]

    assert "model_version" not in client.predict(body, INFER).json


def test_a_nullable_input_may_be_absent_or_null_and_no_other(client, body):
    note = {"name": "note", "datatype": "BYTES", "shape": [1], "data": [None]}
    nothing = [{**body["inputs"][0], "data": [None]}, *body["inputs"][1:]]

    assert client.predict({"inputs": [*body["inputs"], note]}, INFER).status == 200
    refused = client.predict({"inputs": nothing}, INFER)
    assert (refused.status, refused.json) == (400, {"error": "'carrier' must not be null"})


def test_an_instant_to_predict_for_is_a_parameter(client, body):
    assert client.predict({**body, "parameters": {"at": 1_388_188_800_000_001}}, INFER).status == 200
    assert client.predict({**body, "parameters": {"at": "2014-01-01T00:00:00Z"}}, INFER).status == 200
    for at in (0, "yesterday", True, 1.5):
        assert client.predict({**body, "parameters": {"at": at}}, INFER).status == 400


@pytest.mark.parametrize("timeout", [-1, True, "5", 1.5, 2**64])
def test_a_timeout_is_whole_microseconds(client, body, timeout):
    assert client.predict({**body, "parameters": {"timeout": timeout}}, INFER).status == 400


def test_only_the_outputs_that_are_asked_for_are_given_in_their_order(client, body):
    given = client.predict({**body, "outputs": [{"name": "probability"}, {"name": "prediction"}]}, INFER).json

    assert [one["name"] for one in given["outputs"]] == ["probability", "prediction"]
    for outputs in ([{"name": "nothing"}], [{"name": "prediction"}, {"name": "prediction"}]):
        assert client.predict({**body, "outputs": outputs}, INFER).status == 400


def test_no_outputs_are_all_outputs(client, body):
    given = client.predict({**body, "outputs": []}, INFER).json

    assert [one["name"] for one in given["outputs"]] == ["prediction", "probability"]


@pytest.mark.parametrize(("method", "path", "status"), [
    ("POST", "/v2", 405), ("GET", INFER, 405), ("DELETE", "/v2/models/main", 405), ("GET", "/v2/repository/index", 405),
    ("PUT", "/v2/health/live", 405), ("GET", "/v2/models", 404), ("GET", "/v2/models/nobody", 404),
    ("GET", "/v2/models/nobody/ready", 404), ("POST", "/v2/models/nobody/infer", 404), ("GET", "/v2/nothing", 404),
    ("GET", "/v2/models/main/versions", 404), ("GET", "/v2/models/main/versions/1/x", 404),
    ("GET", "/v2/models/main/stats", 404), ("GET", "/v2x", 404),
])
def test_a_path_or_a_method_that_there_is_not_is_refused_in_words(client, method, path, status):
    reply = client.send(method, path)

    assert (reply.status, type(reply.json["error"])) == (status, str)
    assert ("allow" in reply.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/v2", "/v2/", "/v2/models/main", "/v2/health/live", "/v2/health/ready"])
def test_head_is_get(client, path):
    assert client.send("HEAD", path).status == client.get(path).status == 200


def test_a_server_before_its_first_release_is_alive_and_not_ready(world, start, body):
    world.workspace.release.unlink()
    client = start(world)

    assert client.get("/v2/health/live").status == 200
    for path in ("/v2/health/ready", "/v2/models/main/ready", "/v2/models/main", "/v2/models/main/versions/1/ready"):
        reply = client.get(path)
        assert (reply.status, type(reply.json["error"])) == (503, str)
    assert client.predict(body, INFER).status == 503
    assert client.send("POST", "/v2/repository/index").json == []


def test_a_server_that_was_told_to_stop_answers_and_is_not_ready(client, body):
    client.app.service.drain.since = time.monotonic()

    assert [client.get(path).status for path in ("/v2/health/ready", "/v2/models/main/ready")] == [503, 503]
    assert client.predict(body, INFER).status == 200


def test_requests_are_counted_however_they_end(client, body):
    for content in (body, b"{", {"inputs": body["inputs"][1:]}, {"inputs": []}, {**body, "parameters": {"at": 0}}):
        client.predict(content, INFER)

    assert (counted(client, "ok"), counted(client, "invalid")) == (1, 4)


def test_a_time_to_wait_that_is_none_is_refused_and_one_that_is_over_too(client, body):
    assert client.predict(body, INFER, X_Request_Timeout="soon").status == 400
    late = client.predict(body, INFER, X_Request_Timeout="0")
    assert (late.status, list(late.json)) == (504, ["error"])


def test_a_request_that_cannot_be_answered_in_time_says_when_to_come_again(world, start, body):
    world.unreachable = frozenset({"history"})

    refused = start(world).predict(body, INFER)

    assert (refused.status, type(refused.json["error"])) == (503, str)


def test_more_rows_than_are_answered_at_once_are_refused(client, good_row):
    assert client.predict({"inputs": tensors(good_row, rows=1000)}, INFER).status == 200
    assert client.predict({"inputs": tensors(good_row, rows=1001)}, INFER).status == 400


def test_names_of_any_length_are_refused_in_words(client, body):
    body["inputs"][0]["name"] = "x" * 100_000

    assert client.predict(json.dumps(body).encode(), INFER).status == 400
