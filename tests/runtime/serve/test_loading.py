"""With how many threads a server answers."""

from __future__ import annotations

import pytest

from mlsystem_runtime.serve.loading import threads_of_each


@pytest.mark.parametrize(("workers", "limit", "threads"), [
    (1, None, 1), (4, None, 1), (1, 4, 4), (2, 4, 2), (3, 4, 1), (4, 2, 1),
])  # fmt: skip
def test_workers_share_the_cores_of_a_container_and_each_has_a_thread_at_least(
    workers: int, limit: int | None, threads: int
) -> None:
    assert threads_of_each(workers, limit) == threads
