"""Who may call over gRPC is who may ask over HTTP, and both show one certificate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from certificates import Pair, certificate_of
from msgspec.structs import replace

from mlsystem_runtime.contract.run import Auth, Tls
from mlsystem_runtime.serve.oip.messages import MESSAGES, METHODS

TOKEN = "alice-0123456789abcdef"
FREE = ("ServerLive", "ServerReady")


@pytest.fixture(scope="module")
def pair() -> Pair:
    return certificate_of("test")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, world_of, serve, pair) -> Iterator[Any]:
    world = world_of(tmp_path_factory.mktemp("guarded"))
    server = world.config.server
    endpoints = tuple(replace(one, auth=Auth("TOKENS", "token")) for one in server.endpoints)
    section = replace(server, endpoints=endpoints, tls=Tls("CERTIFICATE", "KEY"))
    secrets = {"TOKENS": f"alice: {TOKEN}", "CERTIFICATE": pair.certificate, "KEY": pair.key}
    with serve(world, section=section, secrets=secrets) as live:
        yield live


def call(live: Any, pair: Pair, name: str, *metadata: tuple[str, str]) -> grpc.StatusCode:
    message = MESSAGES[f"{name}Request"]()
    if name == "ModelInfer":
        message.model_name = "main"
    elif name.startswith("Model"):
        message.name = "main"
    with grpc.secure_channel(live.grpc, grpc.ssl_channel_credentials(pair.certificate.encode())) as channel:
        ask = channel.unary_unary(f"/inference.GRPCInferenceService/{name}")
        try:
            ask(message.SerializeToString(), metadata=metadata, timeout=10)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


@pytest.mark.parametrize("name", METHODS)
def test_only_probes_are_answered_without_a_token(guarded, pair, name):
    without, unknown = call(guarded, pair, name), call(guarded, pair, name, ("authorization", "Bearer x" * 5))

    assert {without, unknown} == {grpc.StatusCode.OK if name in FREE else grpc.StatusCode.UNAUTHENTICATED}


@pytest.mark.parametrize("name", METHODS)
def test_a_token_opens_every_call(guarded, pair, name):
    answered = call(guarded, pair, name, ("authorization", f"Bearer {TOKEN}"))

    assert answered == (grpc.StatusCode.INVALID_ARGUMENT if name == "ModelInfer" else grpc.StatusCode.OK)


def test_a_client_that_trusts_another_certificate_is_not_connected(guarded):
    assert call(guarded, certificate_of("other"), "ServerLive") == grpc.StatusCode.UNAVAILABLE
