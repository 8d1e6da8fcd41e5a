"""Clients of another project talk to a real server: over HTTP and gRPC, each in a blocking and an asynchronous kind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
import tritonclient.http.aio
from tritonclient.utils import InferenceServerException

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.serve import process

ROWS = (
    {"carrier": "UA", "distance": 1400.0, "seats": 180, "express": False, "departure": 1_388_235_600_000_000},
    {"carrier": "é", "distance": 0.1, "seats": -1, "express": True, "departure": 0},
)
KINDS = {"carrier": "BYTES", "distance": "FP64", "seats": "INT64", "express": "BOOL", "departure": "INT64"}
ARRAYS = {"BYTES": np.object_, "FP64": np.float64, "INT64": np.int64, "BOOL": np.bool_}
INPUTS = [{"name": name, "datatype": kind, "shape": [-1]} for name, kind in {**KINDS, "note": "BYTES"}.items()]
OUTPUTS = [{"name": "prediction", "datatype": "BOOL", "shape": [-1]},
           {"name": "probability", "datatype": "FP64", "shape": [-1]}]


def tensors(module: Any, shape: tuple[int, ...] = (2,), **how: Any) -> list[Any]:
    made = []
    for name, kind in KINDS.items():
        tensor = module.InferInput(name, shape, kind)
        values = np.array([row[name] for row in ROWS], dtype=ARRAYS[kind]).reshape(shape)
        tensor.set_data_from_numpy(values, **how)
        made.append(tensor)
    return made


@pytest.fixture
def http(live) -> Iterator[Any]:
    with tritonclient.http.InferenceServerClient(live.http) as client:
        yield client


@pytest.fixture
def over_grpc(live) -> Iterator[Any]:
    with tritonclient.grpc.InferenceServerClient(live.grpc) as client:
        yield client


def test_the_http_client_learns_what_the_server_and_its_model_are(http):
    assert http.is_server_live()
    assert http.is_server_ready()
    assert [http.is_model_ready("main", version) for version in ("", "1", "2")] == [True, True, False]
    assert not http.is_model_ready("nobody")
    assert http.get_server_metadata()["extensions"] == ["binary_tensor_data", "parameters"]
    assert http.get_model_metadata("main") == {
        "name": "main", "versions": ["1"], "platform": "mlsystem_tabular", "inputs": INPUTS, "outputs": OUTPUTS}
    assert http.get_model_repository_index() == [{"name": "main", "version": "1", "state": "READY", "reason": ""}]


def test_the_grpc_client_learns_the_same(http, over_grpc):
    assert over_grpc.is_server_live()
    assert over_grpc.is_server_ready()
    assert [over_grpc.is_model_ready("main", version) for version in ("", "1", "2")] == [True, True, False]
    assert not over_grpc.is_model_ready("nobody")
    assert over_grpc.get_server_metadata(as_json=True) == http.get_server_metadata()
    said = over_grpc.get_model_metadata("main", as_json=True)
    assert [{**one, "shape": [int(size) for size in one["shape"]]} for one in said["inputs"]] == INPUTS
    assert over_grpc.get_model_repository_index(as_json=True)["models"] == [
        {"name": "main", "version": "1", "state": "READY"}]


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("packed", [None, "gzip", "deflate"])
def test_the_http_client_gets_what_our_own_json_gives(live, http, binary_in, binary_out, packed):
    wanted = [
        tritonclient.http.InferRequestedOutput(name, binary_data=binary_out) for name in ("probability", "prediction")
    ]

    result = http.infer("main", tensors(tritonclient.http, binary_data=binary_in), outputs=wanted, request_id="7",
                        request_compression_algorithm=packed)

    ours = live.predict({"rows": ROWS})["predictions"]
    assert result.as_numpy("probability").tolist() == [row["probability"] for row in ours]
    assert result.as_numpy("prediction").tolist() == [row["prediction"] for row in ours]
    said = result.get_response()
    assert (said["id"], said["model_name"], said["model_version"]) == ("7", "main", "1")
    assert [one["name"] for one in said["outputs"]] == ["probability", "prediction"]


def test_the_grpc_client_gets_what_our_own_json_gives(live, over_grpc):
    result = over_grpc.infer("main", tensors(tritonclient.grpc, shape=(2, 1)), request_id="7")

    ours = live.predict({"rows": ROWS})["predictions"]
    assert result.as_numpy("probability").tolist() == [row["probability"] for row in ours]
    assert result.as_numpy("prediction").tolist() == [row["prediction"] for row in ours]
    assert (result.get_response().id, result.get_response().model_version) == ("7", "1")


def test_the_asynchronous_clients_get_the_same(live):
    async def ask() -> tuple[list[Any], list[Any]]:
        async with tritonclient.http.aio.InferenceServerClient(live.http) as client:
            over_http = await client.infer("main", tensors(tritonclient.http))
        async with tritonclient.grpc.aio.InferenceServerClient(live.grpc) as client:
            over_grpc = await asyncio.gather(*(client.infer("main", tensors(tritonclient.grpc)) for _ in range(20)))
        return [over_http.as_numpy("probability").tolist()], [one.as_numpy("probability").tolist() for one in over_grpc]

    over_http, over_grpc = asyncio.run(ask())

    ours = [row["probability"] for row in live.predict({"rows": ROWS})["predictions"]]
    assert over_http == [ours]
    assert over_grpc == [ours] * 20


def refusal(ask: Callable[[], Any]) -> InferenceServerException:
    with pytest.raises(InferenceServerException) as refused:
        ask()
    return refused.value


def test_clients_read_why_they_are_refused(http, over_grpc):
    lacking = tensors(tritonclient.http)[1:]
    unknown = [tritonclient.http.InferRequestedOutput("nothing")]

    assert "'carrier' is missing" in refusal(lambda: http.infer("main", lacking)).message()
    assert "'nothing' is not an output" in refusal(
        lambda: http.infer("main", tensors(tritonclient.http), outputs=unknown)).message()
    assert refusal(lambda: http.infer("nobody", tensors(tritonclient.http))).status() == "404"
    assert refusal(lambda: http.infer("main", tensors(tritonclient.http), model_version="9")).status() == "404"

    over = {
        "INVALID_ARGUMENT": lambda: over_grpc.infer("main", tensors(tritonclient.grpc)[1:]),
        "NOT_FOUND": lambda: over_grpc.infer("nobody", tensors(tritonclient.grpc)),
    }
    assert {refusal(ask).status() for ask in over.values()} == {f"StatusCode.{name}" for name in over}
    assert refusal(lambda: over_grpc.infer("main", tensors(tritonclient.grpc), model_version="9")).status() \
        == "StatusCode.NOT_FOUND"


def test_a_deadline_that_has_passed_is_told_as_such(over_grpc, http):
    late = refusal(lambda: over_grpc.infer("main", tensors(tritonclient.grpc), timeout=1))
    assert late.status() == "StatusCode.DEADLINE_EXCEEDED"

    assert refusal(lambda: http.infer("main", tensors(tritonclient.http), timeout=1)).status() == "504"


def test_a_message_that_is_none_is_refused_in_words(live):
    with grpc.insecure_channel(live.grpc) as channel:
        ask = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        with pytest.raises(grpc.RpcError) as refused:
            ask(b"\xff\xff\xff", timeout=10)

    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details() == "the message is no ModelInferRequest"


def test_the_identity_of_a_call_comes_back_with_its_answer(live):
    with grpc.insecure_channel(live.grpc) as channel:
        ask = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")
        _, call = ask.with_call(b"", metadata=(("x-request-id", "r-1"),), timeout=10)

    assert ("x-request-id", "r-1") in call.trailing_metadata()


def test_a_server_that_was_told_to_stop_answers_for_a_while_then_ends_well(tmp_path, world_of, serve):
    with serve(world_of(tmp_path), delay=1.0) as live, tritonclient.grpc.InferenceServerClient(live.grpc) as client:
        assert client.is_server_ready()
        live.process.terminate()
        while client.is_server_ready():
            pass
        answered = client.infer("main", tensors(tritonclient.grpc))

        assert live.process.wait(timeout=20) == 0
    assert answered.as_numpy("probability").shape == (2,)


def test_a_port_of_grpc_that_is_taken_is_told_before_anything_is_loaded(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MlsystemError, match=str(port)):
            process.serve(None, None, "127.0.0.1", 0, grpc_port=port)
