"""The train step: dataset in, `model.safetensors`, `model.json` and `split.json` out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import torch
from numpy.typing import NDArray

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.model import Lineage, ModelCard, Task
from mlsystem_runtime.contract.run import TrainStep
from mlsystem_runtime.contract.workspace import write_struct
from mlsystem_runtime.registry.artifact import model_digest, predict_table, write_code, write_model
from mlsystem_runtime.registry.card import CARD_FORMAT, SPLIT
from mlsystem_runtime.registry.lineage import code_version, package_versions, python_version
from mlsystem_runtime.steps.base import StepContext, StepResult
from mlsystem_runtime.train.architecture import Architecture
from mlsystem_runtime.train.batches import Data
from mlsystem_runtime.train.checkpoint import LATEST, Timer
from mlsystem_runtime.train.custom import build_custom, snapshot_of
from mlsystem_runtime.train.encode import encode_table
from mlsystem_runtime.train.fitting import fit_architecture
from mlsystem_runtime.train.imported import Snapshot, told
from mlsystem_runtime.train.loop import Fitted, Report, fit
from mlsystem_runtime.train.model import Network, build
from mlsystem_runtime.train.objective import check_labels, criterion, targets
from mlsystem_runtime.train.preemption import on_sigterm
from mlsystem_runtime.train.reference import reference
from mlsystem_runtime.train.split import Parts, split_rows
from mlsystem_runtime.train.team import ALONE
from mlsystem_runtime.train.threads import thread_count

DATASET = "dataset.parquet"
TELL_EVERY_S = 1.0


@dataclass(frozen=True)
class Learned:
    """The module has its best weights, and is in evaluation mode."""

    module: Network
    fitted: Fitted
    dataset: pa.Table
    parts: Parts
    code: Snapshot | None


def observe(_payload: TrainStep) -> Mapping[str, str]:
    """Nothing outside the workspace decides a model."""
    return {}


def run(payload: TrainStep, context: StepContext) -> StepResult:
    """Exits with status PREEMPTED after SIGTERM, checkpoint written; run again, it goes on to the same weights."""
    started = time.monotonic()
    learned = learn(payload, context, reporter(context, payload.parameters.epochs))
    module, dataset, parts = learned.module, learned.dataset, learned.parts
    card = model_card(payload, context, module, dataset, parts)
    write_model(context.out, module, card)
    if learned.code is not None:
        write_code(context.out, learned.code.files)
    write_struct(context.out / SPLIT, parts.record)
    return result(module, card, parts, learned.fitted, time.monotonic() - started)


def attend(payload: TrainStep, context: StepContext) -> None:
    """The part of a process that is not the first of its gang: the same steps to the same weights, nothing written."""
    learn(payload, context, report=lambda _done, _text: None)


def learn(payload: TrainStep, context: StepContext, report: Report) -> Learned:
    torch.set_num_threads(thread_count(payload.threads))
    gang = context.gang
    with on_sigterm() if gang is None else nullcontext(gang.preemption) as preemption:
        examples = context.inputs[f"features.{payload.model}"]
        dataset = pa.parquet.read_table(examples.path / DATASET)
        parts = split_rows(dataset, payload.split, payload.seed)
        label = labels(dataset, payload.task)
        check_labels(label[parts.train], payload.task)

        train_rows = dataset.take(parts.train)
        architecture = fit_architecture(
            train_rows, label[parts.train], payload.contract.inputs, payload.task, payload.parameters)
        code = snapshot_of(payload.code) if payload.code else None
        torch.manual_seed(payload.seed)
        module = built(architecture, payload, code)
        with told(payload.code.entrypoint, "training") if payload.code else nullcontext():
            fitted = fit(
                module,
                train=tensors(train_rows, label[parts.train], architecture),
                validation=tensors(dataset.take(parts.validation), label[parts.validation], architecture),
                criterion=criterion(payload.task), parameters=payload.parameters, seed=payload.seed,
                folder=context.scratch, timer=Timer(payload.max_loss_of_work_us), preemption=preemption,
                report=report, kept=lambda: context.keep(context.scratch / LATEST), team=gang or ALONE,
            )
    return Learned(module, fitted, dataset, parts, code)


def built(architecture: Architecture, payload: TrainStep, code: Snapshot | None) -> Network:
    if payload.code is None or code is None:
        return build(architecture)
    return build_custom(architecture, code, payload.code.entrypoint)


def labels(dataset: pa.Table, task: Task) -> NDArray[Any]:
    """float64 for regression, int64 0/1 for binary classification, text for multiclass."""
    column = dataset["__label"]
    kind: type[np.generic] = np.float64 if task == "regression" else np.int64
    return np.asarray(column.to_pylist(), dtype=np.str_) if task == "multiclass" else column.to_numpy().astype(kind)


def tensors(rows: pa.Table, label: NDArray[Any], architecture: Architecture) -> Data:
    x_BN, ids_BC = map(torch.from_numpy, encode_table(rows, architecture))
    return Data(x_BN, ids_BC, targets(label, architecture), torch.tensor(rows["__row"].to_numpy()))


def reporter(context: StepContext, epochs: int) -> Report:
    """Tells the parent at most once in TELL_EVERY_S seconds, and at every whole epoch."""
    told_s = 0.0

    def report(done: float, text: str) -> None:
        nonlocal told_s
        if done == int(done) or time.monotonic() - told_s >= TELL_EVERY_S:
            told_s = time.monotonic()
            context.progress(done, epochs, text)

    return report


def model_card(
    payload: TrainStep, context: StepContext, module: Network, dataset: pa.Table, parts: Parts,
) -> ModelCard:
    """Without version, metrics and gates, which come later. Predictions are profiled on validation rows."""
    architecture = module.architecture
    predictions_BO = predict_table(module, dataset.take(parts.validation)).astype(np.float64)
    return ModelCard(
        format=CARD_FORMAT, model=payload.model, version=None, task=payload.task, type=payload.type,
        contract=payload.contract, contract_digest=digest(payload.contract), architecture=architecture.values(),
        outputs=architecture.outputs, reference=reference(dataset.take(parts.train), predictions_BO, architecture),
        metrics=(), gates=(), code=payload.code,
        lineage=Lineage(
            run_id=context.run_id, dataset=context.inputs[f"features.{payload.model}"].digests["dataset"],
            fit_fingerprint=context.step.fingerprint, rows=len(dataset), code=code_version(), python=python_version(),
            packages=package_versions(), trained_at_us=time.time_ns() // 1000,
        ),
    )


def result(module: Network, card: ModelCard, parts: Parts, fitted: Fitted, seconds: float) -> StepResult:
    rows = parts.record.rows
    removed = f", {rows.removed} left out by the split" if rows.removed else ""
    return StepResult(
        digests={"model": model_digest(module, card.contract_digest, card.code)},
        facts={
            "epochs": fitted.epochs, "best_epoch": fitted.best_epoch + 1, "validation_loss": fitted.validation_loss,
            "seconds": round(seconds, 3), "rows_per_second": round(fitted.rows_per_second),
            "removed_rows": rows.removed,
        },
        summary=(
            f"trained on {rows.train} rows{removed}; validation loss {fitted.validation_loss:.4f} "
            f"at epoch {fitted.best_epoch + 1} of {fitted.epochs}"
        ),
    )
