"""The loop: what it keeps, when it stops, and what it refuses."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from killed_training import PARAMETERS, data
from msgspec.structs import replace
from torch import Tensor, nn

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.run import TabularParameters
from mlsystem_runtime.train.batches import Data, batch_rows, batches, epoch_order
from mlsystem_runtime.train.checkpoint import Timer, load
from mlsystem_runtime.train.loop import Fitted, fit, follow, learning_rate, validation_loss
from mlsystem_runtime.train.objective import criterion
from mlsystem_runtime.train.optimizer import AdamW
from mlsystem_runtime.train.preemption import Preemption

BINARY = criterion("binary_classification")


class Linear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(6, 1)

    def forward(self, x_BN: Tensor, _ids_BC: Tensor) -> Tensor:
        logits_BO: Tensor = self.body(x_BN)
        return logits_BO


def trained(
    folder: Path, model: nn.Module, train: Data, validation: Data, parameters: TabularParameters = PARAMETERS,
) -> Fitted:
    return fit(
        model, train, validation, BINARY, parameters, seed=5, folder=folder, timer=Timer(0), preemption=Preemption(),
        report=lambda _done, _text: None,
    )


def poisoned(row: int) -> Data:
    good = data(320, 2)
    good.x_BN[row] = math.inf
    return good


def test_it_ends_with_the_weights_that_validated_best(tmp_path: Path) -> None:
    model, validation = Linear(), data(200, 3)

    fitted = trained(tmp_path, model, data(640, 2), validation)

    assert fitted.best_epoch < fitted.epochs == 4
    assert validation_loss(model, validation, BINARY, Preemption()) == fitted.validation_loss


def test_patience_ends_training_that_no_longer_improves(tmp_path: Path) -> None:
    noise = data(320, 2)
    unlearnable = Data(noise.x_BN, noise.ids_BC, noise.y_B.roll(1), noise.rows_B)

    fitted = trained(tmp_path, Linear(), data(320, 2), unlearnable, replace(PARAMETERS, epochs=50, patience=2))

    assert fitted.epochs <= fitted.best_epoch + 1 + 2 < 50


def test_a_loss_that_is_not_finite_stops_before_the_weights_and_names_the_row(tmp_path: Path) -> None:
    model = Linear()

    with pytest.raises(MlsystemError, match=r"loss became (nan|inf).*largest loss: 123\b"):
        trained(tmp_path, model, poisoned(123), data(50, 3))

    assert all(weight.isfinite().all() for weight in model.parameters())


def test_a_loss_that_is_not_finite_leaves_the_last_good_checkpoint(tmp_path: Path) -> None:
    train = poisoned(123)
    position = (epoch_order(320, 5, 0) == 123).nonzero().item()

    with pytest.raises(MlsystemError):
        trained(tmp_path, Linear(), train, data(50, 3))

    checkpoint = load(tmp_path)
    assert checkpoint is not None
    assert checkpoint["position"]["step"] == position // batch_rows(320, 32)
    assert all(weight.isfinite().all() for weight in checkpoint["model"].values())


def test_a_gradient_that_is_not_finite_stops_before_the_weights(tmp_path: Path) -> None:
    class Steep(Linear):
        def forward(self, x_BN: Tensor, ids_BC: Tensor) -> Tensor:
            logits_BO = super().forward(x_BN, ids_BC)
            return logits_BO + (logits_BO - logits_BO.detach()).abs().sqrt()  # worth 0, its slope is infinite

    model = Steep()

    with pytest.raises(MlsystemError, match="gradient became"):
        trained(tmp_path, model, data(320, 2), data(50, 3))

    assert all(weight.isfinite().all() for weight in model.parameters())


def test_validation_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    bad = data(50, 3)
    bad.x_BN[0] = math.nan

    with pytest.raises(MlsystemError, match="validation loss became nan"):
        trained(tmp_path, Linear(), data(320, 2), bad)


def test_the_learning_rate_rises_then_falls_to_a_tenth() -> None:
    rates = [learning_rate(PARAMETERS, step, 1000) for step in range(1000)]

    assert rates[0] == pytest.approx(PARAMETERS.learning_rate / 100, rel=0.01)
    assert max(rates) == rates[99] == pytest.approx(PARAMETERS.learning_rate * 0.91, rel=0.01)
    assert rates[-1] == pytest.approx(PARAMETERS.learning_rate * 0.1, rel=0.01)


def test_averaged_weights_follow_fast_at_first_and_slowly_later() -> None:
    model, early, late = Linear(), Linear(), Linear()
    for module, value in ((model, 1.0), (early, 0.0), (late, 0.0)):
        nn.init.constant_(module.body.weight, value)

    follow(early, model, step=0)
    follow(late, model, step=100_000)

    assert early.body.weight.mean().item() == pytest.approx(0.9)
    assert late.body.weight.mean().item() == pytest.approx(0.002, rel=1e-3)


def test_the_optimizer_equals_the_one_of_torch() -> None:
    ours, theirs = Linear(), Linear()
    theirs.load_state_dict(ours.state_dict())
    own = AdamW(ours.parameters(), weight_decay=0.1)
    reference = torch.optim.AdamW(theirs.parameters(), lr=1e-2, weight_decay=0.1, fused=True)
    batch = data(64, 1)

    for _ in range(5):
        for model in (ours, theirs):
            model.zero_grad()
            BINARY(model(batch.x_BN, batch.ids_BC), batch.y_B).mean().backward()
        own.step(1e-2)
        reference.step()

    assert torch.equal(ours.body.weight, theirs.body.weight)


def test_every_epoch_is_another_permutation_and_the_same_again() -> None:
    first, again, second, other = (epoch_order(1000, *key) for key in ((1, 0), (1, 0), (1, 1), (2, 0)))

    assert sorted(first.tolist()) == list(range(1000))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert not torch.equal(first, other)


def test_batches_from_the_middle_are_those_of_the_whole_epoch() -> None:
    examples = data(100, 1)
    order = epoch_order(100, 1, 0)

    whole = [batch.rows_B.tolist() for batch in batches(examples, order, 16)]
    rest = [batch.rows_B.tolist() for batch in batches(examples, order, 16, start=4)]

    assert len(whole) == 6
    assert rest == whole[4:]
    assert [row for rows in whole for row in rows] == order.tolist()[:96]


@pytest.mark.parametrize(("rows", "wanted", "size"), [
    (230_000, 1024, 1024), (1000, 1024, 31), (200, 1024, 16), (5, 8, 5),
])
def test_small_data_is_cut_into_more_batches(rows: int, wanted: int, size: int) -> None:
    assert batch_rows(rows, wanted) == size
