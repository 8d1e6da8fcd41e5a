"""Each folder here is a test: `script` runs in a copy of `project/`; what it prints and exits with stands beside it.

MLSYSTEM_GOLDEN=1 writes what is printed instead of comparing it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/script"))
NOISE = (
    (re.compile(r"\b\d{8}T\d{6}-[0-9a-f]{6}\b"), "RUN"),
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "DIGEST"),
    (re.compile(r"(?<=digest )[0-9a-f]{12}\b"), "DIGEST"),
    (re.compile(r"(?<=[Pp]lan `)[0-9a-f]{12}\b"), "DIGEST"),
    (re.compile(r"\b\d+\.\d s\b"), "SECONDS s"),
    (re.compile(r"\b\d+\.\d GiB"), "SIZE GiB"),
    (re.compile(r"Python \d+\.\d+\.\d+"), "Python VERSION"),
    (re.compile(r"mlsystem \d+\.\d+\.\d+[\w.+-]*"), "mlsystem VERSION"),
)


def quiet(text: str, folder: Path) -> str:
    """Without what differs from run to run."""
    text = text.replace(str(folder), "FOLDER")
    for pattern, word in NOISE:
        text = pattern.sub(word, text)
    return text


@pytest.mark.parametrize("case", CASES)
def test_a_script_prints_what_is_written_beside_it(case, tmp_path):
    shutil.copytree(HERE / "project", tmp_path, dirs_exist_ok=True)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
    }
    done = subprocess.run(
        ["bash", "-eu", str(HERE / case / "script")],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = {
        "stdout": quiet(done.stdout, tmp_path),
        "stderr": quiet(done.stderr, tmp_path),
        "exit": f"{done.returncode}\n",
    }
    if os.environ.get("MLSYSTEM_GOLDEN"):
        for name, text in printed.items():
            (HERE / case / name).write_text(text)

    assert printed == {name: (HERE / case / name).read_text() for name in printed}
