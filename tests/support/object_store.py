"""`python object_store.py [HOST PORT]`: moto's S3, and its DynamoDB, on a loopback port, which it prints. Requests are
handled one at a time. Its clock is CLOCK_AHEAD_S seconds ahead of this machine's.

A real store decides a conditional write and carries it out as one; moto looks and then writes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

HOST = "127.0.0.1"
REGION = "eu-central-1"
AHEAD = "CLOCK_AHEAD_S"


def credentials(port: int) -> dict[str, str]:
    """The environment in which boto3 finds the store, and nothing else."""
    return {
        "AWS_ENDPOINT_URL_S3": f"http://{HOST}:{port}", "AWS_ENDPOINT_URL_DYNAMODB": f"http://{HOST}:{port}",
        "AWS_ACCESS_KEY_ID": "AKIATESTSONLY",
        "AWS_SECRET_ACCESS_KEY": "tests-only-secret", "AWS_DEFAULT_REGION": REGION, "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip


@contextlib.contextmanager
def object_store(ahead_s: float = 0.0) -> Iterator[Mapping[str, str]]:
    """A store of its own process; what there is to be set in the environment of whoever uses it."""
    command, environ = [sys.executable, __file__], {**os.environ, AHEAD: str(ahead_s)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ) as server:
        assert server.stdout is not None
        try:
            yield credentials(int(server.stdout.readline()))
        finally:
            server.kill()


def set_clock(ahead_s: float) -> None:
    """What the store says of objects, and of when it answers."""
    from http.server import BaseHTTPRequestHandler

    import moto.s3.models as objects

    now, handler = vars(objects)["utcnow"], BaseHTTPRequestHandler.date_time_string
    vars(objects)["utcnow"] = lambda: now() + timedelta(seconds=ahead_s)
    told: Any = lambda self, at=None: handler(self, time.time() + ahead_s if at is None else at)  # noqa: E731
    BaseHTTPRequestHandler.date_time_string = told  # type: ignore[method-assign]


def main() -> None:
    import moto.server as moto
    from werkzeug.serving import make_server

    set_clock(float(os.environ.get(AHEAD, "0")))
    module: Any = moto
    application, turn = module.DomainDispatcherApplication(module.create_backend_app), threading.Lock()

    def one_at_a_time(environment: dict[str, Any], start: Any) -> Any:
        with turn:
            return application(environment, start)

    host, port = sys.argv[1:] or (HOST, "0")
    server = make_server(host, int(port), one_at_a_time, threaded=True)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
