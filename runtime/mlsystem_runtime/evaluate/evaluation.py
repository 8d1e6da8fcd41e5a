"""`evaluation.json`: what was measured, against whom, and what the gates said."""

from __future__ import annotations

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.model import GateResult, MetricValue


class ChampionResult(Struct):
    """The champion when evaluation started. Both sets of metrics are over the same `rows`: test rows later than what
    the champion learned from. `reason` says why there is nothing to compare, None where there is."""

    version: int | None
    rows: int
    metrics: tuple[MetricValue, ...]
    challenger: tuple[MetricValue, ...]
    reason: str | None


class Evaluation(Struct):
    """All over the test part. `label` identifies what is predicted: versions with different ones are not compared."""

    label: str
    metrics: tuple[MetricValue, ...]
    baseline: tuple[MetricValue, ...]
    champion: ChampionResult
    gates: tuple[GateResult, ...]

    @property
    def passed(self) -> bool:
        return all(gate.passed for gate in self.gates)
