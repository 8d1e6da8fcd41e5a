"""Versions as the registry keeps them, in the engine that the contract names, with features from the online store of
the workspace."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.model import Engine
from mlsystem_runtime.contract.run import RunConfig
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.features.online import Assembler
from mlsystem_runtime.features.opening import open_store
from mlsystem_runtime.registry.recorded import Recorded, check_recorded, read_recorded
from mlsystem_runtime.serve.versions import LoadedVersion, LoadVersion, Scorer
from mlsystem_runtime.train.threads import limited_threads

DEFAULT_THREADS = 1      # where nothing says more: a small request is answered fastest without waking other threads

Open = Callable[[Path, int], Scorer]

logger = logging.getLogger(__name__)


def version_loader(config: RunConfig, workspace: Workspace, workers: int = 1) -> LoadVersion:
    """All versions read one store, each by its own feature contract. So many `workers` share the processors of this
    container. Raises MlsystemError for a damaged version, and for one that does not answer the rows recorded with it as
    it did."""
    store = open_store(config, workspace, os.environ)
    threads = config.server.threads or threads_of_each(workers, limited_threads())
    os.environ["OMP_NUM_THREADS"] = str(threads)  # before torch is imported: it then holds for every thread
    engines = {endpoint.model: endpoint.engine for endpoint in config.server.endpoints}

    def load(model: str, number: int) -> LoadedVersion:
        folder = workspace.fetch_version(model, number)
        recorded = read_recorded(folder)
        scorer = opened(engines[model], folder, threads, recorded, f"version {number} of '{model}'")
        return LoadedVersion.of(number, scorer, Assembler(scorer.card.contract, store), recorded)

    return load


def opened(engine: Engine, folder: Path, threads: int, recorded: Recorded, version: str) -> Scorer:
    """The model in `engine`, or in torch where that is here and alone answers as recorded: a version from before
    `serving.engine` was changed goes on answering until one follows that passes the gate of the new engine.

    Raises MlsystemError where neither does; the image of a server in ONNX Runtime has no torch.
    """
    try:
        scorer = ENGINES[engine](folder, threads)
        check_recorded(recorded, scorer, version)
    except MlsystemError as error:
        if engine == "torch" or find_spec("torch") is None:
            raise
        logger.warning("%s; torch, which is installed here, answers for it", error.message)
        return opened("torch", folder, threads, recorded, version)
    return scorer


def threads_of_each(workers: int, limit: int | None) -> int:
    """What the container's CPU limit keeps busy, divided; None where nothing limits it."""
    return max(DEFAULT_THREADS, (limit or 0) // workers)


def in_torch(folder: Path, threads: int) -> Scorer:
    import torch  # for its weight, and on the thread that loads: the server answers /healthz meanwhile

    from mlsystem_runtime.registry.artifact import LoadedModel

    torch.set_num_threads(threads)
    return LoadedModel.load(folder)


def in_onnx_runtime(folder: Path, threads: int) -> Scorer:
    from mlsystem_runtime.registry.onnx_model import OnnxModel  # as above

    return OnnxModel.load(folder, threads)


ENGINES: Mapping[Engine, Open] = {"onnx": in_onnx_runtime, "torch": in_torch}
