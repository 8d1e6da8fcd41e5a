"""A server with doors: what each path wants, what a refusal says, and that secrets are followed and never shown."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from certificates import certificate_of
from msgspec.structs import replace

from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import CLIENT_REQUESTS, DIE_WITH_PARENT, REQUESTS, SECRET_FOLDER
from mlsystem_runtime.contract.run import Auth, RunConfig, Tls
from mlsystem_runtime.contract.workspace import write_struct
from mlsystem_runtime.serve.doors import PAGES, PROBES, Certificate, Doors
from mlsystem_runtime.serve.guarded import Guarded, doors_of
from mlsystem_runtime.serve.refused import RefusedError

ALICE, BOB, EVE = "alice-0123456789abcdef", "bob-0123456789abcdef", "eve-0123456789abcdef"
OWN_PATHS = sorted(path for path in PROBES if not path.startswith("/v2"))
PROGRAM = """
import sys
from mlsystem_runtime.contract.run import decode_run_config
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.serve.fakes import fake_loader
from mlsystem_runtime.serve.process import listen, run
import logging
logging.basicConfig(stream=sys.stderr, level=logging.DEBUG)
config, workspace = decode_run_config(open(sys.argv[1], "rb").read()), Workspace(sys.argv[2])
listener, pages, other = (listen("127.0.0.1", 0) for _ in range(3))
grpc_port = other.getsockname()[1]
other.close()
print(listener.getsockname()[1], pages.getsockname()[1], grpc_port, flush=True)
sys.exit(run(config, workspace, listener, fake_loader(workspace), grpc_port=grpc_port, pages=pages))
"""


def guarded_config(config: RunConfig, *models: str, pages: str = "token", tls: Tls | None = None) -> RunConfig:
    """Every model of `models` has a secret of its own, TOKENS_MODEL."""
    endpoints = tuple(
        replace(one, auth=Auth(f"TOKENS_{one.model}", pages)) if one.model in models else one
        for one in config.server.endpoints
    )
    return replace(config, server=replace(config.server, endpoints=endpoints, tls=tls))


@pytest.fixture
def behind(world, start, monkeypatch) -> Callable[..., object]:
    """Starts a server of `world` whose named models want tokens; `texts` are the secrets."""
    def started(*models: str, texts: Mapping[str, str], pages: str = "token"):
        for name, text in texts.items():
            monkeypatch.setenv(name, text)
        client = start(world)
        config = guarded_config(world.config, *models, pages=pages)
        inner, client.app = client.app, Guarded(client.app, doors_of(client.app.service, config.server))
        client.metrics = lambda: inner.service.metrics.text().decode()
        return client

    return started


@pytest.fixture
def client(behind):
    return behind("main", texts={"TOKENS_main": f"alice: {ALICE}\nbob: {BOB} 1rps"})


def test_a_prediction_wants_a_token_and_gets_one_answered(client, good_row):
    without = client.predict({"rows": [good_row]})
    answered = client.predict({"rows": [good_row]}, authorization=f"Bearer {ALICE}")

    assert (without.status, answered.status) == (401, 200)
    assert without.headers["www-authenticate"] == 'Bearer realm="flight-delay"'
    assert without.json["request_id"] == without.headers["x-request-id"]


def test_a_refused_request_is_answered_before_its_body_is_read(client):
    refused = client.send("POST", "/predict", b"x" * 2_000_000, leave=True)

    assert refused.status == 401


@pytest.mark.parametrize("path", OWN_PATHS)
def test_probes_are_for_everybody(client, path):
    assert client.get(path).status == 200


@pytest.mark.parametrize("path", sorted(PAGES))
def test_pages_want_a_token_unless_they_are_said_to_be_open(behind, path):
    texts = {"TOKENS_main": ALICE}

    assert behind("main", texts=texts).get(path).status == 401
    assert behind("main", texts=texts).send("GET", path, headers={"x_api_key": ALICE}).status == 200
    assert behind("main", texts=texts, pages="open").get(path).status == 200


@pytest.mark.parametrize("path", [
    "/main/predict", "/PREDICT", "/predict/", "//predict", "/v2", "/v2/models/main/infer", "/v2/models/none/infer",
    "/v2//models/main/infer", "/v2/repository/index", "/feedback", "/", "/nothing",
])  # fmt: skip
def test_whatever_is_not_known_to_be_free_wants_a_token(client, path):
    assert client.send("POST", path).status == 401


def test_beyond_its_quota_a_client_is_told_when_to_come_again(client, good_row):
    first, second = (client.predict({"rows": [good_row]}, x_api_key=BOB) for _ in range(2))

    assert (first.status, second.status) == (200, 429)
    assert second.headers["retry-after"] == "1"


def test_models_have_tokens_of_their_own(world, behind, good_row):
    world.models = ("main", "other", "free")
    world.release((1, 1.0))
    client = behind("main", "other", texts={"TOKENS_main": ALICE, "TOKENS_other": BOB})

    def status(model: str, **headers: str) -> int:
        return client.predict({"rows": [good_row]}, f"/{model}/predict", **headers).status

    assert [status(model, x_api_key=ALICE) for model in world.models] == [200, 403, 200]
    assert [status(model) for model in world.models] == [401, 401, 200]
    assert client.send("POST", "/main/feedback", headers={"x_api_key": BOB}).status == 403
    assert client.send("POST", "/v2//models/main/infer", headers={"x_api_key": BOB}).status == 403
    assert client.send("GET", "/status", headers={"x_api_key": BOB}).status == 200


def test_requests_are_counted_by_client_and_the_refused_are_no_valid_ones(client, good_row):
    for token in (ALICE, BOB, BOB, EVE):
        client.predict({"rows": [good_row]}, x_api_key=token)
    said = client.metrics()

    assert f'{CLIENT_REQUESTS}{{client="alice",model="main",outcome="ok"}} 1.0' in said
    assert f'{CLIENT_REQUESTS}{{client="bob",model="main",outcome="quota"}} 1.0' in said
    assert f'{CLIENT_REQUESTS}{{client="",model="main",outcome="unknown_token"}} 1.0' in said
    assert f'{REQUESTS}{{model="main",outcome="invalid",version=""}} 2.0' in said
    assert not any(token in said for token in (ALICE, BOB, EVE))


def test_a_call_over_grpc_wants_the_token_of_the_same_path(world):
    doors = Doors(guarded_config(world.config, "main").server, {"TOKENS_main": f"alice: {ALICE}"}, lambda *_: None)

    assert doors.admit("/v2/models/main/infer", {b"authorization": f"Bearer {ALICE}".encode()}) == "alice"
    assert doors.admit("/v2/health/live", {}) is None
    with pytest.raises(RefusedError, match="a token is needed"):
        doors.admit("/v2/models/main/infer", {})


def test_without_tokens_everybody_may_ask(world):
    doors = Doors(world.config.server, {}, lambda *_: None)

    assert doors.check({"path": "/predict", "headers": []}) is None
    assert doors.check({"path": "/v2/models/main/infer", "headers": []}) is None


@pytest.mark.parametrize("text", ["", "hunter2"])
def test_a_server_without_its_tokens_does_not_start(world, text):
    config = guarded_config(world.config, "main")

    with pytest.raises(MlsystemError, match="TOKENS_main") as refused:
        Doors(config.server, {"TOKENS_main": text}, lambda *_: None)

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("damage", ["another key", "no key", "an encrypted key"])
def test_a_server_without_its_certificate_does_not_start(damage):
    pair, other = certificate_of("one"), certificate_of("other")
    encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nhunter2\n-----END ENCRYPTED PRIVATE KEY-----"
    key = {"another key": other.key, "no key": "hunter2", "an encrypted key": encrypted}[damage]

    with pytest.raises(MlsystemError, match="'CERT' and 'KEY' are not a certificate and its key") as refused:
        Certificate(Tls("CERT", "KEY"), {"CERT": pair.certificate, "KEY": key})

    assert "hunter2" not in str(refused.value)


@dataclass
class Served:
    process: subprocess.Popen[bytes]
    port: int
    pages_port: int
    grpc_port: int
    secrets: Path

    def ask(self, path: str, *, trusted: str | None = None, method: str = "GET", **headers: str) -> int | None:
        """The status; None where no connection comes about. `trusted` is a certificate; without one, the pages."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.pages_port, timeout=5)
        if trusted is not None:
            context = ssl.create_default_context(cadata=trusted)
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=context)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request(method, path, json.dumps({"rows": []}), headers=named)
            return connection.getresponse().status
        return None

    def infer_over_grpc(self, trusted: str, *metadata: tuple[str, str]) -> grpc.StatusCode:
        """What a call without any input ends with."""
        with grpc.secure_channel(
            f"127.0.0.1:{self.grpc_port}", grpc.ssl_channel_credentials(trusted.encode())
        ) as channel:
            ask = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
            with pytest.raises(grpc.RpcError) as ended:
                ask(b"\n\x04main", timeout=5, metadata=metadata)
        return ended.value.code()

    def until(self, fact: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while not fact():
            assert time.monotonic() < end, "it never comes about"
            time.sleep(0.02)


@pytest.fixture
def served(world, card_of, tmp_path) -> Iterator[Served]:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    pair = certificate_of("first")
    for name, text in {"TOKENS_main": f"alice: {ALICE}", "CERT": pair.certificate, "KEY": pair.key}.items():
        (secrets / name).write_text(text)
    write_struct(world.workspace.version("main", 1) / "model.json", card_of(1))
    config = world.root / "run.json"
    config.write_bytes(canonical_json(guarded_config(world.config, "main", tls=Tls("CERT", "KEY"))))
    environ = {**os.environ, DIE_WITH_PARENT: str(os.getpid()), SECRET_FOLDER: str(secrets)}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(config), str(world.root)], env=environ, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    made = Served(process, *map(int, process.stdout.readline().split()), secrets)
    made.until(lambda: made.ask("/readyz") == 200)
    yield made
    process.kill()
    process.communicate()


def test_a_server_speaks_tls_and_follows_its_secrets_and_shows_none(served):
    first, second = (served.secrets / "CERT").read_text(), certificate_of("second")
    statuses = [
        served.ask("/status", trusted=first), served.ask("/status", trusted=first, x_api_key=ALICE),
        served.ask("/metrics"), served.ask("/predict", method="POST", x_api_key=ALICE), served.ask("/v2"),
    ]  # fmt: skip
    called = [served.infer_over_grpc(first), served.infer_over_grpc(first, ("authorization", f"Bearer {ALICE}"))]
    (served.secrets / "TOKENS_main").write_text(f"bob: {BOB}\n")
    served.until(lambda: served.ask("/status", trusted=first, x_api_key=BOB) == 200)
    ended = served.ask("/status", trusted=first, x_api_key=ALICE)
    (served.secrets / "CERT").write_text(second.certificate)
    (served.secrets / "KEY").write_text(second.key)
    served.until(lambda: served.ask("/livez", trusted=second.certificate) == 200)
    old = served.ask("/livez", trusted=first)
    served.process.send_signal(signal.SIGTERM)
    output = b"".join(served.process.communicate(timeout=20)).decode()

    assert statuses == [401, 200, 200, 404, 404]
    assert called == [grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INVALID_ARGUMENT]
    assert (ended, old) == (401, None)
    assert served.process.returncode == 0
    assert "tokens are in force" in output
    assert not any(secret in output for secret in (ALICE, BOB, second.key.splitlines()[1]))
