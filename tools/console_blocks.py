"""Runs the console blocks of a page of the docs, in order, in an empty folder, and compares what they print.

    python tools/console_blocks.py PAGE...      runs the pages and writes what differs into them

In a page, a block of kind `console` holds commands (after `$ `) and what they print. A block whose kind is followed by
a file name (`yaml mlsystem.yaml`) is written to that file first. Numbers and run ids may differ; `...` stands for
anything in a line, and alone in a line for any number of lines.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(?P<kind>\w+)(?: (?P<file>[\w./-]+))?\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = re.compile(r"(?<=port: )\d+|(?<=:)8080\b")
PASSING = re.compile(r"still at work after|^  monitor .*drifted$|^    source \w+: (fresh|stale)$|^    objectives ")
"""Lines that time decides on: how long a step took, and whether the monitor has looked since then."""
WORKING = "\n__folder__ "


@dataclass(frozen=True)
class Block:
    """`start` and `end` are the place of `body` in the page; `file` where the block is a file to write."""

    kind: str
    file: str | None
    body: str
    start: int
    end: int


@dataclass(frozen=True)
class Command:
    text: str
    expected: str


@dataclass(frozen=True)
class Ran:
    command: Command
    printed: str

    @property
    def agrees(self) -> bool:
        return agree(self.command.expected, self.printed)


def blocks(page: str) -> Iterator[Block]:
    for found in FENCE.finditer(page):
        if found["kind"] == "console" or found["file"]:
            yield Block(found["kind"], found["file"], found["body"], found.start("body"), found.end("body"))


def commands(body: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        text, _, expected = part.partition("\n")
        yield Command(text, expected)


def normal(text: str) -> str:
    """The same for two runs that went alike: no numbers, no ids, no widths, no lines that come and go."""
    lines = [line for line in text.strip().splitlines() if not PASSING.search(line)]
    text = "\n".join(re.sub(r"\s+", " ", line).strip() for line in lines)
    text = re.sub(r"\b(server|monitor) starting\b", r"\1 running", text)  # for its first seconds
    text = re.sub(r"\b\d{8}T\d{6}-[0-9a-f]{6}\b|\b(?=[a-f]*\d)[0-9a-f]{12,}\b", "#", text)
    return re.sub(r"-?\d+(?:[.,:]\d+)*(?:e-?\d+)?", "#", text)


def pattern(expected: str) -> str:
    """A regular expression over `normal` text and a newline; `...` as described above."""
    lines = [re.escape(line).replace(re.escape("..."), ".*") + r"\n" for line in normal(expected).splitlines()]
    return "".join(r"(?:.*\n)*" if line == r".*\n" else line for line in lines)


def agree(shown: str, printed: str) -> bool:
    text = normal(printed)
    return re.fullmatch(pattern(shown), f"{text}\n" if text else "") is not None


class Sandbox:
    """An empty folder with its own home and port. Leaving it stops whatever a page has left running."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="console-"))
        self.folder = self.root / "work"
        self.folder.mkdir()
        self.port = free_port()
        home = self.root / "home"
        home.mkdir()
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = {**os.environ, "HOME": str(home), "PATH": programs, "NO_COLOR": "1"}

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self.root.rglob("supervisord.pid"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid.read_text()), signal.SIGTERM)
        shutil.rmtree(self.root, ignore_errors=True)

    def write(self, name: str, content: str) -> None:
        (self.folder / name).write_text(PORT.sub(str(self.port), content))

    def run(self, text: str) -> str:
        """What the command prints, on both streams; `cd` lasts. Raises AssertionError on an exit code above 2."""
        script = f"{text.replace('8080', str(self.port))}\ncode=$?; printf '{WORKING}%s\n' \"$PWD\"; exit $code"
        finished = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False, timeout=900,
        )  # fmt: skip
        printed, _, folder = finished.stdout.rpartition(WORKING)
        assert finished.returncode <= 2, f"$ {text}\n{printed}"
        self.folder = Path(folder.strip())
        for started in self.root.glob("work/*/mlsystem.yaml"):
            for path in (started, *started.parent.glob("ask.py")):
                path.write_text(PORT.sub(str(self.port), path.read_text()))
        return printed.replace(f":{self.port}", ":8080").replace(str(self.root / "work"), "/home/you")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run_page(page: str) -> Iterator[tuple[Block, list[Ran]]]:
    """Every console block and what its commands printed."""
    with Sandbox() as sandbox:
        for block in blocks(page):
            if block.file is not None:
                sandbox.write(block.file, block.body)
            else:
                yield block, [Ran(command, sandbox.run(command.text)) for command in commands(block.body)]


def captured(ran: list[Ran]) -> str:
    """The body of a block as it printed; what agrees stays as it is written."""
    lines = []
    for one in ran:
        kept = [line for line in one.printed.rstrip().splitlines() if not PASSING.search(line)]
        text = one.command.expected if one.agrees else "".join(f"{line.rstrip()}\n" for line in kept)
        lines.append(f"$ {one.command.text}\n{text}")
    return "".join(lines)


def main(paths: list[str]) -> int:
    for path in map(Path, paths):
        page = path.read_text()
        changed = page
        for block, ran in reversed(list(run_page(page))):
            changed = changed[: block.start] + captured(ran) + changed[block.end :]
        path.write_text(changed)
        sys.stdout.write(f"{path}: {'changed' if changed != page else 'as it was'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
