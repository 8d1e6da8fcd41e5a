from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mlsystem_runtime.data.arrays import arrow, numbers, present

SUPPORT = Path(__file__).parents[2] / "support"
STEPS = """
import sys
from pathlib import Path
from pipeline import DataSteps, flights
root = Path(sys.argv[1])
DataSteps(root, flights(root)).run("ingest.flights", "materialize.airport", "features.main")
assert "pandas" not in sys.modules
"""


@pytest.mark.parametrize(("values", "expected"), [
    (pa.array([1, None, 3], pa.int16()), [1, 0, 3]),
    (pa.array([1.5, None, -0.5]), [1.5, 0.0, -0.5]),
    (pa.array([True, None, False]), [1, 0, 0]),
    (pa.array([5, None, -7], pa.timestamp("us", "UTC")), [5, 0, -7]),
    (pa.array(["a", None, ""]), [0, 0, 0]),
    (pa.array([0, 1, 2]), [0, 1, 2]),
    (pa.array([None, None], pa.float64()), [0.0, 0.0]),
    (pa.array([], pa.int64()), []),
])  # fmt: skip
def test_numbers_are_zero_where_null_in_slices_too(values: pa.Array, expected: list[float]) -> None:
    long = pa.concat_arrays([values] * 7)
    for start in range(len(long)):
        piece = long.slice(start, 5)

        found, has_value = numbers(piece)

        assert found.tolist() == (expected * 7)[start : start + 5]
        assert has_value.tolist() == present(piece).tolist() == [value is not None for value in piece.to_pylist()]


def test_there_and_back_keeps_numbers_and_nulls() -> None:
    null = np.array([True, False, False] * 5)

    made = arrow(np.arange(15)[::-1], null)

    assert made.to_pylist() == [None if missing else 14 - place for place, missing in enumerate(null)]
    assert arrow(np.array([0.5])).to_pylist() == [0.5]


def test_data_steps_do_not_pay_for_pandas(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", STEPS, str(tmp_path)],
        env={"PYTHONPATH": str(SUPPORT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
