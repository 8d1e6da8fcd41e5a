"""The champion on this dataset: scored through its own feature contract, on test rows that it has not seen."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.features import FeatureContract, FeatureUse
from mlsystem_runtime.contract.release import read_release
from mlsystem_runtime.contract.workspace import Workspace, read_struct
from mlsystem_runtime.evaluate.evaluation import Evaluation
from mlsystem_runtime.evaluate.gates import Rival
from mlsystem_runtime.registry.artifact import LoadedModel
from mlsystem_runtime.registry.card import EVALUATION, SPLIT
from mlsystem_runtime.train.split import SplitRecord


def champion_version(workspace: Workspace, model: str) -> int | None:
    """The version with the largest share of the release in force."""
    release = read_release(workspace.release).models.get(model)
    return None if release is None else release.champion


def champion_rival(
    workspace: Workspace, model: str, version: int | None, contract: FeatureContract, label: str, test: pa.Table,
) -> Rival:
    """Its answers for `test` (rows of the dataset that `contract` describes), and on which it may be compared."""
    if version is None:
        return Rival.absent("there is no champion yet")
    folder = workspace.version(model, version)
    try:
        champion = LoadedModel.load(folder)
        theirs = read_struct(folder / EVALUATION, Evaluation)
        split = read_struct(folder / SPLIT, SplitRecord)
    except (MlsystemError, FileNotFoundError) as error:
        return Rival.absent(f"version {version} cannot be loaded: {error}")
    if theirs.label != label:
        return Rival.absent(f"version {version} predicts another label")
    missing = uncomputed_inputs(champion.card.contract, contract)
    if missing:
        return Rival.absent(f"inputs of version {version} are not in this dataset: {', '.join(missing)}")
    later_B = np.flatnonzero(test["__at"].to_numpy() > split.seen_until_us)
    if not len(later_B):
        return Rival.absent(f"no test row is later than what version {version} learned from")
    return Rival(champion.predict_table(test).double().numpy(), later_B)


def uncomputed_inputs(champion: FeatureContract, dataset: FeatureContract) -> list[str]:
    """The champion's inputs that the dataset lacks, or computes from another definition or for another key."""
    ours = {one.name: one for one in dataset.inputs}
    return [
        one.name for one in champion.inputs
        if ours.get(one.name) != one or _definition(champion, one.name) != _definition(dataset, one.name)
    ]


def _definition(contract: FeatureContract, name: str) -> tuple[str, object]:
    alias = name.partition(".")[0]
    use: FeatureUse = next(one for one in contract.uses if one.alias == alias)
    return contract.group(use.group).fingerprint, use.lookup
