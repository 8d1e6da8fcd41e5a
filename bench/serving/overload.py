"""Twice the load that a server can carry, from clients that do not wait for each other."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from support import open_loop, ours, peers
from support.open_loop import GAVE_UP, LOST, NONE, Outcome, Plan
from support.page import Measure, Part, Table, measure
from support.servers import Server, running

SERVICE_SECONDS = 0.005
RATE, SECONDS, TIMEOUT, SLO_MS = 400.0, 20.0, 0.5, 250.0
HEADERS = {"X-Request-Timeout": str(TIMEOUT)}
ALONE_SECONDS = 5.0
RIVALS = ("LitServe", "BentoML", "MLServer", "KServe")
COLUMNS = (
    "server", "answered in time, 1/s", "p50 ms", "p99 ms", "refused", "p50 ms of refusals", "p99 ms of refusals",
    "gave up", "lost", "idle before ms", "recovery ms",
)  # fmt: skip
NOTE = f"""A model that takes {1000 * SERVICE_SECONDS:g} ms for every row, one row at a time: no server can answer more
than {1 / SERVICE_SECONDS:g} requests/s. {RATE:g} requests/s are offered for {SECONDS:g} s, each at its own instant
whatever became of the others; a client gives up {1000 * TIMEOUT:g} ms after its request was due, and says so in
`X-Request-Timeout`. Times count from when a request was due. Recovery: from when the last client has its answer, or has
given up, until one is answered as fast as before. Ours promises 99% within {SLO_MS:g} ms. A machine that others use
wakes nobody in time: the model alone is the same work {ALONE_SECONDS:g} s long, one after the other, in the same run.
"""


def main() -> Part:
    peers.install()
    listed = peers.peers(SERVICE_SECONDS)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        mine = ours.slow("ours", Path(folder, "ours"), ours.project(Path(folder, "ours")), SERVICE_SECONDS)
        found = {one.name: flooded(one) for one in (mine, *(listed[name] for name in RIVALS))}
    return Part("overload", NOTE, measures(found["ours"], possible()), (table(found),))


def possible() -> float:
    """Requests a second of the model without a server."""
    command = [sys.executable, str(peers.FOLDER / "model.py"), str(SERVICE_SECONDS), str(ALONE_SECONDS)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def flooded(server: Server) -> Outcome:
    headers = {**server.headers, **HEADERS}
    with running(server) as started:
        return open_loop.offer(
            Plan(started.port, server.path, server.body.decode(), RATE, SECONDS, TIMEOUT, headers))


def measures(mine: Outcome, alone: float) -> tuple[Measure, ...]:
    answered, refused = mine.answers["200"], mine.answers.get("503")
    return (
        measure("answered in time", mine.goodput, "requests/s", "", f"{1 / SERVICE_SECONDS:g} are possible"),
        measure("the model alone", alone, "requests/s"),
        measure("answered in time / the model alone", mine.goodput / alone, "x", "≥ 0.95", "190 of 200"),
        measure("p99 of answers", answered.p99_ms, "ms", f"≤ {SLO_MS:g}", "the promise"),
        *((measure("p50 of refusals", refused.p50_ms, "ms", "≤ 2"),) if refused else ()),
        measure("recovery", mine.recovery_ms, "ms", "≤ 100"),
    )


def table(found: dict[str, Outcome]) -> Table:
    return Table(COLUMNS, tuple(row(name, one) for name, one in found.items()))


def row(name: str, one: Outcome) -> tuple[str | float, ...]:
    answered, refused = (one.answers.get(status, NONE) for status in ("200", "503"))
    gave_up, lost = (one.answers.get(how, NONE) for how in (GAVE_UP, LOST))
    return (
        name, one.goodput, answered.p50_ms, answered.p99_ms, refused.count, refused.p50_ms, refused.p99_ms,
        gave_up.count, lost.count, one.idle_ms, one.recovery_ms,
    )  # fmt: skip
