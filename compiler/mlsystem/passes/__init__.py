"""From the spec of one environment to its system: small passes in one order, each a function from draft to draft."""

from __future__ import annotations

from mlsystem.passes.capacity import certify, limit_choices
from mlsystem.passes.code import resolve_code
from mlsystem.passes.draft import Draft, Pass, Problems
from mlsystem.passes.finish import finish
from mlsystem.passes.groups import resolve_groups
from mlsystem.passes.hardware import resolve_hardware
from mlsystem.passes.models import resolve_models
from mlsystem.passes.objectives import check_objectives
from mlsystem.passes.sources import resolve_sources
from mlsystem.passes.target import resolve_target

PASSES: tuple[Pass, ...] = (
    resolve_sources,
    resolve_groups,  # after sources: features have the types of their columns
    resolve_code,
    resolve_models,  # after groups: a model's inputs are their features
    limit_choices,
    certify,  # after models: their replicas are what was certified; before objectives, which depend on how many
    check_objectives,
    resolve_target,  # after models: they ask for what the platform must have
    resolve_hardware,  # after target: where nodes are made, and what runs on them beside the models
    finish,  # last: fingerprints hash everything above
)


def run_passes(draft: Draft, problems: Problems, *, certified: bool = True) -> Draft:
    """`certified` False: what is certified is left aside, and scaling is what the spec says."""
    for one in PASSES:
        if certified or one is not certify:
            draft = one(draft, problems)
    return draft


__all__ = ["PASSES", "Draft", "Problems", "run_passes"]
