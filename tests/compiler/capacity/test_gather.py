"""What a search is asked is what stands in the file, what was measured, and the traffic that was recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mlsystem.capacity.gather import inputs_of
from mlsystem.capacity.inputs import Inputs, Speed, Wanted
from mlsystem.capacity.profile import Cell, Fingerprint, Machine, Profile
from mlsystem.cost.prices import REFERENCE
from mlsystem.system.nodes import ModelNode
from mlsystem.system.target import DeclaredProfile, Traffic

MEASURED = Profile(
    fingerprint=Fingerprint("s", "onnx", "1", "2Gi", "1"), machine=Machine("a processor", 2, "quota", 1.0, "sqlite"),
    version=1, cells=(Cell(1, 1, 3, (900, 1000, 1400)),), cold_starts_us=(3_000_000,), memory_bytes=1, lag_us=10,
)  # fmt: skip


@dataclass
class Asked:
    model: ModelNode
    folder: Path

    def __call__(self, measured: Profile | None = None, **serving: Any) -> Inputs:
        model = replace(self.model, serving=replace(self.model.serving, **serving))
        return inputs_of(model, REFERENCE, measured, self.folder)


@pytest.fixture
def asked(spec: Any, compiled: Callable[[Any], Any], tmp_path: Path) -> Asked:
    return Asked(compiled(spec).system.models[0], tmp_path)


def test_what_nobody_wrote_is_free(asked: Asked) -> None:
    assert asked().scaling == Wanted("hpa", 10, None, None, None, None)


def test_what_is_written_is_fixed_though_it_is_the_default(asked: Asked) -> None:
    scaling = replace(asked.model.serving.scaling, free=("metric",), max_cost=400.0)

    assert asked(scaling=scaling).scaling == Wanted("hpa", 10, 2, None, 0.7, 400.0)


def test_of_a_trace_the_content_counts_and_not_its_name(asked: Asked) -> None:
    for name in ("week.csv", "again.csv"):
        (asked.folder / name).write_text("time,rps\n0,1\n1,2\n")
    week, again = (asked(traffic=Traffic(trace=name)) for name in ("week.csv", "again.csv"))

    assert week.traffic.trace == hashlib.sha256(b"time,rps\n0,1\n1,2\n").hexdigest()
    assert week.hashes() == again.hashes()


def test_what_was_measured_stands_before_what_is_declared(asked: Asked) -> None:
    declared = DeclaredProfile(service_time_us=20_000, cold_start_us=5_000_000)

    assert asked(profile=declared).profile == Speed(None, 20_000, 5_000_000)
    assert asked(MEASURED, profile=declared).profile == Speed(asked(MEASURED).profile.profile, None, 5_000_000)
    assert asked(MEASURED, profile=DeclaredProfile(None, 5_000_000)) == asked(MEASURED, profile=declared)
    assert asked(MEASURED).hashes() != asked(replace(MEASURED, cold_starts_us=(3_000_001,))).hashes()
    assert asked().profile == Speed(None, None, None)
