"""`python bench/serving/fuzz.py [--minutes N] [--seed S] [--case N]`: requests that no client should send.

Each is a valid request, changed by a generator that its seed and number decide; `--case` sends one again. A server may
refuse all of them, and must answer or close the connection in time, never with a 5xx but an honest 503 or 504, go on
answering what is valid, and not grow. Exit code 1 where it does not.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from support import ours
from support.processes import resident_bytes
from support.servers import Running, running
from support.strange_requests import strange_request
from support.wire import NOT_HTTP, HungError, exchange

HONEST = ("503", "504")
BOUND_SECONDS, ALIVE_EVERY, SHOWN = 5.0, 500, 10
SETTLED_CASES, GROWTH_MB = 2000, 32.0
MB = 1 << 20


@dataclass
class Findings:
    """`statuses` counts answers by status, `closed` where there was none. `broken` says what must not be."""

    statuses: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0

    @property
    def cases(self) -> int:
        return self.statuses.total()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = Path(folder, "ours")
        with running(ours.ours("ours", project, ours.project(project))) as started:
            if args.case is not None:
                return shown(started, args.seed, args.case)
            findings, grown_mb = fuzzed(started, args.seed, time.monotonic() + 60 * args.minutes)
    return told(findings, grown_mb)


def fuzzed(started: Running, seed: int, until: float) -> tuple[Findings, float]:
    """What was found, and by how much the server's memory grew once it had met some of everything."""
    findings, settled, number = Findings(), 0.0, 0
    while time.monotonic() < until and len(findings.broken) < SHOWN:
        send(started, findings, seed, number)
        number += 1
        if number == SETTLED_CASES:
            settled = resident_bytes(started.pid) / MB
        if number % ALIVE_EVERY == 0 and started.ask(BOUND_SECONDS)[0] != 200:
            findings.broken.append(f"case {number - 1}: a valid request is not answered any more")
    return findings, resident_bytes(started.pid) / MB - settled if settled else 0.0


def case(seed: int, number: int) -> bytes:
    return strange_request(random.Random(f"{seed}-{number}"))


def send(started: Running, findings: Findings, seed: int, number: int) -> None:
    request, began = case(seed, number), time.monotonic()
    try:
        statuses = exchange(started.port, request, BOUND_SECONDS)
    except HungError as hung:
        findings.broken.append(f"case {number}: {hung}")
        return
    findings.slowest_seconds = max(findings.slowest_seconds, time.monotonic() - began)
    findings.statuses.update(statuses or ["closed"])
    wrong = [one for one in statuses if one == NOT_HTTP or (one.startswith("5") and one not in HONEST)]
    if wrong:
        findings.broken.append(f"case {number}: {', '.join(wrong)} to {request[:300]!r}")


def shown(started: Running, seed: int, number: int) -> int:
    request = case(seed, number)
    print(repr(request[:2000]))
    print(exchange(started.port, request, BOUND_SECONDS))
    return 0


def told(findings: Findings, grown_mb: float) -> int:
    counted = ", ".join(f"{status} {count:,}" for status, count in sorted(findings.statuses.items()))
    print(f"{findings.cases:,} answers: {counted}")
    print(f"slowest {1000 * findings.slowest_seconds:.0f} ms; memory grew by {grown_mb:+.1f} MB")
    print("\n".join(findings.broken) or "nothing broken")
    return 1 if findings.broken or grown_mb > GROWTH_MB else 0


if __name__ == "__main__":
    sys.exit(main())
