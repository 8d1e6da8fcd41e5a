"""What a request costs: processor time of the whole process tree, for the same small network in every server."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from support import closed_loop, hello, ours, peers
from support.closed_loop import Cost
from support.page import Measure, Part, Table, measure
from support.servers import Server, running

CONNECTIONS, WARM_SECONDS, SECONDS, ROUNDS = 32, 3, 8, 3
RIVALS = ("BentoML", "BentoML, batchable", "LitServe", "MLServer", "MLServer, in process", "KServe")
ALONE = "uvicorn alone"
COLUMNS = ("server", "CPU µs per request", "times uvicorn alone", "requests/s", "p50 ms", "p99 ms", "refused")
NOTE = f"""A network of 16-64-64-4 in the same build of torch, one row of 16 floats as JSON, one worker process where a
server lets one choose, one thread of arithmetic. `wrk -t1 -c{CONNECTIONS}`, {SECONDS} s after {WARM_SECONDS} s of
warming up, on the same cores; {ROUNDS} rounds, each server started anew and in turn, medians. Processor time is that
of the whole process tree. Peers as they ship, but for access logs, which are off, and metrics, which are on. Ours
knows its client by a bearer token, validates the request against the model's signature, admits or refuses it by its
deadline, batches, counts drift of every input, keeps histograms, and logs a tenth of the requests; its network has
another 16 inputs that say what is missing.
*{ALONE}* reads as many bytes and answers with one word: what it costs is what the machine was worth in that hour, 15 µs
on an idle one of the kind for which 50 µs are the target. Latencies of a closed loop are those of
{CONNECTIONS} clients that wait for each other: see *overload* for others.
"""


def main() -> Part:
    if closed_loop.wrk() is None:
        return Part("speed", "Skipped: `wrk` is not installed.\n", (), ())
    peers.install()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        mine = ours.variants(Path(folder))
        servers = (*mine, hello.server(ALONE, mine[0].body), *peers.peers().values())
        rounds = measured(servers)
    found = {name: middle(costs) for name, costs in rounds.items()}
    return Part("speed", NOTE, measures(found, rounds), (table(found),))


def measured(servers: Sequence[Server]) -> dict[str, list[Cost]]:
    """The rounds alternate between servers, so that a slow minute of the machine does not meet one of them alone."""
    rounds: dict[str, list[Cost]] = {}
    for _ in range(ROUNDS):
        for server in servers:
            with running(server) as started:
                closed_loop.load(started, CONNECTIONS, WARM_SECONDS)
                cost = closed_loop.cost(started, CONNECTIONS, SECONDS)
            print(f"  {server.name}: {cost.cpu_us:,.1f} µs", flush=True)
            rounds.setdefault(server.name, []).append(cost)
    return rounds


def middle(rounds: list[Cost]) -> Cost:
    """The median of each figure by itself."""
    figures = ("cpu_us", "requests_per_second", "p50_ms", "p99_ms", "refused", "failed")
    return replace(rounds[0], **{each: statistics.median(getattr(one, each) for one in rounds) for each in figures})


def measures(found: dict[str, Cost], rounds: dict[str, list[Cost]]) -> tuple[Measure, ...]:
    """Ratios are of one round, and the median of them: both servers had the same minutes of the machine."""
    mine = {name: one.cpu_us for name, one in found.items() if name.startswith("ours")}
    best = min(RIVALS, key=lambda name: found[name].cpu_us)
    least = min(mine, key=lambda name: mine[name])

    def ratio(other: str) -> float:
        return statistics.median(
            one.cpu_us / another.cpu_us for one, another in zip(rounds[least], rounds[other], strict=True))

    return (
        *(measure(f"CPU per request, {name}", microseconds, "µs", "≤ 50") for name, microseconds in mine.items()),
        measure("CPU per request, ours against uvicorn alone", ratio(ALONE), "x", "≤ 3.3", "50 µs of 15"),
        measure("CPU per request, ours against the least of BentoML, LitServe, MLServer and KServe", ratio(best), "x",
                "≤ 0.1", best),
    )


def table(found: dict[str, Cost]) -> Table:
    alone = found[ALONE].cpu_us
    return Table(COLUMNS, tuple((
        name, one.cpu_us, one.cpu_us / alone, one.requests_per_second, one.p50_ms, one.p99_ms,
        one.refused + one.failed,
    ) for name, one in found.items()))  # fmt: skip
