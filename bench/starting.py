"""How soon a server answers: a new process with a small version in ONNX Runtime. `make bench-serving` has flights."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).parent / "serving"))
from released_servers import released  # both found by the lines above
from support.starts import REFERENCE, start


def main() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        found = start([*released(Path(folder)), "--port"], {})
    unit = f"x ({found.cpu:.2f} s / {found.cpu / found.ratio:.2f} s)"
    return [
        measure("process start to ready", found.seconds, "s", "≤ 1.5", "a version with its recorded rows"),
        measure("process start to ready, CPU", found.ratio, unit, "≤ 3", f"python -c '{REFERENCE}'"),
        measure("resident memory when ready", found.mebibytes, "MiB", "≤ 200", "650 with torch"),
    ]


def measure(name: str, value: float, unit: str, target: str, reference: str) -> dict[str, Any]:
    return {"name": name, "value": round(value, 2), "unit": unit, "target": target, "reference": reference}


if __name__ == "__main__":
    print(main())
