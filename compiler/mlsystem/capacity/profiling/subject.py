"""What is to be measured: a model as one environment serves it, of a version that one of this machine has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlsystem.capacity.profile import Fingerprint, fingerprint_of
from mlsystem.errors import MlsystemError
from mlsystem.system.nodes import ModelNode, System
from mlsystem_runtime.contract.run import RunConfig
from mlsystem_runtime.contract.workspace import Workspace


@dataclass(frozen=True)
class Subject:
    """`model` as it is to be served, and its `fingerprint`; `config` and `workspace` are those of the environment where
    a version of it is released."""

    model: ModelNode
    fingerprint: Fingerprint
    config: RunConfig
    workspace: Workspace


def subject_of(system: System, name: str | None, here: System, config: RunConfig, workspace: Workspace) -> Subject:
    """`system` is the environment that the profile is for; `here`, `config` and `workspace` are the one whose version
    is measured, which may be the same. `name` None: the only model.

    Raises MlsystemError where there is no such model, or where it is another one here.
    """
    model = chosen(system.models, name)
    fingerprint = fingerprint_of(model, system.code)
    other = next((one for one in here.models if one.name == model.name), None)
    if other is None or fingerprint_of(other, here.code).structure != fingerprint.structure:
        raise MlsystemError(
            f"'{model.name}' has other features or layers in {here.environment} than in {system.environment}",
            "measure where it is the same: --from ENV",
        )
    return Subject(model, fingerprint, config, workspace)


def chosen(models: Sequence[ModelNode], name: str | None) -> ModelNode:
    names = ", ".join(one.name for one in models)
    if name is None and len(models) > 1:
        raise MlsystemError(f"there are several models: {names}", "say which one is meant: --model NAME")
    for model in models:
        if name in (None, model.name):
            return model
    raise MlsystemError(f"there is no model '{name}'", f"models are: {names}")
