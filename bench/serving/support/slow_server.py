"""`python slow_server.py CONTRACT WORKSPACE PORT SECONDS`: our server around a model that takes SECONDS a row."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlsystem_runtime.__main__ import read_config
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.serve.fakes import FakeScorer, fake_loader
from mlsystem_runtime.serve.process import listen, run
from mlsystem_runtime.serve.versions import LoadedVersion

sys.path.append(str(Path(__file__).resolve().parent.parent / "peers"))

from model import wait  # type: ignore[import-not-found]  # the same wait as the peers'


@dataclass(frozen=True)
class SlowScorer:
    card: ModelCard
    seconds: float

    def predict(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[float]]:
        wait(self.seconds * len(rows))
        return FakeScorer(self.card).predict(rows)


def main() -> int:
    contract, workspace, port, seconds = sys.argv[1:]
    load = fake_loader(Workspace(workspace))

    def slow(model: str, number: int) -> LoadedVersion:
        loaded = load(model, number)
        return LoadedVersion.of(number, SlowScorer(loaded.card, float(seconds)), loaded.assembler)

    return run(read_config(Path(contract)), Workspace(workspace), listen("127.0.0.1", int(port)), slow)


if __name__ == "__main__":
    sys.exit(main())
