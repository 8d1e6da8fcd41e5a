from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from feature_table import make_table
from object_store import object_store
from redis_server import RedisServer, redis_server

from mlsystem_runtime.features import dynamo_store
from mlsystem_runtime.features.dynamo_table import Patience


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests, each in a namespace of its own."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def shared_dynamodb() -> Iterator[tuple[str, Mapping[str, str]]]:
    """One table for all tests, each in a namespace of its own: its address, and the environment in which it is found.
    """
    with object_store() as environment, pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        yield make_table("features"), environment


@pytest.fixture
def table_uri(shared_dynamodb: tuple[str, Mapping[str, str]], monkeypatch: pytest.MonkeyPatch) -> str:
    """Readers wait longer than where requests wait for them: the stand-in is slow."""
    uri, environment = shared_dynamodb
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(dynamo_store, "READER", Patience(answer_s=30, total_s=60, first_s=0.01, last_s=0.1))
    return uri
