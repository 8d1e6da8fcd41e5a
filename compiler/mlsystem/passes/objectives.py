"""Whether alerts can hold a cluster to its objectives: what cannot be watched as it should be is said at its line.

One machine has no such alerts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mlsystem.passes.draft import Draft, Path, Problems
from mlsystem.system.burn import MINUTE_US, WINDOWS, Burn, burns, has_room
from mlsystem.system.nodes import ModelNode
from mlsystem_runtime.contract.quantities import duration


class Promise(NamedTuple):
    """`name` is its key in `slo`."""

    name: str
    burns: tuple[Burn, ...]


def check_objectives(draft: Draft, problems: Problems) -> Draft:
    if draft.spec.environments[draft.environment].target != "local":
        for model in draft.models.values():
            path: Path = ("models", model.name, "serving")
            for promise in promises(model):
                check_fireable(promise, path, problems)
                check_traffic(promise, model, path, problems)
            check_period(model, path, problems)
            check_drain(model, path, problems)
    return draft


def promises(model: ModelNode) -> Iterator[Promise]:
    slo = model.serving.slo
    for name, share in (("availability", slo.availability), ("latency", slo.objective)):
        if share is not None:
            yield Promise(name, tuple(burns(share, slo.window_us)))


def check_fireable(promise: Promise, path: Path, problems: Problems) -> None:
    never = [burn for burn in promise.burns if not burn.can_fire]
    if never:
        needed = float(max(burn.threshold for burn in never)) * 100
        problems.warning(
            "MLS602", f"no alert over {listed(never)} for this objective could fire: {needed:.4g}% of the requests"
            " would have to be bad", (*path, "slo", promise.name),
            "it is left out; a stricter objective has a smaller budget, which is spent faster",
        )  # fmt: skip


def check_traffic(promise: Promise, model: ModelNode, path: Path, problems: Problems) -> None:
    mean = model.serving.traffic.mean_rps
    tripped = [burn for burn in promise.burns if burn.can_fire and mean is not None and burn.trips_at_one(mean)]
    if tripped:
        needed = max(1 / (burn.windows.long * 60 * burn.threshold) for burn in tripped)
        problems.warning(
            "MLS603", f"at {mean:g}rps one bad request is more than an alert over {listed(tripped)} allows",
            (*path, "slo", promise.name),
            f"it waits for three of them; from {float(needed):.2g}rps on one is too few by itself",
        )  # fmt: skip


def check_period(model: ModelNode, path: Path, problems: Problems) -> None:
    period_us = model.serving.slo.window_us
    without = [windows.long for windows in WINDOWS if not has_room(windows, period_us)]
    if without and any(promises(model)):
        shown = " and ".join(f"{duration(long * MINUTE_US)}" for long in without)
        problems.warning(
            "MLS604", f"a period of {duration(period_us)} has no room for the alerts over {shown}",
            (*path, "slo", "window"), "they are left out; 30d has room for all",
        )  # fmt: skip


def check_drain(model: ModelNode, path: Path, problems: Problems) -> None:
    if model.serving.scaling.min_replicas == 1 and any(promises(model)):
        problems.warning(
            "MLS605", "while the node of the only replica is drained nobody answers",
            (*path, "scaling", "min_replicas"), "write `min_replicas: 2`, or make no promise",
        )  # fmt: skip


def listed(found: list[Burn]) -> str:
    return " and ".join(f"{duration(burn.windows.long * MINUTE_US)}" for burn in found)
