"""Several processes of this machine that carry out one train step, as the pods of an Indexed Job do."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from learning import MODEL, Learning

from mlsystem_runtime.contract.names import RANK

Process = subprocess.Popen[str]


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def gang(learning: Learning, nodes: int = 2, wait_seconds: float = 60.0) -> Iterator[list[Process]]:
    """Started, in the order of their numbers; so long they wait for one that says nothing. What is left at the end is
    killed."""
    peer = f"127.0.0.1:{free_port()}"
    started = [process(learning, nodes, rank, peer, wait_seconds) for rank in range(nodes)]
    try:
        yield started
    finally:
        for one in started:
            one.kill()
            one.communicate()


IMPATIENT = """
import sys
from mlsystem_runtime.__main__ import main
from mlsystem_runtime.train import gang
gang.WAIT_SECONDS = float(sys.argv.pop(1))
sys.exit(main(sys.argv[1:]))
"""


def process(learning: Learning, nodes: int, rank: int, peer: str, wait_seconds: float) -> Process:
    return subprocess.Popen(
        [sys.executable, "-c", IMPATIENT, str(wait_seconds), "step", f"train.{MODEL}", "--config",
         str(learning.write_config()), "--workspace", str(learning.root), "--run-id", "run-1",
         "--nodes", str(nodes), "--peer", peer],
        env={**os.environ, RANK: str(rank), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(processes: list[Process], seconds: float = 60.0) -> tuple[list[int], list[str]]:
    """Their exit statuses, and what each said on standard error. Raises TimeoutExpired for one that hangs."""
    said = [one.communicate(timeout=seconds)[1] for one in processes]
    return [one.returncode for one in processes], said


def until_epoch(first: Process, epoch: float) -> float:
    """How far training is, once it has come so far."""
    assert first.stdout is not None
    return float(next(json.loads(line)["done"] for line in first.stdout if json.loads(line).get("done", 0) > epoch))
