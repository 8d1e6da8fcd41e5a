from __future__ import annotations

from pathlib import Path

import pytest
from redis_server import RedisServer

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import ONLINE_STORE
from mlsystem_runtime.contract.run import MonitorSection, OnlineStore, RunConfig, ServerSection
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.features.opening import open_store
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.features.store import Change, Generation, Packed

ONE = Generation("one", "group", "{}", 1)


def config(kind: str, environment: str = "dev") -> RunConfig:
    store = OnlineStore(kind)  # type: ignore[arg-type]
    return RunConfig(
        format=1, system="flights", environment=environment, clock="data", steps=(),
        server=ServerSection(clock="data", online_store=store, threads=None, endpoints=()),
        monitor=MonitorSection(clock="data", online_store=store, models=(), refreshes=(), sources=()),
    )  # fmt: skip


def test_sqlite_is_the_file_of_the_workspace_whatever_the_environment_says(tmp_path: Path) -> None:
    store = open_store(config("sqlite"), Workspace(str(tmp_path)), {ONLINE_STORE: "redis://nobody"})

    assert isinstance(store, SqliteStore)
    assert store.path == tmp_path / "online" / "store.sqlite"


def test_a_redis_is_shared_by_all_processes_of_one_environment_alone(
    shared_redis: RedisServer, tmp_path: Path
) -> None:
    workspace, environ = Workspace(str(tmp_path)), {ONLINE_STORE: shared_redis.url}
    writer = open_store(config("redis"), workspace, environ, writable=True)
    assert writer.write(ONE, [Change(b"a", 1, b"body", b"")], (), None)

    assert open_store(config("redis"), workspace, environ).read("one", [b"a"]) == [Packed(b"body")]
    assert open_store(config("redis", "prod"), workspace, environ).generations() == ()
    writer.drop("one")


def test_a_redis_that_the_environment_does_not_name_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(MlsystemError, match=f"{ONLINE_STORE} does not say which"):
        open_store(config("redis"), Workspace(str(tmp_path)), {ONLINE_STORE: ""})
