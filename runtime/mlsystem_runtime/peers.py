"""Several processes that carry out one step: how many there are, which of them this is, where the first one listens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import RANK


@dataclass(frozen=True)
class Peers:
    """This is process number `rank` of `nodes`, from 0; number 0 listens at `host` and `port`."""

    nodes: int
    rank: int
    host: str
    port: int


def peers_of(nodes: int, address: str | None, environment: Mapping[str, str]) -> Peers | None:
    """None for a process that is alone. The pods of an Indexed Job are told their numbers by the cluster.

    Raises MlsystemError when something is missing.
    """
    if nodes == 1:
        return None
    host, _, port = (address or "").rpartition(":")
    if not host or not port.isdecimal():
        raise MlsystemError(
            f"{nodes} processes do not find each other at '{address or ''}'", "--peer HOST:PORT of the first one"
        )
    rank = environment.get(RANK, "")
    if not rank.isdecimal() or int(rank) >= nodes:
        raise MlsystemError(
            f"which of {nodes} processes this is, the environment does not say: {RANK}={rank}",
            f"set {RANK} to a number from 0 to {nodes - 1}, as an Indexed Job does",
        )
    return Peers(nodes, int(rank), host, int(port))
