"""How soon a server answers: a new process with a version in ONNX Runtime, against importing what such a server has."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from mlsystem_runtime.contract.columns import Derived
from mlsystem_runtime.contract.features import FeatureContract
from mlsystem_runtime.contract.run import Endpoint, Slo
from mlsystem_runtime.contract.workspace import write_struct

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from learning import MODEL, Learning, contract  # found by the line above

REFERENCE = "import onnxruntime, uvicorn"
ROUNDS = 5
LONGEST_S = 60.0


def main() -> list[dict[str, Any]]:
    """Of alternating rounds the least: other work on the machine only adds."""
    with tempfile.TemporaryDirectory() as folder:
        serve = command(Path(folder))
        rounds = [(started(serve), imported()) for _ in range(ROUNDS)]
    seconds, cpu, mebibytes = (min(values) for values in zip(*(ours for ours, _ in rounds), strict=True))
    reference = min(bare for _, bare in rounds)
    against = f"python -c '{REFERENCE}'"
    return [
        measure("process start to ready", seconds, "s", "≤ 1.5", "a version with its recorded rows"),
        measure("process start to ready, CPU", cpu / reference, f"x ({cpu:.2f} s / {reference:.2f} s)", "≤ 3", against),
        measure("resident memory when ready", mebibytes, "MiB", "≤ 200", "650 with torch"),
    ]


def measure(name: str, value: float, unit: str, target: str, reference: str) -> dict[str, Any]:
    return {"name": name, "value": round(value, 2), "unit": unit, "target": target, "reference": reference}


def command(folder: Path) -> list[str]:
    """A workspace with one released version, and the server for it; `{port}` is left open."""
    learning = Learning(folder / "workspace", contract=served())
    with contextlib.redirect_stdout(io.StringIO()):
        learning.run_all()
    config = learning.config()
    slo = Slo(latency_us=None, objective=None, availability=None, window_us=86_400_000_000)
    endpoint = Endpoint(
        model=MODEL, routes=("/predict",), sticky=(), groups=(), slo=slo, log_sample=0.1, log_retain_us=86_400_000_000)
    write_struct(folder / "run.json", replace(
        config, server=replace(config.server, clock="wall", endpoints=(endpoint,))))
    return [sys.executable, "-m", "mlsystem_runtime", "serve", "--config", str(folder / "run.json"),
            "--workspace", str(folder / "workspace"), "--port"]


def served() -> FeatureContract:
    """That of the made data, with groups that give their fields on."""
    made = contract()
    inputs = {one.name: one.type for one in made.inputs}
    groups = tuple(
        replace(group, compute=tuple(
            Derived(column, column, inputs[f"{use.alias}.{column}"]) for column in use.columns
        ))
        for group, use in zip(made.groups, made.uses, strict=True)
    )
    return replace(made, groups=groups)


def started(serve: list[str]) -> tuple[float, float, float]:
    """Seconds until it is ready, CPU-seconds and resident mebibytes by then."""
    port = free_port()
    began = time.monotonic()
    with subprocess.Popen([*serve, str(port)], env=environment(), stderr=subprocess.DEVNULL) as process:
        try:
            while not ready(port):
                assert process.poll() is None, "the server ended"
                assert time.monotonic() - began < LONGEST_S, "the server does not become ready"
                time.sleep(0.005)
            return time.monotonic() - began, cpu_seconds(process.pid), resident(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=LONGEST_S) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def cpu_seconds(process: int) -> float:
    ticks = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def imported() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", REFERENCE], env=environment(), check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def environment() -> dict[str, str]:
    """With bytecode, as after any installation; the first round writes it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


if __name__ == "__main__":
    print(main())
