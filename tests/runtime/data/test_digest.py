from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from mlsystem_runtime.data.digest import column_digest

TEXTS = ["a", None, "", "bc", None, "é"]


def test_chunks_and_dictionaries_do_not_matter() -> None:
    whole = pa.chunked_array([TEXTS], pa.string())
    pieces = pa.chunked_array(
        [pa.array(TEXTS).slice(0, 2), pa.array([], pa.string()), pa.array(["x", *TEXTS]).slice(3)]
    )

    assert column_digest(whole) == column_digest(pieces) == column_digest(whole.dictionary_encode())


def test_what_lies_under_a_null_does_not_matter() -> None:
    mask = np.array([False, True])
    first, second = (pa.array(np.array([1.0, under]), mask=mask) for under in (5.0, 7.0))

    assert column_digest(pa.chunked_array([first])) == column_digest(pa.chunked_array([second]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array(["ab", "c"]), pa.array(["a", "bc"])),
        (pa.array(["", None]), pa.array([None, ""])),
        (pa.array([0, None]), pa.array([None, 0])),
        (pa.array([1, 2]), pa.array([2, 1])),
        (pa.array([1, 2]), pa.array([1.0, 2.0])),
        (pa.array([None], pa.int64()), pa.array([None, None], pa.int64())),
        (pa.array([True, False]), pa.array([False, True])),
    ],
)
def test_different_content_has_a_different_digest(one: pa.Array, other: pa.Array) -> None:
    assert column_digest(pa.chunked_array([one])) != column_digest(pa.chunked_array([other]))
