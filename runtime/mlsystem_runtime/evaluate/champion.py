"""The champion on this dataset: scored through its own feature contract, on test rows that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from mlsystem_runtime.contract.bucket import UnreachableError
from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.features import AnyGroup, FeatureContract, FeatureUse, RequestGroup
from mlsystem_runtime.contract.identity import group_fingerprint
from mlsystem_runtime.contract.release_store import ReleaseStore
from mlsystem_runtime.contract.workspace import Workspace, read_struct
from mlsystem_runtime.data.arrays import read_columns
from mlsystem_runtime.evaluate.evaluation import Evaluation
from mlsystem_runtime.evaluate.gates import Rival
from mlsystem_runtime.features.dataset import INPUT_TYPES, group_features, in_type
from mlsystem_runtime.registry.artifact import LoadedModel
from mlsystem_runtime.registry.card import EVALUATION, SPLIT
from mlsystem_runtime.train.split import SplitRecord


@dataclass(frozen=True)
class Past:
    """The sources that the new model reads, and their ingested `rows`; `examples` names that of the test rows."""

    examples: str
    sources: Mapping[str, Source]
    rows: Mapping[str, Path]


def champion_version(releases: ReleaseStore, model: str) -> int | None:
    """The version with the largest share of the release in force."""
    release = releases.read().release.models.get(model)
    return None if release is None else release.champion


def champion_rival(
    workspace: Workspace, model: str, version: int | None, contract: FeatureContract, label: str, test: pa.Table,
    past: Past,
) -> Rival:
    """Its answers for `test` (rows of the dataset that `contract` describes), and on which it may be compared."""
    if version is None:
        return Rival.absent("there is no champion yet")
    try:
        folder = workspace.fetch_version(model, version)
        champion = LoadedModel.load(folder)
        theirs = read_struct(folder / EVALUATION, Evaluation)
        split = read_struct(folder / SPLIT, SplitRecord)
    except UnreachableError:
        raise
    except (MlsystemError, FileNotFoundError) as error:
        return Rival.absent(f"version {version} cannot be loaded: {error}")
    if theirs.label != label:
        return Rival.absent(f"version {version} predicts another label")
    own = champion.card.contract
    missing = uncomputed_inputs(own, contract)
    lost = [name for name in missing if not computable(name, own, past)]
    if lost:
        return Rival.absent(f"inputs of version {version} cannot be computed any more: {', '.join(lost)}")
    later_B = np.flatnonzero(test["__at"].to_numpy() > split.seen_until_us)
    if not len(later_B):
        return Rival.absent(f"no test row is later than what version {version} learned from")
    inputs = computed(missing, own, past, test) if missing else test
    return Rival(champion.predict_table(inputs).astype(np.float64), later_B)


def uncomputed_inputs(champion: FeatureContract, dataset: FeatureContract) -> list[str]:
    """The champion's inputs that the dataset lacks, or computes from another definition or for another key."""
    ours = {one.name: one for one in dataset.inputs}
    return [
        one.name for one in champion.inputs
        if ours.get(one.name) != one or _definition(champion, one.name) != _definition(dataset, one.name)
    ]


def computable(name: str, champion: FeatureContract, past: Past) -> bool:
    """Whether an input means over the sources of today what it meant, and a request may still carry its fields."""
    group, use = _behind(champion, name)
    examples = past.sources[past.examples]
    today = {column.name: column.type for column in examples.columns}
    today |= {derived.name: derived.type for derived in examples.derived}
    then = {column.name: column.type for column in champion.request}
    columns = group.fields if isinstance(group, RequestGroup) else ()
    fields = [*(column.name for column in columns), *(one.field for one in use.lookup)]
    if any(today.get(field) != then[field] or field not in examples.known_at_time for field in fields):
        return False
    if isinstance(group, RequestGroup):
        return True
    return group.source in past.sources and group_fingerprint(group, past.sources[group.source]) == group.fingerprint


def computed(names: Sequence[str], champion: FeatureContract, past: Past, test: pa.Table) -> pa.Table:
    """The champion's inputs of the test rows: these `names` computed as it defines them, the rest as in `test`."""
    rows = read_columns(past.rows[past.examples]).take(test["__row"])
    at = test["__at"].to_numpy()
    values: dict[str, pa.ChunkedArray] = {}
    for group in {name: _behind(champion, name)[0] for name in names}.values():
        values |= group_features(group, champion, past.sources, past.rows, rows, at)
    columns = {
        one.name: in_type(values[one.name], INPUT_TYPES[one.type]) if one.name in names else test[one.name]
        for one in champion.inputs
    }
    return pa.table(columns)


def _definition(contract: FeatureContract, name: str) -> tuple[str, object]:
    group, use = _behind(contract, name)
    return group.fingerprint, use.lookup


def _behind(contract: FeatureContract, name: str) -> tuple[AnyGroup, FeatureUse]:
    """The group of an input, and the use of it."""
    alias = name.partition(".")[0]
    use = next(one for one in contract.uses if one.alias == alias)
    return contract.group(use.group), use
