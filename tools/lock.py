"""Writes the lock files of the images from their `.in` files and constraints.txt. Needs `uv` and the package index.

python tools/lock.py [--check]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "templates" / "images"
PYTHON, PLATFORM = "3.11", "x86_64-manylinux_2_28"
HEAD = "# Written by `make lock`. {what}\n"
NAME = re.compile(r"^([A-Za-z0-9][\w.-]*)==", re.MULTILINE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is out of date")
    check = parser.parse_args().check
    locks = lock_files()
    stale = [path for path, text in locks.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if not check:
            path.write_text(locks[path])
        sys.stdout.write(f"{'out of date' if check else 'written'}: {path.relative_to(ROOT)}\n")
    return 1 if check and stale else 0


def lock_files() -> dict[Path, str]:
    """The server's libraries; what the trainer needs beyond them."""
    inputs = [FOLDER / "requirements-server.in", FOLDER / "requirements-trainer.in"]
    server, everything = blocks(resolved(inputs[:1])), blocks(resolved(inputs))
    more = {name: text for name, text in everything.items() if name not in server}
    assert all(everything[name] == text for name, text in server.items()), "constraints.txt does not pin everything"
    return {
        FOLDER / "requirements-server.txt": HEAD.format(what="What serving imports.") + "".join(server.values()),
        FOLDER / "requirements-trainer.txt": HEAD.format(what="What the trainer needs beyond the server.")
        + "".join(more.values()),
    }


def resolved(inputs: list[Path]) -> str:
    """The lock of some inputs together, from the public index, whatever this machine is set to use."""
    uv = shutil.which("uv")
    if uv is None:
        sys.exit("uv is not here: pip install uv")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
    done = subprocess.run(
        [
            uv, "pip", "compile", "--no-config", "--quiet", "--no-header", "--no-annotate", "--generate-hashes",
            "--no-emit-index-url", "--no-emit-find-links", "--only-binary=:all:", "--python-version", PYTHON,
            "--python-platform", PLATFORM, "--constraint", str(ROOT / "constraints.txt"), *map(str, inputs),
        ],
        env=environment, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        sys.exit(done.returncode)
    return done.stdout


def blocks(lock: str) -> dict[str, str]:
    """The lines of each library, by its name."""
    starts = [(found[1], found.start()) for found in NAME.finditer(lock)]
    ends = [start for _, start in starts[1:]] + [len(lock)]
    return {name: lock[start:end] for (name, start), end in zip(starts, ends, strict=True)}


if __name__ == "__main__":
    sys.exit(main())
