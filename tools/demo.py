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
Command = list[str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--down", action="store_true", help="stop the demo and remove what it wrote")
    parser.add_argument("--port", help="where the endpoint answers; default: the port in mlsystem.yaml, 8080")
    arguments = parser.parse_args()
    return down() if arguments.down else up(arguments.port)


def up(port: str | None) -> int:
    if not (DEMO / "mlsystem.yaml").exists():
        run(["mlsystem", "init", "flights", DEMO.name], ROOT)
    run(["mlsystem", "apply", "-e", "dev", "--yes", *(["--port", port] if port else [])], DEMO)
    run(["python", "ask.py", *([f"http://127.0.0.1:{port}/predict"] if port else [])], DEMO)
    run(["mlsystem", "status", "-e", "dev"], DEMO)
    return 0


def down() -> int:
    """Nothing to do where the demo was never started."""
    if (DEMO / ".mlsystem").exists():
        run(["mlsystem", "destroy", "-e", "dev", "--yes"], DEMO)
    return 0


def run(command: Command, folder: Path) -> None:
    """Ends the demo with the command's exit code where it fails."""
    shown = " ".join(command)
    sys.stdout.write(f"\n$ {shown}\n")
    sys.stdout.flush()
    finished = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=folder, check=False)
    if finished.returncode != 0:
        sys.exit(finished.returncode)


if __name__ == "__main__":
    sys.exit(main())
