"""Runs every bench in a process of its own and writes bench/README.md. `python bench/run.py [NAME...]`

A bench is a file here whose `main()` returns a list of measures: name, value, unit, target, reference. Where the target
begins with ≤ or ≥, a value that misses it ends the run with exit code 1, after everything was measured and written.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
HEAD = """# Measurements

Made by `make bench`; every row was measured in the same run, next to its reference where it has one. Ratios travel from
one machine to another, seconds do not.

"""
COLUMNS = "| measure | value | unit | target | against |\n| --- | ---: | --- | --- | --- |\n"
CHILD = "import json, runpy, sys; print(json.dumps(runpy.run_path(sys.argv[1])['main']()))"
PACKAGES = ("duckdb", "torch", "scikit-learn", "pydantic")

Measure = dict[str, Any]


def main(names: list[str]) -> int:
    chosen = [FOLDER / f"{name}.py" for name in names] or sorted(FOLDER.glob("*.py"))
    measures: dict[str, list[Measure]] = {}
    for path in chosen:
        if path != Path(__file__).resolve():
            print(f"{path.stem} …", flush=True)
            measures[path.stem] = measured(path)
            for one in measures[path.stem]:
                print(f"  {line(one)}", flush=True)
    if not names:
        (FOLDER / "README.md").write_text(page(measures))
    return 1 if any(missed(one) for listed in measures.values() for one in listed) else 0


def measured(path: Path) -> list[Measure]:
    """The last line that the bench prints; it may print others before."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True, check=True)
    found: list[Measure] = json.loads(done.stdout.splitlines()[-1])
    return found


def missed(measure: Measure) -> bool:
    sign, _, bound = str(measure["target"]).partition(" ")
    if sign not in ("≤", "≥"):
        return False
    value, limit = float(measure["value"]), float(bound.split()[0].replace(",", ""))
    return value > limit if sign == "≤" else value < limit


def line(measure: Measure) -> str:
    verdict = " MISSED" if missed(measure) else ""
    return f"{measure['name']}: {shown(measure['value'])} {measure['unit']} (target: {measure['target']}){verdict}"


def shown(value: float) -> str:
    """Four digits are more than a second run would repeat."""
    return f"{round(value):,}" if abs(value) >= 1000 else f"{value:.4g}"


def page(measures: dict[str, list[Measure]]) -> str:
    parts = [HEAD, machine(), "\n"]
    for name, listed in measures.items():
        parts.append(f"\n## {name}\n\n{COLUMNS}")
        for one in listed:
            value = f"**{shown(one['value'])}** (missed)" if missed(one) else shown(one["value"])
            cells = (one["name"], value, one["unit"], one["target"], one["reference"])
            parts.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |\n")
    return "".join(parts)


def machine() -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    cores = len(os.sched_getaffinity(0))
    return f"{time.strftime('%d %B %Y')}; {cores} cores; Python {platform.python_version()}, {versions}.\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
