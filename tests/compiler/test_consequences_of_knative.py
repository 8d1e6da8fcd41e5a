"""What it means to let Knative run a server, to let it no more, and to give it other bounds."""

from __future__ import annotations

from typing import Any

import pytest
from clusters import BUCKET, EXAMPLES, PLATFORM, cluster_of

from mlsystem.plan.consequence import Consequence, steps_of
from mlsystem.plan.diff import diff_nodes
from mlsystem.system.snapshot import Kind, SystemSnapshot
from mlsystem.system.snapshots import snapshot

KNATIVE = {"controller": "knative", "target": 4, "max_replicas": 8}


def with_scaling(**scaling: Any) -> SystemSnapshot:
    platform = {**PLATFORM, "prometheus": True, "keda": True, "knative": True}
    override = {"serving": {"scaling": scaling}}
    spec = EXAMPLES / "flights" / "mlsystem.yaml"
    return snapshot(cluster_of(spec, **BUCKET, platform=platform, override=override).system)


def costs(before: SystemSnapshot, after: SystemSnapshot) -> dict[str, Consequence]:
    return {change.node: change.consequence for change in diff_nodes(before, after)}


@pytest.mark.parametrize("other", [{}, {"controller": "keda"}, {"controller": "keda", "metric": "concurrency"}])
def test_another_kind_of_server_replaces_it(other: dict[str, str]) -> None:
    knative, direct = with_scaling(**KNATIVE), with_scaling(**other)

    assert costs(knative, direct) == costs(direct, knative) == {"endpoint.main": Consequence.REPLACE}


def test_nothing_of_a_version_is_made_anew_for_another_kind_of_server() -> None:
    assert steps_of(Kind.ENDPOINT, "main", Consequence.REPLACE) == ()


@pytest.mark.parametrize("other", [{"max_replicas": 9}, {"min_replicas": 3}, {"target": 5}])
def test_other_bounds_are_other_pods_of_knative_and_the_same_ones_of_a_deployment(other: dict[str, int]) -> None:
    keda = {**KNATIVE, "controller": "keda", "metric": "concurrency"}

    assert costs(with_scaling(**KNATIVE), with_scaling(**(KNATIVE | other))) == {"endpoint.main": Consequence.RESTART}
    assert costs(with_scaling(**keda), with_scaling(**(keda | other))) == {"endpoint.main": Consequence.RECONFIGURE}
