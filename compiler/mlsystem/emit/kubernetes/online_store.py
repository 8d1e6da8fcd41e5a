"""A Redis of the system's own, where the environment names none: one replica, written to a volume as it changes.

It has no password: only pods of this system reach it, by its NetworkPolicy. Where the network enforces none, or more
is asked of the store, the environment names another one.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.pods import GI, Volume, container, tmp
from mlsystem.emit.kubernetes.processes import ONLINE_STORE_PORT, online_store_name
from mlsystem.emit.kubernetes.stores import stateful_set, store_pod, store_service
from mlsystem.system import own_pods

COMPONENT = "online-store"
PORT: Body = {"name": "redis", "port": ONLINE_STORE_PORT}
DATA = Volume("data", "/data", {})
CPU, MEMORY_BYTES = own_pods.ONLINE_STORE.cpu, own_pods.ONLINE_STORE.memory
STORAGE_BYTES = 10 * GI
ROWS_BYTES = MEMORY_BYTES // 2
"""Half of the memory: the other half is for the copy that a rewrite of the file may need."""

COMMAND = (
    "redis-server", "--dir", DATA.path, "--port", str(ONLINE_STORE_PORT), "--protected-mode", "no",
    "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
    "--maxmemory", str(ROWS_BYTES), "--maxmemory-policy", "noeviction",
)  # fmt: skip
"""A second of writes may be lost: the next refresh brings them again. A full store refuses rows and forgets none."""


def online_store(cluster: Cluster) -> Iterator[KubernetesObject]:
    if cluster.target.online_store is not None:
        return
    name = online_store_name(cluster)
    main = container(
        "redis", cluster.target.images.redis, COMMAND, cpu_cores=CPU, memory_bytes=MEMORY_BYTES, volumes=[DATA, tmp()],
    )
    template = store_pod(cluster, COMPONENT, main, PORT, ANSWERS, [tmp()])
    yield stateful_set(cluster, "online_store", name, COMPONENT, template, STORAGE_BYTES)
    yield store_service(cluster, "online_store", name, COMPONENT, PORT)


ANSWERS = ("redis-cli", "-e", "-p", str(ONLINE_STORE_PORT), "ping")
"""With `-e` a Redis that is still reading its file is a failure."""
