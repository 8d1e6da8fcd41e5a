"""Which online store a process uses: the contract says the kind, and where a table is; the environment where a Redis
is."""

from __future__ import annotations

from collections.abc import Mapping

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import ONLINE_STORE
from mlsystem_runtime.contract.run import RunConfig
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.features.store import OnlineStore


def open_store(
    config: RunConfig, workspace: Workspace, environ: Mapping[str, str], writable: bool = False
) -> OnlineStore:
    """The store of this system in this environment. Raises MlsystemError where nothing says which Redis it is."""
    if config.server.online_store.type == "sqlite":
        return SqliteStore(workspace.online, writable=writable)
    namespace = f"{config.system}/{config.environment}"
    if config.server.online_store.type == "dynamodb":
        assert config.server.online_store.uri is not None, "the compiler names the table"
        from mlsystem_runtime.features.dynamo_store import FRESH_S, DynamoStore  # lazy: its client is heavy

        return DynamoStore(config.server.online_store.uri, namespace, writable, FRESH_S)
    url = environ.get(ONLINE_STORE)
    if not url:
        raise MlsystemError(f"the online store is a Redis, and {ONLINE_STORE} does not say which", "set it to redis://HOST")
    from mlsystem_runtime.features.redis_store import RedisStore  # lazy: one machine needs no client

    return RedisStore(url, namespace, writable)
