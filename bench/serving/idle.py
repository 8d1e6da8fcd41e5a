"""What one client alone waits after others were many: a batcher may have learned the wrong thing from them."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from support import closed_loop, ours, peers
from support.page import Measure, Part, Table, measure
from support.servers import Running, Server, running

CONNECTIONS, BURST_SECONDS, SAMPLES, ASKED_SECONDS, LEAST = 32, 6, (1, 2, 5, 10, 20), 0.5, 5
COLUMNS = ("server", "before ms", *(f"after {second} s" for second in SAMPLES))
NOTE = f"""The latency of one client alone, median of what it asks in {ASKED_SECONDS} s, one request after another:
before, and some seconds after a burst of {BURST_SECONDS} s from {CONNECTIONS} connections.
"""


def main() -> Part:
    if closed_loop.wrk() is None:
        return Part("idle", "Skipped: `wrk` is not installed.\n", (), ())
    peers.install()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        servers = (*ours.variants(Path(folder)), peers.peers()["BentoML, batchable"])
        found = {one.name: after_a_burst(one) for one in servers}
    return Part("idle", NOTE, measures(found), (Table(COLUMNS, tuple((name, *ms) for name, ms in found.items())),))


def after_a_burst(server: Server) -> list[float]:
    """Milliseconds before, then at each of SAMPLES."""
    with running(server) as started:
        alone(started)
        found = [alone(started)]
        closed_loop.load(started, CONNECTIONS, BURST_SECONDS)
        ended = time.monotonic()
        for second in SAMPLES:
            time.sleep(max(0.0, ended + second - time.monotonic()))
            found.append(alone(started))
    return found


def alone(started: Running) -> float:
    """Milliseconds; of LEAST requests at least, however slow."""
    until, found = time.monotonic() + ASKED_SECONDS, [seconds(started)]
    while time.monotonic() < until or len(found) < LEAST:
        found.append(seconds(started))
    return 1000 * statistics.median(found)


def seconds(started: Running) -> float:
    began = time.perf_counter()
    status, _ = started.ask()
    assert status == 200, f"{started.server.name} answers {status} to a client alone"
    return time.perf_counter() - began


def measures(found: dict[str, list[float]]) -> tuple[Measure, ...]:
    return tuple(
        measure(f"latency 1 s after a burst against before, {name}", found[name][1] / found[name][0], "x", "≤ 1.5")
        for name in found if name.startswith("ours")
    )
