"""A model whose features are read while a request waits: the flights example, from its online store."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from support import closed_loop, ours
from support.open_loop import Plan, offer
from support.page import Part, Table
from support.servers import Server, free_port, running

CONNECTIONS, WARM_SECONDS, SECONDS, RATE, TIMEOUT = 32, 3, 8, 200.0, 2.0
COLUMNS = ("online store", "CPU µs per request", "requests/s", "p50 ms at 200/s", "p99 ms at 200/s")
NOTE = f"""The model of `mlsystem init flights`: 32 inputs, of which 25 are read from six groups of the online store.
One flight as JSON, from {CONNECTIONS} connections; latencies from when each was due, of {RATE:g} requests/s that do not
wait for each other. Processor time is the server's; that of Redis is not in it.
"""


def main() -> Part:
    if closed_loop.wrk() is None:
        return Part("features", "Skipped: `wrk` is not installed.\n", (), ())
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = Path(temporary, "flights")
        ours.told(folder.parent, "mlsystem.cli.main", "init", "flights", folder.name)
        contract = ours.carried_out(folder)
        flight = json.loads((folder / "data" / "requests.json").read_text())[0]
        server = ours.ours("SQLite", folder, contract, body=flight)
        rows = [measured(server)]
        if shutil.which("redis-server"):
            with redis(folder) as url:
                environ = {"MLSYSTEM_ONLINE_STORE": url}
                contract = in_redis(contract)
                ours.run_steps(folder, contract, "materialize.", environ)
                other = ours.ours("Redis", folder, contract, body=flight)
                rows.append(measured(replace(other, environ={**other.environ, **environ})))
    return Part("features", NOTE, (), (Table(COLUMNS, tuple(rows)),))


def measured(server: Server) -> tuple[str | float, ...]:
    with running(server) as started:
        closed_loop.load(started, CONNECTIONS, WARM_SECONDS)
        cost = closed_loop.cost(started, CONNECTIONS, SECONDS)
        paced = offer(Plan(started.port, server.path, server.body.decode(), RATE, float(SECONDS), TIMEOUT))
    answered = paced.answers["200"]
    return server.name, cost.cpu_us, cost.requests_per_second, answered.p50_ms, answered.p99_ms


def in_redis(contract: Path) -> Path:
    """The contract with another kind of store, which the language allows in a cluster only."""
    content = json.loads(contract.read_text())
    for section in ("server", "monitor"):
        content[section]["online_store"]["type"] = "redis"
    changed = contract.with_name("run-redis.json")
    changed.write_text(json.dumps(content))
    return changed


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(
        ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()
