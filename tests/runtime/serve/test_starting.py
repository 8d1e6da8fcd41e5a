"""What a server has in memory when it is ready: nothing that its requests do not need."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from released_servers import released

from mlsystem_runtime.steps import register

HEAVY = {
    "boto3", "duckdb", "google", "grpc", "http.client", "mlflow", "onnx", "opentelemetry", "pandas", "pyarrow", "redis",
    "safetensors", "scipy", "sklearn", "sqlglot", "torch",
}  # fmt: skip
MODULE = re.compile(r"^import time:.*\| +(\S+)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "track", lambda *_args, **_values: None)


def test_a_server_that_is_ready_has_loaded_only_what_requests_need(tmp_path: Path) -> None:
    """A process as it is started, told by Python itself what it imports."""
    python, *words = released(tmp_path)
    said, port = tmp_path / "said", free_port()

    with open(said, "wb") as errors, subprocess.Popen(
        [python, "-X", "importtime", *words, "--port", str(port)], stderr=errors
    ) as server:
        try:
            become_ready(server, port)
        finally:
            server.send_signal(signal.SIGTERM)
            imported = set(MODULE.findall(said.read_text()))

    assert {"onnxruntime", "uvicorn", "mlsystem_runtime.features.online"} <= imported
    assert not HEAVY & (imported | {name.partition(".")[0] for name in imported})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def become_ready(server: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise AssertionError("the server does not become ready")
