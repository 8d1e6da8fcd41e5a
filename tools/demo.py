"""The main job on the flights example, as a user would do it: init, apply, ask, status. `--down` undoes it.

Everything it runs is printed first, so that the demo can be repeated by hand.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"
BIN = Path(sys.executable).parent
RUN = (
    ["mlsystem", "apply", "-e", "dev", "--yes"],
    ["python", "ask.py"],
    ["mlsystem", "status", "-e", "dev"],
)
DOWN = (["mlsystem", "destroy", "-e", "dev", "--yes"],)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--down", action="store_true", help="stop the demo and remove what it wrote")
    if parser.parse_args().down:
        return down()
    if not (DEMO / "mlsystem.yaml").exists():
        run(["mlsystem", "init", "flights", DEMO.name], ROOT)
    for command in RUN:
        run(command, DEMO)
    return 0


def down() -> int:
    """Nothing to do where the demo was never started."""
    if (DEMO / ".mlsystem").exists():
        for command in DOWN:
            run(command, DEMO)
    return 0


def run(command: list[str], folder: Path) -> None:
    """Ends the demo with the command's exit code where it fails."""
    shown = " ".join(command)
    sys.stdout.write(f"\n$ {shown}\n")
    sys.stdout.flush()
    finished = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=folder, check=False)
    if finished.returncode != 0:
        sys.exit(finished.returncode)


if __name__ == "__main__":
    sys.exit(main())
