from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis_server import RedisServer, redis_server


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests, each in a namespace of its own."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server
