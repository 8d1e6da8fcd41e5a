"""The signature of an endpoint, for machines and for people."""

from __future__ import annotations

import os

import jsonschema
import pytest
from msgspec.structs import replace

from mlsystem_runtime.contract.run import Auth
from mlsystem_runtime.serve.openapi import openapi
from mlsystem_runtime.serve.versions import Board


def request_schema(client):
    operation = client.get("/openapi.json").json["paths"]["/predict"]["post"]
    return operation["requestBody"]["content"]["application/json"]["schema"]


def test_the_schema_takes_what_the_server_takes(client, good_row):
    schema = request_schema(client)

    later, noted = {**good_row, "at": "2014-01-01T00:00:00Z"}, {**good_row, "note": None}
    for body in (good_row, {"rows": [good_row]}, later, noted):
        jsonschema.validate(body, schema)
        assert client.predict(body).status == 200


@pytest.mark.parametrize("change", [{"seats": 1.5}, {"carrier": None}, {"more": 1}, {"express": "yes"}])
def test_the_schema_refuses_what_the_server_refuses(client, good_row, change):
    body = {**good_row, **change}

    assert client.predict(body).status == 422
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, request_schema(client))


def test_answers_follow_the_schema(client, good_row):
    operation = client.get("/openapi.json").json["paths"]["/main/predict"]["post"]

    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(client.predict(good_row).json, schema)


def test_on_the_wall_clock_the_schema_knows_no_at(world, start):
    world.clock = "wall"

    assert all("at" not in schema["properties"] for schema in request_schema(start(world))["anyOf"])


def test_the_page_names_route_fields_and_types_and_loads_nothing_from_elsewhere(client):
    page = client.get("/docs").body.decode()

    assert "POST /predict" in page
    assert "<code>departure</code></td><td>timestamp" in page
    assert "http://" not in page
    assert "https://" not in page


def test_document_and_page_exist_before_the_first_release(world, start):
    world.workspace.release.unlink()
    client = start(world)

    assert "/predict" in client.get("/openapi.json").json["paths"]
    assert "No version released yet" in client.get("/docs").body.decode()


def test_status_shows_shares_clock_and_serial(world, start):
    world.release((1, 0.25), (2, 0.75), serial=7)

    assert start(world).get("/status").json == {
        "models": {
            "main": {"shares": [{"version": 1, "share": 0.25}, {"version": 2, "share": 0.75}], "loaded": [1, 2]},
        },
        "clock": {"kind": "data", "us": 1_388_188_800_000_000, "at": "2013-12-28T00:00:00Z"},
        "release_serial": 7,
        "workers": [{"worker": 0, "pid": os.getpid(), "state": "ready", "restarts": 0, "connections": None}],
    }


def test_what_came_of_predictions_has_a_schema_too(client):
    operation = client.get("/openapi.json").json["paths"]["/main/feedback"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]

    for body in ({"request_id": "r", "outcome": True}, {"feedback": [{"request_id": "r", "outcome": False, "row": 1}]}):
        jsonschema.validate(body, schema)
        assert client.predict(body, "/main/feedback").status == 200
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"request_id": "r", "outcome": 1}, schema)


def test_a_model_that_wants_tokens_says_so_at_each_of_its_paths_and_probes_are_free(world):
    (endpoint,) = world.config.server.endpoints

    document = openapi("system", "wall", [replace(endpoint, auth=Auth("TOKENS", "token"))], Board())

    asked = {path for path, methods in document["paths"].items() if "security" in str(methods)}
    assert document["paths"].keys() - asked == {"/v2/health/live", "/v2/health/ready"}
    assert set(document["components"]["securitySchemes"]) == {"Token", "Key"}
