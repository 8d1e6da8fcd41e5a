"""Measures the server beside others and writes bench/serving/README.md. `python bench/serving/run.py [NAME...]`

With names only these parts run, and nothing is written. As in `bench/run.py`, a value that misses its target ends the
run with exit code 1, after everything was measured and written.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from support.page import Part, cells, text

FOLDER = Path(__file__).resolve().parent
BESIDE = ("conformance", "soak")
NAMES = ("speed", "overload", "idle", "features")
HEAD = """# Measurements of the server

Made by `make bench-serving`: every server was measured in the same run, on the same cores as its load, over loopback.
Ratios travel from one machine to another; times do not.

"""
COLUMNS = ("measure", "value", "unit", "target", "against")


def main(names: list[str]) -> int:
    bench, busy = bench_of_the_repository(), os.getloadavg()[1]
    parts: list[Part] = []
    for name in names or NAMES:
        print(f"{name} …", flush=True)
        part: Part = importlib.import_module(name).main()
        parts.append(part)
        for one in part.measures:
            print(f"  {bench.line(one)}", flush=True)
        for table in part.tables:
            print(text(table), flush=True)
    if not names:
        machine = bench.machine() + f"Load average of the machine before the run: {busy:.1f}.\n"
        beside = [f"[{name}]({name}.md)" for name in BESIDE if (FOLDER / f"{name}.md").exists()]
        machine += f"\nOn pages of their own: {', '.join(beside)}.\n"
        (FOLDER / "README.md").write_text(HEAD + machine + "".join(section(part, bench) for part in parts))
    return 1 if any(bench.missed(one) for part in parts for one in part.measures) else 0


def section(part: Part, bench: ModuleType) -> str:
    written = [f"\n## {part.name}\n\n{part.note}"]
    if part.measures:
        written.append("\n" + cells(COLUMNS) + cells(("---", "---:", "---", "---", "---")))
    for one in part.measures:
        value = f"**{bench.shown(one['value'])}** (missed)" if bench.missed(one) else bench.shown(one["value"])
        written.append(cells((one["name"], value, one["unit"], one["target"], one["reference"])))
    return "".join(written) + "".join(map(text, part.tables))


def bench_of_the_repository() -> ModuleType:
    """bench/run.py, which has this one's name."""
    found = importlib.util.spec_from_file_location("bench_run", FOLDER.parent / "run.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
