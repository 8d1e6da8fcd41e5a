"""Checkpoints: whole or absent, and an older one where the newest is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mlsystem_runtime.train import checkpoint
from mlsystem_runtime.train.checkpoint import LATEST, PREVIOUS, Timer, load, save


def state(number: int) -> dict[str, object]:
    return {"number": number, "weights": {"w": torch.full((100,), float(number))}}


def test_the_newest_is_loaded(tmp_path: Path) -> None:
    save(tmp_path, state(1))
    save(tmp_path, state(2))

    loaded = load(tmp_path)

    assert loaded is not None
    assert loaded["number"] == 2
    assert loaded["weights"]["w"].tolist() == [2.0] * 100


def test_there_is_none_at_first(tmp_path: Path) -> None:
    assert load(tmp_path) is None


@pytest.mark.parametrize("damage", [b"", b"torn", b"\0" * 4000])
def test_a_damaged_one_is_passed_over_for_the_one_before(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture,
) -> None:
    save(tmp_path, state(1))
    save(tmp_path, state(2))
    (tmp_path / LATEST).write_bytes(damage)

    loaded = load(tmp_path)

    assert loaded is not None
    assert loaded["number"] == 1
    assert "damaged" in caplog.text


def test_one_flipped_bit_is_damage(tmp_path: Path) -> None:
    save(tmp_path, state(1))
    data = bytearray((tmp_path / LATEST).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / LATEST).write_bytes(data)

    assert load(tmp_path) is None


def test_a_write_that_fails_leaves_the_last_two_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, state(1))
    save(tmp_path, state(2))

    def full(_file: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "sync", full)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path, state(3))

    assert load(tmp_path) is not None
    assert load(tmp_path)["number"] == 2  # type: ignore[index]
    assert (tmp_path / PREVIOUS).exists()


def test_a_pickle_that_runs_code_is_not_loaded(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("run",)

    save(tmp_path, {"hostile": Hostile()})

    with pytest.raises(Exception, match="Weights only load failed"):
        load(tmp_path)


def test_half_of_the_allowed_loss_is_kept_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    timer = Timer(max_loss_us=10_000_000)

    now[0] = 104.9
    early = timer.due()
    now[0] = 105.0
    late = timer.due()
    timer.saved()

    assert (early, late, timer.due()) == (False, True, False)
