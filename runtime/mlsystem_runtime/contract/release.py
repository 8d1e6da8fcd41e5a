"""The release file: which versions of each model answer, with which share of the traffic. Data, not a deployment."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.workspace import read_struct, write_struct


class Share(Struct):
    version: int
    share: float


class ModelRelease(Struct, omit_defaults=True):
    """Shares sum to 1. `salt` decides which unit falls where and stays for the life of the endpoint.

    `shadow` is a version that answers nobody, and may be tried on requests that others answered.
    """

    salt: str
    shares: tuple[Share, ...]
    shadow: int | None = None

    @property
    def champion(self) -> int:
        """The version with the largest share; the newer one on a tie."""
        return max(self.shares, key=lambda share: (share.share, share.version)).version


class Release(Struct):
    serial: int
    models: dict[str, ModelRelease]


EMPTY = Release(serial=0, models={})


def read_release(path: Path) -> Release:
    """The release in force; empty where none was made yet. Raises MlsystemError for damage."""
    try:
        return read_struct(path, Release)
    except FileNotFoundError:
        return EMPTY
    except MlsystemError as error:
        hint = "delete it and say what is to answer: mlsystem rollback --to VERSION (the server goes on meanwhile)"
        raise MlsystemError(error.message, hint) from error


def write_release(path: Path, release: Release) -> None:
    write_struct(path, release)


def bucket(salt: str, unit: str) -> float:
    """Where a unit falls in [0, 1): the 64-bit hash of (salt, unit), over 2^64 (spec.md, *Splitting traffic*)."""
    hashed = keyed(salt).copy()
    hashed.update(unit.encode())
    return int.from_bytes(hashed.digest(), "big") / 2**64


@lru_cache(maxsize=256)
def keyed(salt: str) -> hashlib.blake2b:
    """The hash of (salt, nothing), to be copied: every request needs it, some twice."""
    return hashlib.blake2b(digest_size=8, key=hashlib.sha256(salt.encode()).digest())


def choose(release: ModelRelease, unit: str) -> int:
    """The version that answers `unit`."""
    position, edge = bucket(release.salt, unit), 0.0
    for share in release.shares:
        edge += share.share
        if position < edge:
            return share.version
    return release.shares[-1].version
