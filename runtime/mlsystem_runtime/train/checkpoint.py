"""Checkpoints that a crash cannot damage: written beside, synced, renamed; the one before is kept.

A file is the SHA-256 of its payload, then the payload: a torch archive that loads with `weights_only=True`.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mlsystem_runtime.contract.workspace import sync, sync_path

LATEST, PREVIOUS, WRITING = "latest.pt", "previous.pt", "writing.pt"
DIGEST_BYTES = 32

log = logging.getLogger(__name__)


def save(folder: Path, state: Mapping[str, Any]) -> None:
    """Durable when it returns. Killed at any moment, the folder still holds a whole checkpoint if it held one."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    payload = buffer.getbuffer()
    with open(folder / WRITING, "wb") as file:
        file.write(hashlib.sha256(payload).digest())
        file.write(payload)
        sync(file)
    if (folder / LATEST).exists():
        os.replace(folder / LATEST, folder / PREVIOUS)
    os.replace(folder / WRITING, folder / LATEST)
    sync_path(folder)


def load(folder: Path) -> dict[str, Any] | None:
    """The newest whole checkpoint, or None. A damaged one is passed over with a warning."""
    for name in (LATEST, PREVIOUS):
        try:
            data = (folder / name).read_bytes()
        except FileNotFoundError:
            continue
        if hashlib.sha256(data[DIGEST_BYTES:]).digest() == data[:DIGEST_BYTES]:
            state: dict[str, Any] = torch.load(io.BytesIO(data[DIGEST_BYTES:]), weights_only=True)
            return state
        log.warning("checkpoint %s is damaged and is passed over", folder / name)
    return None


class Timer:
    """When the next checkpoint is due, so that a crash loses at most `max_loss_us` of work.

    Half of it is kept in hand for what happens between two looks at the clock: a step, a validation, the write itself.
    """

    def __init__(self, max_loss_us: int) -> None:
        self.interval_s = max_loss_us / 2e6
        self.last_s = time.monotonic()

    def due(self) -> bool:
        return time.monotonic() - self.last_s >= self.interval_s

    def saved(self) -> None:
        self.last_s = time.monotonic()
