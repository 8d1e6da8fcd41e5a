"""Versions as the registry keeps them, with features from the online store of the workspace."""

from __future__ import annotations

import os

from mlsystem_runtime.contract.run import RunConfig
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.features.online import Assembler
from mlsystem_runtime.features.opening import open_store
from mlsystem_runtime.serve.versions import LoadedVersion, LoadVersion

DEFAULT_THREADS = 1      # one small request is answered fastest without waking other threads


def version_loader(config: RunConfig, workspace: Workspace) -> LoadVersion:
    """All versions read one store, each by its own feature contract. Raises MlsystemError for a damaged version."""
    store = open_store(config, workspace, os.environ)
    threads = config.server.threads or DEFAULT_THREADS
    os.environ["OMP_NUM_THREADS"] = str(threads)  # before torch is imported: it then holds for every thread

    def load(model: str, number: int) -> LoadedVersion:
        import torch  # on the thread that loads: the server answers /healthz meanwhile

        from mlsystem_runtime.registry.artifact import LoadedModel

        torch.set_num_threads(threads)
        loaded = LoadedModel.load(workspace.fetch_version(model, number))
        return LoadedVersion.of(number, loaded, Assembler(loaded.card.contract, store))

    return load
