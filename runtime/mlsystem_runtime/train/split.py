"""Which examples train, validate and test (spec.md, *Split*). Training and evaluation call the same function."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.run import Split

Indices = NDArray[np.int64]


class SplitRows(Struct):
    """`unknown_label` rows have no `known`; the labels of `late_` ones became known after the next part began."""

    train: int
    validation: int
    test: int
    unknown_label: int
    late_train: int
    late_validation: int

    @property
    def removed(self) -> int:
        return self.unknown_label + self.late_train + self.late_validation


class SplitRecord(Struct):
    """`split.json`. Starts are None if random. `seen_until_us` is the latest `at` of training and validation."""

    by: Literal["time", "random"]
    validation_start_us: int | None
    test_start_us: int | None
    seen_until_us: int
    rows: SplitRows


@dataclass(frozen=True)
class Parts:
    """Ascending positions in the dataset."""

    train: Indices
    validation: Indices
    test: Indices
    record: SplitRecord


def split_rows(dataset: pa.Table, split: Split, seed: int) -> Parts:
    """Split by the columns `__at` and `__known`, in microseconds. Raises MlsystemError when a part has no rows."""
    at_us = dataset["__at"].to_numpy()
    known = dataset["__known"].combine_chunks()
    has_label = np.asarray(known.is_valid())
    known_us = known.fill_null(0).to_numpy()
    if split.by == "random":
        parts = _random(at_us, has_label, split, seed)
    else:
        parts = _by_time(at_us, known_us, has_label, split)
    for name in ("train", "validation", "test"):
        if not len(getattr(parts, name)):
            raise MlsystemError(
                f"the {name} part of the split has no rows ({len(dataset)} examples in all)",
                "give more data, larger shares under training.split, or check when labels become known",
            )
    return parts


def _by_time(at_us: Indices, known_us: Indices, has_label: NDArray[np.bool_], split: Split) -> Parts:
    """Boundaries are instants, so rows with the same `at` are never torn apart: they go to the later part."""
    ordered = np.sort(at_us)
    validation_start = _instant(ordered, 1.0 - split.validation - split.test)
    test_start = _instant(ordered, 1.0 - split.test)
    first = at_us < validation_start
    last = at_us >= test_start
    middle = ~first & ~last
    train = first & has_label & (known_us <= validation_start)
    validation = middle & has_label & (known_us <= test_start)
    test = last & has_label
    return _parts(
        at_us, train, validation, test, "time", (validation_start, test_start), unknown=int((~has_label).sum()),
        late=(int((first & has_label & ~train).sum()), int((middle & has_label & ~validation).sum())),
    )


def _instant(ordered_us: Indices, fraction: float) -> int:
    """The instant below which `fraction` of the rows lie; past all of them for 1."""
    rank = _rank(len(ordered_us), fraction)
    if rank < len(ordered_us):
        return int(ordered_us[rank])
    return int(ordered_us[-1]) + 1 if len(ordered_us) else 0


def _rank(rows: int, fraction: float) -> int:
    return math.floor(rows * fraction + 1e-6)  # 1 - 0.15 - 0.15 is a little less than 0.7


def _random(at_us: Indices, has_label: NDArray[np.bool_], split: Split, seed: int) -> Parts:
    """A permutation drawn from `seed`; the rows' order in the dataset decides nothing else."""
    shuffled = np.random.default_rng(seed).permutation(len(at_us))
    bounds = [_rank(len(at_us), 1.0 - split.validation - split.test), _rank(len(at_us), 1.0 - split.test)]
    masks = []
    for chosen in np.split(shuffled, bounds):
        mask = np.zeros(len(at_us), dtype=np.bool_)
        mask[chosen] = True
        masks.append(mask & has_label)
    train, validation, test = masks
    unknown = int((~has_label).sum())
    return _parts(at_us, train, validation, test, "random", (None, None), unknown=unknown, late=(0, 0))


def _parts(
    at_us: Indices, train: NDArray[np.bool_], validation: NDArray[np.bool_], test: NDArray[np.bool_],
    by: Literal["time", "random"], starts: tuple[int | None, int | None], unknown: int, late: tuple[int, int],
) -> Parts:
    seen_us = at_us[train | validation]
    rows = SplitRows(
        train=int(train.sum()), validation=int(validation.sum()), test=int(test.sum()),
        unknown_label=unknown, late_train=late[0], late_validation=late[1],
    )
    record = SplitRecord(
        by=by, validation_start_us=starts[0], test_start_us=starts[1],
        seen_until_us=int(seen_us.max()) if len(seen_us) else 0, rows=rows,
    )
    return Parts(np.flatnonzero(train), np.flatnonzero(validation), np.flatnonzero(test), record)
