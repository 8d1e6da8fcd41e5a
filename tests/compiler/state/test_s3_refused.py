"""A bucket that does not let us in: the command says which, what is missing and what to do, and no secret."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from object_store import credentials

PROJECT = Path(__file__).parents[2] / "cli" / "project"
SECRETS = ("tests-only-secret", "AKIATESTSONLY", "string-to-sign", "Traceback")
BODY = """<?xml version="1.0"?><Error><Code>{code}</Code><Message>{code}: string-to-sign</Message>
<AWSAccessKeyId>AKIATESTSONLY</AWSAccessKeyId><StringToSign>string-to-sign</StringToSign></Error>"""
REGION = {"x-amz-bucket-region": "ap-south-1"}

Refuse = Callable[[int, str, Mapping[str, str]], subprocess.CompletedProcess[str]]


class Refusing(BaseHTTPRequestHandler):
    """Answers every request of S3's protocol in the same way."""

    def __init__(self, status: int, code: str, headers: Mapping[str, str], *rest: object) -> None:
        self.status, self.code, self.told = status, code, headers
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        body = b"" if self.command == "HEAD" else BODY.format(code=self.code).encode()
        self.send_response(self.status)
        for name, value in {**self.told, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Refuse]:
    """`mlsystem plan` of the small system, whose state is in `s3://acme-state/bikes`, where the store answers so."""
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True)
    spec = tmp_path / "mlsystem.yaml"
    spec.write_text(spec.read_text().replace("port: 8099}", "port: 8099, state: s3://acme-state/bikes}"))
    servers: list[ThreadingHTTPServer] = []

    def plan(status: int, code: str, headers: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), partial(Refusing, status, code, headers)))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        environ = {**os.environ, **credentials(servers[-1].server_port)}
        program = Path(sys.executable).parent / "mlsystem"
        return subprocess.run([program, "plan"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    yield plan
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "headers", "missing", "todo"),
    [
        (403, "AccessDenied", {}, "AccessDenied", "s3:GetObject"),
        (403, "InvalidAccessKeyId", {}, "does not accept the credentials", "aws sts get-caller-identity"),
        (403, "SignatureDoesNotMatch", {}, "does not accept the credentials", "aws sts get-caller-identity"),
        (400, "ExpiredToken", {}, "does not accept the credentials", "renew them"),
        (403, "RequestTimeTooSkewed", {}, "the clock of this machine is wrong", "set it"),
        (404, "NoSuchBucket", {}, "there is no such bucket", "create it, or name another one as `state`"),
        (301, "PermanentRedirect", REGION, "the bucket is in ap-south-1", "AWS_DEFAULT_REGION to ap-south-1"),
        (400, "AuthorizationHeaderMalformed", REGION, "the bucket is in ap-south-1", "AWS_DEFAULT_REGION"),
        (400, "IllegalLocationConstraintException", {}, "the bucket is in another region", "AWS_DEFAULT_REGION"),
    ],
)
def test_a_store_that_refuses_is_told_with_what_to_do(
    planned: Refuse, status: int, code: str, headers: Mapping[str, str], missing: str, todo: str
) -> None:
    done = planned(status, code, headers)

    assert done.returncode == 1
    error, help = done.stderr.splitlines()
    assert error.startswith("error: s3://acme-state/bikes/manifest.json cannot be read: ")
    assert missing in error
    assert todo in help
    for secret in SECRETS:
        assert secret not in done.stderr + done.stdout
