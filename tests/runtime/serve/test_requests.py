"""Wrong requests: a 4xx that names the place, never a 5xx."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(("field", "value"), [
    ("carrier", 1), ("carrier", None), ("carrier", ["UA"]),
    ("distance", "far"), ("distance", True), ("distance", 10**400),
    ("seats", 1.5), ("seats", 2**70), ("seats", -(2**63) - 1), ("seats", True), ("seats", "180"),
    ("express", 1), ("express", "true"),
    ("departure", "yesterday"), ("departure", "2013-12-28T08:00:00"), ("departure", 2**62), ("departure", 1.5),
    ("note", 3),
])
def test_a_value_of_the_wrong_type_is_422_and_names_field_and_row(client, good_row, field, value):
    reply = client.predict({"rows": [good_row, {**good_row, field: value}]})

    assert reply.status == 422
    assert (reply.json["field"], reply.json["row"]) == (field, 1)
    assert field in reply.json["error"]


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_numbers_that_are_not_finite_are_422(client, good_row, text):
    body = json.dumps(good_row).replace("1400.0", text.decode()).encode()

    assert client.predict(body).status == 422


def test_a_missing_field_is_422_unless_it_may_be_null(client, good_row):
    without = {name: value for name, value in good_row.items() if name != "seats"}

    reply = client.predict(without)

    assert (reply.status, reply.json["field"], reply.json["row"]) == (422, "seats", 0)
    assert "note" not in good_row
    assert client.predict(good_row).status == 200
    assert client.predict({**good_row, "note": None}).status == 200


def test_an_unknown_field_is_422_and_the_known_ones_are_named(client, good_row):
    reply = client.predict({**good_row, "carier": "UA"})

    assert (reply.status, reply.json["field"]) == (422, "carier")
    assert "it has carrier, distance" in reply.json["error"]


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b"3", b'"x"', b"\xff\xfe", b'{"rows": []}', b'{"rows": 3}', b'{"rows": [3]}',
    b"[" * 200_000,
    b'{"rows": [{}], "extra": 1}', b'{"rows": null}', b'{"carrier": "\\ud800"}', b"\xef\xbb\xbf{}", b"9" * 5000,
    json.dumps({"rows": [{}] * 1001}).encode(), b'{"at": "soon"}', b'{"rows": [{}], "at": {}}',
])
def test_a_body_that_is_no_request_is_422(client, body):
    reply = client.predict(body)

    assert reply.status == 422
    assert reply.json["error"]


def test_a_body_over_one_mebibyte_is_413_even_when_it_comes_in_pieces(client):
    reply = client.send("POST", "/predict", *[b" " * 600_000] * 3)

    assert reply.status == 413
    assert reply.headers["connection"] == "close"


def test_whole_numbers_are_taken_for_floats_and_kept_exact_for_ints(client, good_row):
    assert client.predict({**good_row, "distance": 1400}).status == 200
    assert client.predict({**good_row, "seats": 2**63 - 1}).status == 200


def test_other_paths_are_404_and_other_methods_405(client):
    assert client.get("/nothing").status == 404
    assert client.get("/predict").status == 405
    assert client.send("POST", "/healthz").status == 405


def test_a_client_that_leaves_gets_nothing_and_is_counted_as_cancelled(client):
    reply = client.send("POST", "/predict", b'{"carrier"', leave=True)

    assert reply.status == 0
    line = 'mlsystem_requests_total{model="main",outcome="cancelled",version=""} 1.0'
    assert line in client.get("/metrics").body.decode()


def test_a_slip_of_the_server_is_500_with_a_request_id_and_counted(world, start, good_row, caplog):
    world.failing_carrier = "slip"
    client = start(world)

    reply = client.predict({**good_row, "carrier": "slip"})

    assert reply.status == 500
    assert reply.json["request_id"]
    assert "ZeroDivisionError" in caplog.text
    line = 'mlsystem_requests_total{model="main",outcome="error",version=""} 1.0'
    assert line in client.get("/metrics").body.decode()
    assert client.predict(good_row).status == 200


def test_what_objectives_are_judged_by_is_exported_before_anybody_asks(client):
    text = client.get("/metrics").body.decode()

    for outcome in ("rejected", "error", "invalid", "cancelled"):
        assert f'mlsystem_requests_total{{model="main",outcome="{outcome}",version=""}} 0.0' in text
    assert re.search(r'^mlsystem_request_duration_seconds_bucket{.*model="main"} 0.0$', text, re.MULTILINE)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(
    ["2013-12-28T08:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 2**63, -(2**63)])
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(["carrier", "distance", "seats", "express", "departure", "note", "at", "rows", "other"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(fields, anything, max_size=4), batch=st.booleans(), dropped=st.sets(fields, max_size=2))
def test_no_body_makes_the_server_fail(client, good_row, changes, batch, dropped):
    row = {name: value for name, value in {**good_row, **changes}.items() if name not in dropped}

    reply = client.predict({"rows": [good_row, row]} if batch else row)

    assert reply.status in {200, 413, 422}
    assert reply.json["request_id"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_make_the_server_fail(client, data):
    assert client.predict(data).status == 422
