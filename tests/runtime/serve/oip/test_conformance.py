"""Our own server under the conformance suite that any server can be put under."""

from __future__ import annotations

import json

from mlsystem_runtime.serve.conformance.__main__ import main


def test_our_server_keeps_every_promise_of_the_protocol_that_applies_to_it(live, capsys) -> None:
    code = main([f"http://{live.http}", "--grpc", live.grpc, "--json"])

    report = json.loads(capsys.readouterr().out)
    assert [f"{one['id']}: {one['reason']}" for one in report["checks"] if one["verdict"] == "failed"] == []
    assert code == 0
    assert report["score"]["all"]["applicable"] >= 250
