"""The stores of the state, each with what it takes: one contract for all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from buckets import bucket_uri, s3
from states import bucket_store

from mlsystem.state.s3 import S3Store
from mlsystem.state.store import FileStore, MemoryStore, StateStore

__all__ = ["bucket_uri", "s3"]

@pytest.fixture
def machine(bucket_uri: str, tmp_path: Path) -> Callable[[str], S3Store]:
    """A machine by its name: all of them have one bucket."""
    return lambda name: bucket_store(bucket_uri, tmp_path / name)


@pytest.fixture(params=["file", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> StateStore:
    if request.param == "s3":
        return bucket_store(request.getfixturevalue("bucket_uri"), tmp_path)
    return FileStore(tmp_path / ".mlsystem" / "dev") if request.param == "file" else MemoryStore()
