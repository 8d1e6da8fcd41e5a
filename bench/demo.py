"""The main job on the flights example, in seconds of wall time: from an empty folder to a live endpoint, and again."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MLSYSTEM = (sys.executable, "-m", "mlsystem.cli.main")


def main() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "flights")
        try:
            first = seconds("init", "flights", str(project), folder=Path(folder))
            spec = project / "mlsystem.yaml"
            spec.write_text(spec.read_text().replace("port: 8080", f"port: {free_port()}"))
            first += seconds("apply", "-e", "dev", "--yes", folder=project)
            second = seconds("apply", "-e", "dev", "--yes", folder=project)
        finally:
            seconds("destroy", "-e", "dev", "--yes", folder=project)
    return [
        measure("init and first apply of flights, wall", first, "≤ 240"),
        measure("second apply with nothing changed, wall", second, "≤ 3"),
    ]


def seconds(*arguments: str, folder: Path) -> float:
    started = time.monotonic()
    subprocess.run([*MLSYSTEM, *arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)
    return time.monotonic() - started


def measure(name: str, value: float, target: str) -> dict[str, Any]:
    return {"name": name, "value": round(value, 1), "unit": "s", "target": target, "reference": ""}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    print(main())
