"""Our own server under the conformance suite that any server can be put under."""

from __future__ import annotations

import json

from certificates import certificate_of
from msgspec.structs import replace

from mlsystem_runtime.contract.run import Auth, Tls
from mlsystem_runtime.serve.conformance.__main__ import main


def test_our_server_keeps_every_promise_of_the_protocol_that_applies_to_it(live, capsys) -> None:
    code = main([f"http://{live.http}", "--grpc", live.grpc, "--json"])

    report = json.loads(capsys.readouterr().out)
    assert [f"{one['id']}: {one['reason']}" for one in report["checks"] if one["verdict"] == "failed"] == []
    assert code == 0
    assert report["score"]["all"]["applicable"] >= 250


def test_it_keeps_them_behind_a_token_and_a_certificate_too(tmp_path, world_of, serve, capsys) -> None:
    pair, token = certificate_of("test"), "alice-0123456789abcdef"
    (tmp_path / "ca.pem").write_text(pair.certificate)
    world = world_of(tmp_path / "world")
    endpoints = tuple(replace(one, auth=Auth("TOKENS", "token")) for one in world.config.server.endpoints)
    section = replace(world.config.server, endpoints=endpoints, tls=Tls("CERTIFICATE", "KEY"))
    secrets = {"TOKENS": f"alice: {token}", "CERTIFICATE": pair.certificate, "KEY": pair.key}
    with serve(world, section=section, secrets=secrets) as live:
        words = [f"https://{live.http}", "--grpc", live.grpc, "--ca", str(tmp_path / "ca.pem")]
        code = main([*words, "--header", f"Authorization: Bearer {token}", "--json"])

    said = capsys.readouterr().out
    assert [f"{one['id']}: {one['reason']}" for one in json.loads(said)["checks"] if one["verdict"] == "failed"] == []
    assert code == 0
    assert token not in said
