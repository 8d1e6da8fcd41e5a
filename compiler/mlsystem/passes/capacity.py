"""How many replicas endpoints have in a cluster: as the file says, or as was found for it and certified."""

from __future__ import annotations

from msgspec.structs import replace

from mlsystem.passes.draft import Draft, Problems
from mlsystem.spec.account import promised
from mlsystem.system.nodes import ModelNode


def limit_choices(draft: Draft, _: Problems) -> Draft:
    """A search chooses only what the platform can count: without Prometheus that is CPU, of KEDA too."""
    if promised(draft.spec.environments[draft.environment]).prometheus:
        return draft
    return replace(draft, models={name: by_cpu(model) for name, model in draft.models.items()})


def by_cpu(model: ModelNode) -> ModelNode:
    serving = model.serving
    if serving.scaling.controller != "keda":
        return model
    free = tuple(name for name in serving.scaling.free if name != "metric")
    return replace(model, serving=replace(serving, scaling=replace(serving.scaling, free=free)))


def certify(draft: Draft, problems: Problems) -> Draft:
    """Each endpoint in a cluster has its capacity; the scaling of one that is certified is what was certified."""
    if draft.spec.environments[draft.environment].target == "local":
        return draft
    from mlsystem.passes.certificates import with_certificates  # weight: one machine needs none of it

    return with_certificates(draft, problems)
