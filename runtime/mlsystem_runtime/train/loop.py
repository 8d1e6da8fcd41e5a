"""The training loop: reads from top to bottom, stops early, and goes on after a crash as if nothing had happened."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.run import TabularParameters
from mlsystem_runtime.train.batches import Data, batch_rows, batches, epoch_order
from mlsystem_runtime.train.checkpoint import Timer, load, save
from mlsystem_runtime.train.optimizer import AdamW
from mlsystem_runtime.train.preemption import PreemptedError, Preemption
from mlsystem_runtime.train.team import ALONE, Team

Criterion = Callable[[Tensor, Tensor], Tensor]  # (logits_BO, y_B) → losses_B
Report = Callable[[float, str], None]           # epochs done (a fraction within one), what to tell

VALIDATION_ROWS = 8192     # per forward pass
LARGEST_GRADIENT = 1.0     # norm over all weights; larger ones are scaled down
WARM_UP_STEPS = 200        # at most, and at most a tenth of all steps
LAST_LEARNING_RATE = 0.1   # of the declared one; reached linearly
AVERAGE_KEEPS = 0.998      # of the averaged weights, per step
LEAST_IMPROVEMENT = 1e-3   # of the validation loss, relative, for patience to start anew


@dataclass
class Position:
    """Where training stands: all that changes besides weights, optimizer and random generator. `stale` counts epochs
    without an improvement; `step` batches of the current epoch are done."""

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    stale: int = 0
    best_loss: float = math.inf
    best_epoch: int = -1
    best_weights: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """`best_epoch` counts from 0; rows per second are over this process's own training steps, 0 where it had none."""

    epochs: int
    best_epoch: int
    validation_loss: float
    rows_per_second: float


def fit(
    model: nn.Module, train: Data, validation: Data, criterion: Criterion, parameters: TabularParameters, seed: int,
    folder: Path, timer: Timer, preemption: Preemption, report: Report,
    kept: Callable[[], None] = lambda: None, team: Team = ALONE,
) -> Fitted:
    """Train `model` in place and leave it with its best weights by validation loss (averaged ones: `follow`).

    Goes on from the checkpoint in `folder`, if there is one, to bit-equal weights (same thread count). Raises
    PreemptedError after SIGTERM, checkpoint written; MlsystemError when loss or gradient are not finite, before they
    reach the weights. `kept` is called when a checkpoint is written. Of a `team` each process gives the same data.
    """
    size = batch_rows(len(train), parameters.batch_size)
    steps = len(train) // size
    optimizer = AdamW((one for one in model.parameters() if one.requires_grad), parameters.weight_decay)
    average = copy.deepcopy(model)  # of the weights over the last steps: less noisy, and better, than the last ones
    team.begin(model, size)
    at = resume(load(folder) if team.first else None, model, average, optimizer)
    at = resume(team.agreed(state(at, model, average, optimizer)), model, average, optimizer)
    rows, seconds = 0, 0.0

    try:
        while at.epoch < parameters.epochs and at.stale < parameters.patience:
            started = time.perf_counter()
            order = epoch_order(len(train), seed, at.epoch)
            model.train()
            for batch in batches(train, order, size, start=at.step):
                mine = team.share(batch)
                losses_B = criterion(model(mine.x_BN, mine.ids_BC), mine.y_B)
                loss_value = team.learn(model, losses_B, preemption)  # waits for the device
                if not math.isfinite(loss_value):
                    raise diverged("loss", loss_value, at, batch, team.together(losses_B))
                gradient = clip_grad_norm_(model.parameters(), LARGEST_GRADIENT).item()  # waits for the device
                if not math.isfinite(gradient):
                    raise diverged("gradient", gradient, at, batch, team.together(losses_B))
                done = at.epoch * steps + at.step
                optimizer.step(learning_rate(parameters, done, parameters.epochs * steps))
                follow(average, model, done)
                at.step += 1
                at.loss_sum += loss_value
                rows += size
                team.check(preemption)
                if team.first and timer.due():
                    save(folder, state(at, model, average, optimizer))
                    kept()
                    timer.saved()
                report(at.epoch + at.step / steps, f"epoch {at.epoch + 1}, loss {at.loss_sum / at.step:.4f}")
            seconds += time.perf_counter() - started

            validated = validation_loss(average, validation, criterion, preemption, team)
            advance(at, validated, average)
            report(at.epoch, f"epoch {at.epoch}, validation loss {validated:.4f}")
    except PreemptedError:
        if team.first:
            save(folder, state(at, model, average, optimizer))
            kept()
        raise
    model.load_state_dict(at.best_weights)
    model.eval()
    return Fitted(at.epoch, at.best_epoch, at.best_loss, rows / seconds if seconds else 0.0)


def validation_loss(
    model: nn.Module, data: Data, criterion: Criterion, preemption: Preemption, team: Team = ALONE,
) -> float:
    """Mean loss over all rows, dropout off."""
    model.eval()
    total, part = 0.0, team.part(len(data))
    with torch.inference_mode():
        for start in part[::VALIDATION_ROWS]:
            team.check(preemption)
            batch = data.take(slice(start, min(start + VALIDATION_ROWS, part.stop)))
            total += criterion(model(batch.x_BN, batch.ids_BC), batch.y_B).sum().item()  # waits for the device
    return team.total(total, preemption) / len(data)


def advance(at: Position, validated: float, model: nn.Module) -> None:
    """On to the next epoch, keeping the weights if none were better."""
    if not math.isfinite(validated):
        raise MlsystemError(
            f"the validation loss became {validated} in epoch {at.epoch + 1}",
            "lower training.parameters.learning_rate",
        )
    at.stale = 0 if validated < at.best_loss * (1 - LEAST_IMPROVEMENT) else at.stale + 1
    if validated < at.best_loss:
        at.best_loss, at.best_epoch = validated, at.epoch
        at.best_weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    at.epoch, at.step, at.loss_sum = at.epoch + 1, 0, 0.0


def learning_rate(parameters: TabularParameters, step: int, total: int) -> float:
    """Rises linearly from step 0, then falls linearly over all epochs to LAST_LEARNING_RATE of what is declared."""
    warm_up = max(1, min(WARM_UP_STEPS, total // 10))
    rising, falling = min(1.0, (step + 1) / warm_up), 1.0 - (1.0 - LAST_LEARNING_RATE) * step / total
    return parameters.learning_rate * rising * falling


def diverged(what: str, value: float, at: Position, batch: Data, losses_B: Tensor) -> MlsystemError:
    """Names the rows of the batch with the largest losses, those that are not finite first."""
    worst = torch.nan_to_num(losses_B.detach(), nan=math.inf).argsort(descending=True)[:5]
    rows = ", ".join(str(row) for row in batch.rows_B[worst].tolist())
    return MlsystemError(
        f"the {what} became {value} in epoch {at.epoch + 1}, batch {at.step + 1}; training stopped before it reached "
        f"the weights. Rows of that batch with the largest loss: {rows}",
        "look at those rows of the examples' source, or lower training.parameters.learning_rate",
    )


def follow(average: nn.Module, model: nn.Module, step: int) -> None:
    """Exponential moving average of the weights; over fewer steps at first, when they change fast.

    What a module counts itself, as batch normalisation does, is taken as it is.
    """
    keep = min(AVERAGE_KEEPS, (1 + step) / (10 + step))
    with torch.no_grad():
        for averaged, weight in zip(average.parameters(), model.parameters(), strict=True):
            averaged.lerp_(weight, 1.0 - keep)
        for held, counted in zip(average.buffers(), model.buffers(), strict=True):
            held.copy_(counted)


def state(at: Position, model: nn.Module, average: nn.Module, optimizer: AdamW) -> dict[str, Any]:
    """Everything that a checkpoint holds: tensors, numbers, text."""
    return {
        "position": dict(vars(at)),
        "model": model.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state(),
        "random": torch.get_rng_state(),
    }


def resume(
    checkpoint: dict[str, Any] | None, model: nn.Module, average: nn.Module, optimizer: AdamW,
) -> Position:
    """Put everything back as it was; a fresh start where there is no checkpoint."""
    if checkpoint is None:
        return Position()
    model.load_state_dict(checkpoint["model"])
    average.load_state_dict(checkpoint["average"])
    optimizer.restore(checkpoint["optimizer"])
    torch.set_rng_state(checkpoint["random"])
    return Position(**checkpoint["position"])
