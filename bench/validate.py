"""How heavy the first command is: a cold `mlsystem validate` against importing what any such tool imports."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[1] / "templates/init/flights/mlsystem.yaml"
REFERENCE = ("-c", "import pydantic, yaml")
VALIDATE = ("-m", "mlsystem.cli.main", "validate", "-f", str(EXAMPLE))
ROUNDS = 9


def main() -> list[dict[str, Any]]:
    """CPU-seconds of new processes, the least of alternating rounds: other work on the machine only adds.

    Both have their bytecode, as after any installation; the first round writes it.
    """
    rounds = [(cpu_seconds(VALIDATE), cpu_seconds(REFERENCE)) for _ in range(ROUNDS)]
    ours, reference = (min(times) for times in zip(*rounds, strict=True))
    return [
        {
            "name": "cold validate of the flights example, CPU",
            "value": round(ours / reference, 2),
            "unit": f"x ({ours:.2f} s / {reference:.2f} s)",
            "target": "≤ 3",
            "reference": "python -c 'import pydantic, yaml'",
        }
    ]


def cpu_seconds(arguments: tuple[str, ...]) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    print(main())
