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

import pyarrow as pa
import pyarrow.parquet
from support import closed_loop, ours
from support.open_loop import Plan, offer
from support.page import Measure, Part, Table, measure
from support.servers import Server, free_port, running
from support.starts import REFERENCE, Start, start

CONNECTIONS, WARM_SECONDS, SECONDS, RATE, TIMEOUT = 32, 3, 8, 200.0, 2.0
FLIGHTS = 2000
COLUMNS = ("online store", "CPU µs per request", "requests/s", "p50 ms at 200/s", "p99 ms at 200/s")
NOTE = f"""The model of `mlsystem init flights`: 32 inputs, of which 25 are read from six groups of the online store.
One flight a request, of {FLIGHTS} different ones in turn, from {CONNECTIONS} connections; latencies from when each was
due, of {RATE:g} requests/s for the same flight that do not wait for each other. Processor time is the server's; that of
Redis is not in it.
"""


def main() -> Part:
    if closed_loop.wrk() is None:
        return Part("features", "Skipped: `wrk` is not installed.\n", (), ())
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = Path(temporary, "flights")
        ours.told(folder.parent, "mlsystem.cli.main", "init", "flights", folder.name)
        contract = ours.carried_out(folder)
        flight, *others = flights(folder)
        server = replace(ours.ours("SQLite", folder, contract), body=flight, others=others)
        ready = start(server.command(0)[:-1], server.environ)
        rows = [measured(server)]
        if shutil.which("redis-server"):
            with redis(folder) as url:
                environ = {"MLSYSTEM_ONLINE_STORE": url}
                contract = in_redis(contract)
                ours.run_steps(folder, contract, "materialize.", environ)
                other = replace(ours.ours("Redis", folder, contract), body=flight, others=others)
                rows.append(measured(replace(other, environ={**other.environ, **environ})))
    return Part("features", NOTE, measures(ready), (Table(COLUMNS, tuple(rows)),))


def measures(ready: Start) -> tuple[Measure, ...]:
    unit, reference = f"x ({ready.cpu:.2f} s)", f"python -c '{REFERENCE}'"
    return (
        measure("process start to ready, flights", ready.seconds, "s", "≤ 1.5", "with its recorded rows"),
        measure("process start to ready, flights, CPU", ready.ratio, unit, "≤ 3", reference),
    )


def flights(folder: Path) -> list[bytes]:
    """The last departures of the data, as a client asks about them now."""
    sample = json.loads((folder / "data" / "requests.json").read_text())[0]
    names = [name for name in sample if name != "at"]
    rows = pa.parquet.read_table(folder / "data" / "flights.parquet", columns=names)
    latest = rows.sort_by("scheduled_departure").slice(len(rows) - FLIGHTS).to_pylist()
    return [json.dumps(row, default=lambda instant: instant.isoformat()).encode() for row in latest]


def measured(server: Server) -> tuple[str | float, ...]:
    with running(server) as started:
        closed_loop.load(started, CONNECTIONS, WARM_SECONDS)
        cost = closed_loop.cost(started, CONNECTIONS, SECONDS)
        paced = offer(Plan(
            started.port, server.path, server.body.decode(), RATE, float(SECONDS), TIMEOUT, server.headers))
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
