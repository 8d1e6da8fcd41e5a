"""`python bench/serving/fuzz.py [--minutes N] [--seed S] [--replay]`: requests that no client should send.

Half of the time each is a valid request, changed by a generator that its seed and number decide; then come sequences
that schemathesis makes up from the schemas of the server and of its protocol. A server may refuse all of them, and must
answer or close the connection in time, never with a 5xx but an honest 503 or 504, go on answering what is valid, and
not grow. Exit code 1 where it does not; what it failed at is in build/fuzz then, and `--replay` sends it again.
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

from support import ours, schemas
from support.processes import open_files, resident_bytes
from support.servers import Running, running
from support.strange_requests import strange_request
from support.wire import NOT_HTTP, HungError, exchange

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "fuzz"
PROTOCOL = ROOT / "tests" / "runtime" / "serve" / "oip" / "open_inference.yaml"
HONEST = ("503", "504")
BOUND_SECONDS, ALIVE_EVERY, SHOWN = 5.0, 500, 10
SETTLED_CASES, GROWTH_MB, GROWTH_FILES = 2000, 32.0, 8
MB = 1 << 20


@dataclass(frozen=True)
class Held:
    """By the server's processes."""

    memory_mb: float
    files: int

    @classmethod
    def of(cls, pid: int) -> Held:
        return cls(resident_bytes(pid) / MB, open_files(pid))


@dataclass
class Findings:
    """`statuses` counts answers by status, `closed` where there was none; `made_up` requests by their schema. `broken`
    says what must not be, `settled` what the server held once it had met some of everything, `ended` in the end."""

    statuses: Counter[str] = field(default_factory=Counter)
    made_up: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    settled: Held | None = None
    ended: Held | None = None

    @property
    def grown(self) -> Held:
        if self.settled is None or self.ended is None:
            return Held(0.0, 0)
        return Held(self.ended.memory_mb - self.settled.memory_mb, self.ended.files - self.settled.files)

    @property
    def good(self) -> bool:
        return not self.broken and self.grown.memory_mb <= GROWTH_MB and self.grown.files <= GROWTH_FILES


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = Path(folder, "ours")
        with running(ours.ours("ours", project, ours.project(project))) as started:
            findings = Findings()
            if args.replay:
                replay(started, findings)
            else:
                print(f"seed {args.seed}", flush=True)
                fuzz(started, findings, args.seed, 60 * args.minutes)
    return told(findings)


def fuzz(started: Running, findings: Findings, seed: int, seconds: float) -> None:
    strange(started, findings, seed, seconds / 2)
    for name, schema in written(started).items():
        made = schemas.fuzzed(schema, base(started), started.server.headers, seed, seconds / 4, KEPT / name)
        note(findings, name, made)
        look(started, findings, f"after {name}")
    findings.ended = Held.of(started.pid)


def replay(started: Running, findings: Findings) -> None:
    for path in sorted(KEPT.glob("*.http")):
        send(started.port, findings, path.name, path.read_bytes())
    for name, schema in written(started).items():
        note(findings, name, schemas.replayed(schema, base(started), started.server.headers, KEPT / name))
    look(started, findings, "in the end")


def note(findings: Findings, name: str, made: schemas.Made) -> None:
    findings.made_up[name] += made.requests
    findings.broken += [f"{name}: {made.failed}"] if made.failed else []


def written(started: Running) -> dict[str, Path]:
    """The schema that the server tells of itself, and the protocol's, by the folders of what fails at them."""
    document = KEPT / "openapi.json"
    document.parent.mkdir(parents=True, exist_ok=True)
    document.write_bytes(started.get("/openapi.json"))
    return {"openapi": document, "protocol": PROTOCOL}


def base(started: Running) -> str:
    return f"http://127.0.0.1:{started.port}"


def strange(started: Running, findings: Findings, seed: int, seconds: float) -> None:
    """Also says what the server holds once it has settled."""
    began, number = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds and len(findings.broken) < SHOWN:
        request = strange_request(random.Random(f"{seed}-{number}"))
        if not send(started.port, findings, f"strange-{seed}-{number}.http", request):
            keep(KEPT / f"strange-{seed}-{number}.http", request)
        number += 1
        if findings.settled is None and (number == SETTLED_CASES or passed > seconds / 2):
            findings.settled = Held.of(started.pid)
        if number % ALIVE_EVERY == 0:
            look(started, findings, f"after case {number - 1} of seed {seed}")


def keep(path: Path, request: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(request.replace(ours.TOKEN.encode(), b"TOKEN"))


def send(port: int, findings: Findings, name: str, request: bytes, seconds: float = BOUND_SECONDS) -> bool:
    """Whether it is answered as it may be, or the connection closed."""
    began = time.monotonic()
    try:
        statuses = exchange(port, request.replace(b"TOKEN", ours.TOKEN.encode()), seconds)
    except HungError as hung:
        findings.broken.append(f"{name}: {hung}")
        return False
    findings.slowest_seconds = max(findings.slowest_seconds, time.monotonic() - began)
    findings.statuses.update(statuses or ["closed"])
    wrong = [one for one in statuses if one == NOT_HTTP or (one.startswith("5") and one not in HONEST)]
    if wrong:
        findings.broken.append(f"{name}: {', '.join(wrong)}")
    return not wrong


def look(started: Running, findings: Findings, when: str) -> None:
    if started.ask(BOUND_SECONDS)[0] != 200:
        findings.broken.append(f"{when}, a valid request is not answered any more")


def told(findings: Findings) -> int:
    counted = ", ".join(f"{status} {count:,}" for status, count in sorted(findings.statuses.items()))
    print(f"{findings.statuses.total():,} answers to strange requests: {counted}")
    print(", ".join(f"{count:,} requests made up for the schema of {name}" for name, count in findings.made_up.items()))
    print(f"slowest {1000 * findings.slowest_seconds:.0f} ms; memory grew by {findings.grown.memory_mb:+.1f} MB,"
          f" open files by {findings.grown.files:+d}")
    print("\n".join(findings.broken) or "nothing broken")
    if findings.broken:
        print(f"what failed is in {KEPT.relative_to(ROOT)}: python bench/serving/fuzz.py --replay")
    return 0 if findings.good else 1


if __name__ == "__main__":
    sys.exit(main())
