"""Requests that schemathesis makes up from a schema, right and wrong ones: no answer is a failure, and each is one that
the schema knows. Once from the document that the server itself gives, once from the protocol as it is written down."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "unsupported_method",
)


def run(schema: str, live: Any, folder: Path, *checks: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml", "run", schema,
         "--url", f"http://{live.http}", "--checks", ",".join([*CHECKS, *checks]), "--phases", "coverage,fuzzing",
         "--max-examples", "25", "--seed", "5", "--continue-on-failure", "--generation-database", "none",
         "--request-timeout", "10"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=300, env={**os.environ, "NO_COLOR": "1"},
    )


@pytest.mark.slow
def test_the_servers_own_document_says_how_every_request_is_answered(live, tmp_path):
    finished = run(f"http://{live.http}/openapi.json", live, tmp_path, "negative_data_rejection")

    assert finished.returncode == 0, finished.stdout


@pytest.mark.slow
def test_any_request_of_the_protocol_is_answered_as_the_protocol_says(live, tmp_path):
    finished = run(str(HERE / "open_inference.yaml"), live, tmp_path)

    assert finished.returncode == 0, finished.stdout
