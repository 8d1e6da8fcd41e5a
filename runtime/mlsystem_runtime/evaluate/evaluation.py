"""`evaluation.json`: what was measured, against whom, and what the gates said."""

from __future__ import annotations

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.model import Engine, GateResult, MetricValue
from mlsystem_runtime.registry.recorded import TOLERANCE


class ChampionResult(Struct):
    """The champion when evaluation started. Both sets of metrics are over the same `rows`: test rows later than what
    the champion learned from. `reason` says why there is nothing to compare, None where there is."""

    version: int | None
    rows: int
    metrics: tuple[MetricValue, ...]
    challenger: tuple[MetricValue, ...]
    reason: str | None


class Parity(Struct):
    """How far ONNX Runtime is from torch on recorded `rows` (see `registry.recorded`). `off_by` None: it does not run
    the model, for this `reason`."""

    rows: int
    off_by: float | None
    reason: str | None = None


class Evaluation(Struct):
    """All over the test part. `label` identifies what is predicted: versions with different ones are not compared."""

    label: str
    metrics: tuple[MetricValue, ...]
    baseline: tuple[MetricValue, ...]
    champion: ChampionResult
    gates: tuple[GateResult, ...]
    parity: Parity

    @property
    def passed(self) -> bool:
        return all(gate.passed for gate in self.gates)

    def judged(self, engine: Engine) -> tuple[GateResult, ...]:
        """All gates of a version that `engine` is going to run."""
        return self.gates if engine == "torch" else (*self.gates, engine_gate(self.parity))


def engine_gate(parity: Parity) -> GateResult:
    """`engine_parity`: ONNX Runtime, which answers, says what torch said, which was evaluated."""
    passed = parity.off_by is not None and parity.off_by <= TOLERANCE
    detail = parity.reason or f"off by {parity.off_by:g} on {parity.rows} recorded rows, bound {TOLERANCE:g}"
    return GateResult(
        gate="engine_parity", outcome="passed" if passed else "failed", passed=passed, value=parity.off_by,
        bound=TOLERANCE, detail=detail if passed else f"{detail}; choose `serving.engine: torch`",
    )
