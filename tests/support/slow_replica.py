"""`python slow_replica.py A B serve …`: the runtime's server around a model that takes longer than it would.

A·n + B seconds for n rows, times a random factor of mean 1 and a quarter's squared coefficient of variation. It waits
without computing, so that several fit on a small machine.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mlsystem_runtime.__main__ import parser, read_config
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.parent import die_with_parent
from mlsystem_runtime.serve.loading import version_loader
from mlsystem_runtime.serve.process import listen, run
from mlsystem_runtime.serve.versions import LoadedVersion, Scorer

SHAPE = 4.0


@dataclass(frozen=True)
class SlowScorer:
    scorer: Scorer
    a: float
    b: float
    chance: random.Random = field(default_factory=lambda: random.Random(os.getpid()))

    @property
    def card(self) -> ModelCard:
        return self.scorer.card

    def predict(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[float]]:
        until = time.perf_counter() + (self.a * len(rows) + self.b) * self.chance.gammavariate(SHAPE, 1.0 / SHAPE)
        answers = self.scorer.predict(rows)
        time.sleep(max(0.0, until - time.perf_counter()))
        return answers


def main() -> int:
    a, b = map(float, sys.argv[1:3])
    args = parser().parse_args(sys.argv[3:])
    die_with_parent()
    config, workspace = read_config(args.config), Workspace(args.workspace)
    load = version_loader(config, workspace)

    def slow(model: str, number: int) -> LoadedVersion:
        loaded = load(model, number)
        return LoadedVersion.of(number, SlowScorer(loaded.scorer, a, b), loaded.assembler, loaded.recorded)

    return run(config, workspace, listen(args.host, args.port), slow)


if __name__ == "__main__":
    sys.exit(main())
