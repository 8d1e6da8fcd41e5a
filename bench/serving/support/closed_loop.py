"""Load from wrk: as many requests as a fixed number of connections can carry. Says what a request costs, not how long
it takes under a load that does not wait for answers; that is `open_loop`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from support.processes import cpu_seconds
from support.servers import Running

SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local bodies, requests, sent = {}, {}, 0
for line in io.lines(os.getenv("BENCH_BODIES")) do bodies[#bodies + 1] = line end
wrk.body = bodies[1]
if #bodies > 1 then
  init = function() for place, body in ipairs(bodies) do requests[place] = wrk.format(nil, nil, nil, body) end end
  request = function() sent = sent + 1; return requests[sent % #requests + 1] end
end
done = function(summary, latency)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  local told = '\\n{"requests": %d, "seconds": %f, "p50_us": %f, "p99_us": %f, "refused": %d, "failed": %d}\\n'
  io.write(string.format(told, summary.requests, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99), summary.errors.status, failed))
end
"""


@dataclass(frozen=True)
class Cost:
    """`cpu_us` is user and system time of the whole process tree for each request that was answered with 200. Latencies
    are of all, from when they were sent."""

    cpu_us: float
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    refused: int
    failed: int


def wrk() -> str | None:
    return shutil.which("wrk")


def cost(running: Running, connections: int, seconds: int) -> Cost:
    """`seconds` of load from one thread of wrk on `connections` that are kept alive."""
    before = cpu_seconds(running.pid)
    told = load(running, connections, seconds)
    used = cpu_seconds(running.pid) - before
    answered = told["requests"] - told["refused"]
    return Cost(
        cpu_us=1e6 * used / answered, requests_per_second=answered / told["seconds"],
        p50_ms=told["p50_us"] / 1000, p99_ms=told["p99_us"] / 1000,
        refused=int(told["refused"]), failed=int(told["failed"]),
    )  # fmt: skip


def load(running: Running, connections: int, seconds: int) -> dict[str, float]:
    program = wrk()
    assert program is not None, "the caller has looked for it"
    headers = [part for name, value in running.server.headers.items() for part in ("-H", f"{name}: {value}")]
    with tempfile.TemporaryDirectory() as folder:
        script, bodies = Path(folder, "post.lua"), Path(folder, "bodies")
        script.write_text(SCRIPT)
        bodies.write_bytes(b"\n".join((running.server.body, *running.server.others)))
        done = subprocess.run(
            [program, "-t1", f"-c{connections}", f"-d{seconds}s", *headers, "-s", str(script), running.url],
            env={**os.environ, "BENCH_BODIES": str(bodies)}, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told
