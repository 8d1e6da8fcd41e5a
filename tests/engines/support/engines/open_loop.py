"""`python open_loop.py HOST PORT PATH RATE FILE`: asks at a steady rate, whatever becomes of the answers, until its
standard input ends; then says on one line what became of every request.

An open loop: a slow or absent server makes answers late or lost, and the next request is sent when it is due all the
same. Every second request has a connection of its own; the others share connections that are kept alive, as a proxy's
are. One that the server has closed while nothing was asked of it is not used again; a request that was written and not
answered is lost. FILE holds a JSON list of bodies, which are sent in turn.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Load:
    """`outcomes` counts HTTP codes, and errors by their names; `seconds` from when a request was due to its answer."""

    host: str
    port: int
    path: str
    bodies: Iterator[bytes]
    idle: list[Connection] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    async def one(self, due: float, *, kept: bool) -> None:
        try:
            code = await asyncio.wait_for(self._asked(kept=kept), 30)
        except Exception as error:  # noqa: BLE001 - whatever it was, the request is lost
            code = type(error).__name__
        self.outcomes[code] += 1
        self.seconds.append(time.monotonic() - due)

    async def _asked(self, *, kept: bool) -> str:
        reader, writer = await self._connection(kept=kept)
        body, keep = next(self.bodies), "keep-alive" if kept else "close"
        writer.write(
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: {keep}\r\n\r\n".encode() + body
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line.partition(":")[2] for line in head.split("\r\n") if line.startswith("content-length:"))
        await reader.readexactly(int(length))
        if kept and "connection: close" not in head:
            self.idle.append((reader, writer))
        else:
            writer.close()
        return head.split()[1]

    async def _connection(self, *, kept: bool) -> Connection:
        while kept and self.idle:
            reader, writer = self.idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self.host, self.port)


async def run(load: Load, rate: float) -> None:
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    began, tasks = time.monotonic(), []
    for number in count():
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if ended.done():
            break
        tasks.append(asyncio.create_task(load.one(due, kept=number % 2 == 0)))
    await asyncio.gather(*tasks)


def main() -> None:
    host, port, path, rate, file = sys.argv[1:]
    bodies = [json.dumps(body).encode() for body in json.loads(Path(file).read_text())]
    load = Load(host, int(port), path, cycle(bodies))
    asyncio.run(run(load, float(rate)))
    ordered = sorted(load.seconds)
    slowest = {f"p{share}": ordered[len(ordered) * share // 100] for share in (50, 95, 99)}
    sys.stdout.write(json.dumps({"outcomes": load.outcomes, **slowest}) + "\n")


if __name__ == "__main__":
    main()
