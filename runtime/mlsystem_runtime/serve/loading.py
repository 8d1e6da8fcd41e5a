"""Versions as the registry keeps them, in the engine that the contract names, with features from the online store of
the workspace."""

from __future__ import annotations

import os

from mlsystem_runtime.contract.run import RunConfig
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.features.online import Assembler
from mlsystem_runtime.features.opening import open_store
from mlsystem_runtime.registry.engines import open_version
from mlsystem_runtime.registry.recorded import read_recorded
from mlsystem_runtime.serve.versions import LoadedVersion, LoadVersion
from mlsystem_runtime.train.threads import limited_threads

DEFAULT_THREADS = 1      # where nothing says more: a small request is answered fastest without waking other threads


def version_loader(config: RunConfig, workspace: Workspace, workers: int = 1) -> LoadVersion:
    """All versions read one store, each by its own feature contract. So many `workers` share the processors of this
    container. Raises MlsystemError for a damaged version, and for one that does not answer the rows recorded with it as
    it did."""
    store = open_store(config, workspace, os.environ)
    threads = config.server.threads or threads_of_each(workers, limited_threads())
    engines = {endpoint.model: endpoint.engine for endpoint in config.server.endpoints}

    def load(model: str, number: int) -> LoadedVersion:
        folder = workspace.fetch_version(model, number)
        recorded = read_recorded(folder)
        scorer = open_version(engines[model], folder, threads, recorded, f"version {number} of '{model}'")
        return LoadedVersion.of(number, scorer, Assembler(scorer.card.contract, store), recorded)

    return load


def threads_of_each(workers: int, limit: int | None) -> int:
    """What the container's CPU limit keeps busy, divided; None where nothing limits it."""
    return max(DEFAULT_THREADS, (limit or 0) // workers)
