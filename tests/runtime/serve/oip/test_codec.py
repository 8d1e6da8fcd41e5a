"""From bytes to tensors and back, without a server and without a client."""

from __future__ import annotations

import contextlib
import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.serve.oip import rest, wire
from mlsystem_runtime.serve.oip.datatypes import DATATYPES, from_bytes, from_json, to_bytes
from mlsystem_runtime.serve.oip.messages import MESSAGES
from mlsystem_runtime.serve.oip.tensors import InferAnswer, InferRequest, Tensor, Wanted, rows_of
from mlsystem_runtime.serve.refused import RefusedError

COLUMNS = {
    one.name: one for one in (
        Column("seats", ColumnType.INT), Column("price", ColumnType.FLOAT), Column("carrier", ColumnType.STRING),
        Column("express", ColumnType.BOOL), Column("departure", ColumnType.TIMESTAMP),
        Column("delay", ColumnType.FLOAT, nullable=True),
    )
}


def tensor(name: str = "seats", datatype: str = "INT64", data: Any = (1, 2), **other: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": list(data), **other}


def body(*inputs: dict[str, Any], **other: Any) -> bytes:
    return json.dumps({"inputs": inputs, **other}).encode()


def decoded(*inputs: dict[str, Any], **other: Any) -> InferRequest:
    return rest.decode(body(*inputs, **other), {})


def refused(data: bytes, headers: dict[bytes, bytes] | None = None) -> str:
    with pytest.raises(RefusedError) as error:
        rest.decode(data, headers or {})
    assert error.value.status == 400
    return error.value.message


def binary(*inputs: tuple[str, str, list[int], bytes]) -> tuple[bytes, dict[bytes, bytes]]:
    """A body by the extension, and its headers."""
    head = json.dumps({"inputs": [
        {"name": name, "datatype": kind, "shape": shape, "parameters": {"binary_data_size": len(data)}}
        for name, kind, shape, data in inputs
    ]}).encode()
    return head + b"".join(data for *_, data in inputs), {rest.HEADER: str(len(head)).encode()}


def elements(kind: str, shape: list[int], data: bytes) -> list[Any]:
    return list(rest.decode(*binary(("x", kind, shape, data))).inputs[0].elements)


def test_a_request_in_json_has_its_tensors_id_outputs_and_parameters():
    request = decoded(tensor(), id="7", outputs=[{"name": "prediction"}], parameters={"at": 5})

    assert request == InferRequest(
        (Tensor("seats", "INT64", (2,), [1, 2]),), "7", (Wanted("prediction"),), {"at": 5})


def test_data_may_be_nested_as_its_shape_is():
    flat, nested = tensor(shape=[2, 1]), tensor(shape=[2, 1], data=[[1], [2]])

    assert decoded({**flat, "data": [1, 2]}).inputs[0].elements == [1, 2]
    assert decoded({**nested, "shape": [2, 1]}).inputs[0].elements == [1, 2]


@pytest.mark.parametrize("data", [
    b"", b"[]", b"{}", b"null", b'{"inputs": {}}', b'{"inputs": [1]}', b"{", b"\xff", b"[" * 100_000, b"1" * 10_000,
    body(tensor(), id=7), body(tensor(), parameters=[1]), body(tensor(), parameters={"a": [1]}),
    body(tensor(), outputs="prediction"), body({"name": "seats"}), body(tensor(shape=[2.0])),
    body(tensor(shape=["2"])), body(tensor(shape=[True])), body(tensor(data=[math.nan, 1])),
])
def test_what_is_no_request_is_refused(data):
    assert "not an inference request" in refused(data)


@pytest.mark.parametrize("shape", [
    [], [0], [-2], [3], [1], [2, 2], [1, 2], [2, 1, 1], [2**60], [2**60, 1], [2, -1], [10**30], [1] * 5000,
])
def test_a_shape_that_is_not_that_of_the_data_is_refused(shape):
    assert "shape" in refused(body(tensor(shape=shape)))


@pytest.mark.parametrize(("kind", "data"), [
    ("INT8", [128]), ("INT16", [-32_769]), ("INT32", [2**40]), ("INT64", [2**63]), ("UINT8", [-1]), ("UINT8", [256]),
    ("UINT16", [65_536]), ("UINT32", [2**32]), ("UINT64", [2**64]), ("INT64", [-(10**400)]), ("FP32", [1e300]),
    ("INT64", [1.0]), ("INT64", ["1"]), ("INT64", [True]), ("FP64", ["1"]), ("FP64", [False]), ("BOOL", [1]),
    ("BYTES", [1]), ("BYTES", [["a"]]), ("INT64", [[1, 2]]), ("INT64", [{}]), ("FP16", [1.0]), ("BF16", [1.0]),
    ("INT128", [1]), ("int64", [1]), ("", [1]),
])
def test_what_a_datatype_cannot_hold_is_refused_and_never_wrapped(kind, data):
    assert "input 'seats' " in refused(body(tensor("seats", kind, data)))


def test_a_number_of_fp32_is_what_four_bytes_hold_of_it_in_either_form():
    in_json = decoded(tensor("price", "FP32", [0.1])).inputs[0].elements

    assert list(in_json) == elements("FP32", [1], struct.pack("<f", 0.1)) != [0.1]


@pytest.mark.parametrize(("kind", "code", "values"), [
    ("INT8", "b", [-128, 127]), ("INT16", "h", [-(2**15), 2**15 - 1]), ("INT32", "i", [-(2**31), 2**31 - 1]),
    ("INT64", "q", [-(2**63), 2**63 - 1]), ("UINT8", "B", [0, 255]), ("UINT16", "H", [0, 2**16 - 1]),
    ("UINT32", "I", [0, 2**32 - 1]), ("UINT64", "Q", [0, 2**64 - 1]), ("FP16", "e", [1.5, -65_504.0]),
    ("FP32", "f", [0.5, -(2.0**100)]), ("FP64", "d", [0.1, -1e300]), ("BOOL", "?", [True, False]),
])
def test_binary_data_are_little_endian_numbers(kind, code, values):
    assert elements(kind, [2], struct.pack(f"<2{code}", *values)) == values


def test_bf16_is_the_upper_half_of_a_number_in_four_bytes():
    upper = b"".join(struct.pack("<f", value)[2:] for value in (1.0, -2.5, 3.0e38))

    assert elements("BF16", [3], upper)[:2] == [1.0, -2.5]
    assert elements("BF16", [3], upper)[2] == pytest.approx(3.0e38, rel=0.01)


def test_text_is_preceded_by_its_length():
    assert elements("BYTES", [2, 1], b"\x02\0\0\0UA\x03\0\0\0\xc3\xa9\0") == ["UA", "é\0"]


@pytest.mark.parametrize(("kind", "shape", "data"), [
    ("INT64", [1], b"\0" * 7), ("INT64", [1], b"\0" * 9), ("FP64", [2], b"\0" * 8), ("BOOL", [1], b"\x02"),
    ("BYTES", [1], b"\x01\0\0"), ("BYTES", [1], b"\xff\xff\xff\xffa"), ("BYTES", [2], b"\x01\0\0\0a"),
    ("BYTES", [1], b"\x01\0\0\0a\x01\0\0\0b"), ("BYTES", [1], b"\x01\0\0\0\xff"), ("BYTES", [1], b""),
    ("FP64", [2**60], b"\0" * 8), ("INT64", [-1], b""), ("WHAT", [1], b"\0"),
])
def test_binary_data_that_are_not_of_their_shape_and_datatype_are_refused(kind, shape, data):
    assert "input 'x' " in refused(*binary(("x", kind, shape, data)))


def test_binary_and_json_tensors_may_stand_in_one_request():
    parts = {"name": "b", "datatype": "INT8", "shape": [1], "parameters": {"binary_data_size": 1}}
    head = body(tensor("a"), parts, tensor("c", "BOOL", [True]))

    request = rest.decode(head + b"\x05", {rest.HEADER: str(len(head)).encode()})

    assert [list(one.elements) for one in request.inputs] == [[1, 2], [5], [True]]


@pytest.mark.parametrize("length", [b"-1", b"x", b"", b"99999", b"1e2", b"9" * 5000, "٣".encode()])
def test_a_length_of_the_json_that_cannot_be_is_refused(length):
    data, _ = binary(("x", "INT8", [1], b"\0"))

    assert "Inference-Header-Content-Length" in refused(data, {rest.HEADER: length})


@pytest.mark.parametrize("size", [-1, 2, 2**62, True, 1.0, "1"])
def test_a_size_of_binary_data_that_cannot_be_is_refused(size):
    head = body({"name": "x", "datatype": "INT8", "shape": [1], "parameters": {"binary_data_size": size}})

    refused(head + b"\0", {rest.HEADER: str(len(head)).encode()})


def test_bytes_that_belong_to_no_tensor_and_tensors_with_two_sorts_of_data_are_refused():
    data, headers = binary(("x", "INT8", [1], b"\0"))

    assert "1 bytes behind" in refused(data + b"\0", headers)
    assert "one of the two" in refused(body(tensor(parameters={"binary_data_size": 16})))
    assert "of which 0 are there" in refused(
        body({"name": "x", "datatype": "INT8", "shape": [1], "parameters": {"binary_data_size": 1}}))


def test_rows_are_read_across_the_tensors():
    request = decoded(
        tensor("seats", "UINT8", [1, 2]), tensor("price", "FP32", [0.5, 2]), tensor("carrier", "BYTES", ["UA", "AA"]),
        tensor("express", "BOOL", [True, False]), tensor("departure", "INT64", [5, 6]),
    )

    assert rows_of(request.inputs, COLUMNS) == [
        {"seats": 1, "price": 0.5, "carrier": "UA", "express": True, "departure": 5},
        {"seats": 2, "price": 2.0, "carrier": "AA", "express": False, "departure": 6},
    ]


@pytest.mark.parametrize("inputs", [
    [], [tensor("nobody")], [tensor(), tensor()], [tensor(), tensor("price", "FP64", [1.0])],
    [tensor("seats", "FP64", [1.0])], [tensor("price", "INT32", [1])], [tensor("carrier", "INT64", [1])],
    [tensor("express", "INT8", [1])], [tensor("departure", "BYTES", ["2013-01-01T00:00:00Z"])],
])
def test_tensors_that_are_not_those_of_the_model_are_refused(inputs):
    with pytest.raises(RefusedError) as error:
        rows_of(decoded(*inputs).inputs, COLUMNS)

    assert error.value.status == 400


def test_not_a_number_is_the_null_of_a_nullable_column_and_stays_itself_elsewhere():
    nan = struct.pack("<d", math.nan)
    request = rest.decode(*binary(("delay", "FP64", [1], nan), ("price", "FP64", [1], nan)))

    row, = rows_of(request.inputs, COLUMNS)
    assert row["delay"] is None
    assert math.isnan(row["price"])


ANSWER = InferAnswer("main", "3", "7", (
    Tensor("prediction", "BYTES", (2,), ["é", ""]), Tensor("probability", "FP64", (2,), [0.25, None]),
    Tensor("late", "BOOL", (2,), [True, False]),
))


def test_an_answer_in_json_holds_its_data():
    response = rest.encode(ANSWER, InferRequest(()))

    assert response.headers == {}
    assert json.loads(response.body) == {
        "model_name": "main", "model_version": "3", "id": "7", "outputs": [
            {"name": "prediction", "datatype": "BYTES", "shape": [2], "data": ["é", ""]},
            {"name": "probability", "datatype": "FP64", "shape": [2], "data": [0.25, None]},
            {"name": "late", "datatype": "BOOL", "shape": [2], "data": [True, False]},
        ],
    }


def test_an_output_says_for_itself_whether_it_is_binary_else_the_request_does():
    asked = InferRequest((), outputs=(Wanted("prediction", True), Wanted("probability"), Wanted("late", False)))

    response = rest.encode(ANSWER, InferRequest((), outputs=asked.outputs, binary=True))
    length = int(response.headers[rest.HEADER])
    head, rest_of_it = json.loads(response.body[:length]), response.body[length:]

    assert [one.get("parameters") for one in head["outputs"]] == [
        {"binary_data_size": 10}, {"binary_data_size": 16}, None]
    assert rest_of_it[:10] == b"\x02\0\0\0\xc3\xa9\0\0\0\0"
    assert struct.unpack("<d", rest_of_it[10:18]) == (0.25,)
    assert math.isnan(*struct.unpack("<d", rest_of_it[18:]))
    assert rest.encode(ANSWER, InferRequest((), outputs=asked.outputs)).headers.keys() == {rest.HEADER}


def test_what_is_wrong_with_a_request_is_400_in_this_protocol():
    assert json.loads(rest.refusal(RefusedError(422, "no")).body) == {"error": "no"}
    assert [rest.refusal(RefusedError(status, "no")).status for status in (422, 404, 503)] == [400, 404, 503]


FINITE = {"FP16": 16, "FP32": 32, "FP64": 64}
VALUES = {
    kind.name: st.text() if kind.kind == "text" else st.booleans() if kind.kind == "truth"
    else st.floats(width=FINITE[kind.name], allow_nan=False) if kind.name in FINITE
    else st.integers(*kind.bounds)
    for kind in DATATYPES.values() if kind.name != "BF16"
}


@given(st.data())
def test_json_binary_and_protobuf_carry_the_same_elements(data):
    kind = DATATYPES[data.draw(st.sampled_from(sorted(VALUES)))]
    values = data.draw(st.lists(VALUES[kind.name], min_size=1, max_size=20))
    message = MESSAGES["ModelInferRequest"]()
    message.inputs.add(name="x", datatype=kind.name, shape=[len(values)])
    message.raw_input_contents.append(to_bytes(kind, values))

    assert list(from_bytes(kind, to_bytes(kind, values), len(values))) == values
    assert list(wire.decode(message).inputs[0].elements) == values
    if kind.field:
        assert list(from_json(kind, values)) == values
        message.ClearField("raw_input_contents")
        texts = [value.encode() for value in values] if kind.kind == "text" else values
        getattr(message.inputs[0].contents, kind.field).extend(texts)
        assert list(wire.decode(message).inputs[0].elements) == values


@given(st.binary(max_size=200), st.sampled_from(sorted(DATATYPES)), st.integers(1, 1000))
def test_any_bytes_are_elements_or_refused(data, kind, count):
    with contextlib.suppress(ValueError):
        assert len(from_bytes(DATATYPES[kind], data, count)) == count


def infer_request(
    kind: str = "INT8", shape: tuple[int, ...] = (1,), raw: tuple[bytes, ...] = (), **contents: Any,
) -> Any:
    message = MESSAGES["ModelInferRequest"](raw_input_contents=raw)
    message.inputs.add(name="x", datatype=kind, shape=shape)
    for name, values in contents.items():
        getattr(message.inputs[0].contents, name).extend(values)
    return message


@pytest.mark.parametrize("message", [
    infer_request(), infer_request(int_contents=[128]), infer_request(int_contents=[1, 2]),
    infer_request(int64_contents=[1]), infer_request(int_contents=[1], bool_contents=[True]),
    infer_request(raw=(b"\1", b"\1")), infer_request(raw=(b"\1",), int_contents=[1]), infer_request(raw=(b"\1\2",)),
    infer_request("FP16", fp32_contents=[1.0]), infer_request("BYTES", bytes_contents=[b"\xff"]),
    infer_request("WHAT", int_contents=[1]), infer_request(shape=(), int_contents=[1]),
    infer_request(shape=(-1,), int_contents=[1]), infer_request(shape=(2**60, 1), int_contents=[1]),
])
def test_messages_that_contradict_themselves_are_refused(message):
    with pytest.raises(RefusedError) as error:
        wire.decode(message)

    assert error.value.status == 400


def test_an_answer_in_protobuf_is_raw_where_the_request_was():
    typed, raw = (wire.encode(ANSWER, InferRequest((), binary=binary)) for binary in (False, True))

    assert list(typed.outputs[0].contents.bytes_contents) == ["é".encode(), b""]
    assert list(typed.outputs[2].contents.bool_contents) == [True, False]
    assert (typed.raw_output_contents, typed.model_version, typed.id) == ([], "3", "7")
    assert raw.raw_output_contents[2] == b"\1\0"
    assert not raw.outputs[0].HasField("contents")
