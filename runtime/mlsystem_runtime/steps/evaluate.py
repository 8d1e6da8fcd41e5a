"""The evaluate step: a trained model on the test part, beside the baseline and the champion, before the gates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import torch

from mlsystem_runtime.contract.base import canonical_json, digest
from mlsystem_runtime.contract.model import MetricValue
from mlsystem_runtime.contract.run import EvaluateStep
from mlsystem_runtime.contract.workspace import write_struct
from mlsystem_runtime.data import ROWS
from mlsystem_runtime.evaluate.baseline import baseline_predictions
from mlsystem_runtime.evaluate.champion import Past, champion_rival, champion_version
from mlsystem_runtime.evaluate.evaluation import ChampionResult, Evaluation
from mlsystem_runtime.evaluate.gates import Rival, Trial, judge
from mlsystem_runtime.evaluate.metrics import Array, Truth, score
from mlsystem_runtime.evaluate.parity import record
from mlsystem_runtime.evaluate.slices import Slice, slices_of
from mlsystem_runtime.registry.artifact import LoadedModel
from mlsystem_runtime.registry.card import EVALUATION
from mlsystem_runtime.steps.base import StepContext, StepResult
from mlsystem_runtime.steps.train import DATASET, labels
from mlsystem_runtime.train.split import split_rows
from mlsystem_runtime.train.threads import thread_count

MOST_SLICES = 100  # shown per column, largest first; gates look at all


def observe(_payload: EvaluateStep) -> Mapping[str, str]:
    """The champion is recorded in the result, never part of its key (spec.md, *Champion*)."""
    return {}


def run(payload: EvaluateStep, context: StepContext) -> StepResult:
    torch.set_num_threads(thread_count(None))
    dataset = pa.parquet.read_table(context.inputs[f"features.{payload.model}"].path / DATASET)
    model = LoadedModel.load(context.inputs[f"train.{payload.model}"].path)
    parts = split_rows(dataset, payload.split, payload.seed)
    truth = Truth.of(payload.task, model.card.outputs, labels(dataset, payload.task))
    test = dataset.take(parts.test)

    baseline = Rival.absent("there is no baseline")
    if payload.baseline == "boosted_trees":
        context.progress(0, 3, "the baseline learns")
        answers = baseline_predictions(dataset, truth, parts, model.architecture, payload.seed)
        baseline = Rival(answers, np.arange(len(test)))

    context.progress(1, 3, "the champion answers")
    label = label_identity(payload)
    version = champion_version(context.releases, payload.model)
    champion = champion_rival(
        context.workspace, payload.model, version, model.card.contract, label, test, past(payload, context))

    context.progress(2, 3, f"scoring {len(test)} test rows")
    trial = Trial(
        truth=truth.take(parts.test), predictions_BO=model.predict_table(test).astype(np.float64),
        slices=slices(payload, context, test), baseline=baseline, champion=champion,
    )
    evaluation = Evaluation(
        label=label,
        metrics=(*values(payload.metrics, trial.truth, trial.predictions_BO), *sliced(payload.metrics, trial)),
        baseline=rival_values(payload.metrics, trial.truth, baseline),
        champion=champion_result(payload.metrics, trial, version),
        gates=tuple(judge(gate, trial) for gate in payload.gates),
        parity=record(context.out, model, test),
    )
    write_struct(context.out / EVALUATION, evaluation)
    return result(evaluation)


def past(payload: EvaluateStep, context: StepContext) -> Past:
    sources = {source.name: source for source in payload.sources}
    rows = {name: context.inputs[f"ingest.{name}"].path / ROWS for name in sources}
    return Past(payload.examples.source, sources, rows)


def slices(payload: EvaluateStep, context: StepContext, test: pa.Table) -> tuple[Slice, ...]:
    """By columns of the examples' source, found through the row numbers of the test rows."""
    columns = list(dict.fromkeys([*payload.slices, *(gate.slice for gate in payload.gates if gate.slice is not None)]))
    if not columns:
        return ()
    rows = context.inputs[f"ingest.{payload.examples.source}"].path / ROWS
    return slices_of(pa.parquet.read_table(rows, columns=columns).take(test["__row"]), columns)


def values(
    metrics: Sequence[str], truth: Truth, predictions_BO: Array, name: str | None = None,
) -> tuple[MetricValue, ...]:
    return tuple(
        MetricValue(metric=metric, value=score(metric, truth, predictions_BO), rows=len(truth.y_B), slice=name)
        for metric in metrics
    )


def sliced(metrics: Sequence[str], trial: Trial) -> Iterator[MetricValue]:
    """The largest MOST_SLICES of every column."""
    shown: Counter[str] = Counter()
    for one in trial.slices:
        shown[one.column] += 1
        if shown[one.column] <= MOST_SLICES:
            yield from values(metrics, trial.truth.take(one.rows_B), trial.predictions_BO[one.rows_B], one.name)


def rival_values(metrics: Sequence[str], truth: Truth, rival: Rival) -> tuple[MetricValue, ...]:
    if rival.reason is not None:
        return ()
    return values(metrics, truth.take(rival.rows_B), rival.predictions_BO[rival.rows_B])


def champion_result(metrics: Sequence[str], trial: Trial, version: int | None) -> ChampionResult:
    """Its metrics, and ours on the same rows."""
    champion = trial.champion
    ours = Rival(trial.predictions_BO, champion.rows_B, champion.reason)
    return ChampionResult(
        version=version, rows=len(champion.rows_B), reason=champion.reason,
        metrics=rival_values(metrics, trial.truth, champion), challenger=rival_values(metrics, trial.truth, ours),
    )


def label_identity(payload: EvaluateStep) -> str:
    """Hashes what is predicted: the label's column with the expression behind it, its `known`, and the task.

    The source's name is no part of it: a source may be renamed.
    """
    source = next(one for one in payload.sources if one.name == payload.examples.source)
    derived = next((one.expression for one in source.derived if one.name == payload.label.column), None)
    return digest([payload.task, payload.label, derived])


def result(evaluation: Evaluation) -> StepResult:
    overall = [one for one in evaluation.metrics if one.slice is None]
    shown = ", ".join(f"{one.metric} {'undefined' if one.value is None else f'{one.value:.4f}'}" for one in overall)
    failed = [gate.gate for gate in evaluation.gates if not gate.passed]
    verdict = f"; failed: {'; '.join(failed)}" if failed else ""
    return StepResult(
        digests={"evaluation": digest(canonical_json(evaluation).decode())},
        facts={
            "metrics": {one.metric: one.value for one in overall},
            "baseline": {one.metric: one.value for one in evaluation.baseline},
            "champion": evaluation.champion.version, "passed": evaluation.passed, "failed_gates": failed,
        },
        summary=f"{shown} on {overall[0].rows if overall else 0} test rows{verdict}",
    )
