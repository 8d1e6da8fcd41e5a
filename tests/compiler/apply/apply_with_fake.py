"""`mlsystem apply` in a process of its own, with `fake_runtime.py` for steps: something that can be killed."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from mlsystem.apply.apply import apply_plan
from mlsystem.apply.environment import Environment
from mlsystem.apply.events import nobody
from mlsystem.apply.local import LocalEngine
from mlsystem.compile import compile_system
from mlsystem.diagnostics.report import Report
from mlsystem.errors import MlsystemError
from mlsystem.state.store import FileStore

FAKE = Path(__file__).with_name("fake_runtime.py")


def main(folder: Path) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    compiled = compile_system(folder / "mlsystem.yaml", "dev", {}, Report())
    assert compiled is not None
    store = FileStore(folder / ".mlsystem" / "dev")
    runtime = (sys.executable, str(FAKE))
    port = compiled.system.local.port
    engine = LocalEngine(folder, store.folder, compiled.config, port, None, os.environ, runtime)
    environment = Environment("dev", folder, store, engine, compiled)
    try:
        apply_plan(environment.plan(), environment.target, engine, store, nobody)
    except MlsystemError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
