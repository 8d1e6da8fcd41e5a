"""The same rows get the same answer by our JSON, and by the protocol in JSON, in binary and over gRPC."""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

COLUMNS = {
    "carrier": ("BYTES", np.object_), "distance": ("FP64", np.float64), "seats": ("INT64", np.int64),
    "express": ("BOOL", np.bool_), "departure": ("INT64", np.int64), "note": ("BYTES", np.object_),
}
TASKS = (
    ("binary_classification", ("probability",)), ("regression", ("value",)), ("multiclass", ("early", "late", "never")),
)
NARROW = {"seats": ("INT8", "UINT16", "INT32", "UINT32", "UINT64"), "distance": ("FP16", "FP32")}


def row(chance: random.Random, with_note: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "carrier": chance.choice(["UA", "", "é\0ü", "\U0001f600", "x" * 300]),
        "distance": chance.choice([0.0, -0.0, 0.1, 1e300, -5e-324, chance.uniform(-1e6, 1e6)]),
        "seats": chance.choice([0, -(2**63), 2**63 - 1, chance.randrange(500)]),
        "express": chance.random() < 0.5,
        "departure": chance.randrange(2**50),
    }
    return {**made, "note": chance.choice(["", "n"])} if with_note else made


def tensors(module: Any, rows: list[dict[str, Any]], **how: Any) -> list[Any]:
    made = []
    for name in rows[0]:
        kind, dtype = COLUMNS[name]
        tensor = module.InferInput(name, [len(rows)], kind)
        tensor.set_data_from_numpy(np.array([one[name] for one in rows], dtype=dtype), **how)
        made.append(tensor)
    return made


def read(result: Any, name: str) -> list[Any]:
    return [one.decode() if isinstance(one, bytes) else one for one in result.as_numpy(name).tolist()]


def answered(result: Any, names: list[str]) -> list[dict[str, Any]]:
    columns = {name: read(result, name) for name in names}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def ours(prediction: dict[str, Any]) -> dict[str, Any]:
    """Our own answer to one row, in the names of tensors."""
    classes = {f"probabilities.{name}": value for name, value in prediction.get("probabilities", {}).items()}
    return {name: value for name, value in prediction.items() if name not in ("version", "probabilities")} | classes


@pytest.mark.parametrize(("task", "outputs"), TASKS)
def test_all_protocols_answer_the_same_rows_alike(tmp_path, world_of, serve, task, outputs):
    chance = random.Random(5)
    with (
        serve(world_of(tmp_path, task=task, outputs=outputs)) as live,
        tritonclient.http.InferenceServerClient(live.http) as http,
        tritonclient.grpc.InferenceServerClient(live.grpc) as over_grpc,
    ):
        names = [one["name"] for one in http.get_model_metadata("main")["outputs"]]
        for size in (1, 2, 7, 100, 1000):
            rows = [row(chance, with_note=size % 2 == 0) for _ in range(size)]

            expected = [ours(one) for one in live.predict({"rows": rows})["predictions"]]

            texts = [tritonclient.http.InferRequestedOutput(name, binary_data=False) for name in names]
            assert set(names) == set(expected[0])
            for result in (
                http.infer("main", tensors(tritonclient.http, rows, binary_data=False), outputs=texts),
                http.infer("main", tensors(tritonclient.http, rows, binary_data=True)),
                over_grpc.infer("main", tensors(tritonclient.grpc, rows)),
            ):
                assert answered(result, names) == expected


def test_narrower_numbers_are_answered_as_the_same_values_in_the_declared_type(live):
    chance = random.Random(6)
    plain = row(chance, with_note=False) | {"seats": 100, "distance": 1.5}
    expected = live.predict(plain)["predictions"][0]["probability"]
    with tritonclient.http.InferenceServerClient(live.http) as http:
        for name, kinds in NARROW.items():
            for kind in kinds:
                inputs = [one for one in tensors(tritonclient.http, [plain]) if one.name() != name]
                narrow = tritonclient.http.InferInput(name, [1], kind)
                dtype = getattr(np, kind.lower().replace("fp", "float"))
                narrow.set_data_from_numpy(np.array([plain[name]], dtype=dtype))

                result = http.infer("main", [*inputs, narrow])

                assert result.as_numpy("probability").tolist() == [expected], kind


@pytest.mark.parametrize(("name", "value"), [
    ("distance", float("nan")), ("distance", float("inf")), ("departure", 2**62), ("departure", -(2**62)),
])
def test_what_json_refuses_in_a_row_the_protocol_refuses_in_a_tensor(live, name, value):
    rows = [row(random.Random(7), with_note=False) | {name: value}]

    refusals = []
    for module, address in ((tritonclient.http, live.http), (tritonclient.grpc, live.grpc)):
        with module.InferenceServerClient(address) as client, pytest.raises(InferenceServerException) as refused:
            client.infer("main", tensors(module, rows))
        refusals.append(refused.value)
    body = json.dumps({"rows": rows}).encode()
    with pytest.raises(urllib.error.HTTPError) as in_json:
        urllib.request.urlopen(urllib.request.Request(f"http://{live.http}/predict", body), timeout=10)

    with in_json.value as by_us:
        assert by_us.code == 422
    assert [one.status() for one in refusals] == ["400", "StatusCode.INVALID_ARGUMENT"]
    assert len({one.message() for one in refusals}) == 1
