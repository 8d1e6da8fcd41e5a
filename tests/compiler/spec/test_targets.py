"""One machine and a cluster: what of the file means something where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from mlsystem.compile import Compiled
from mlsystem.plan.consequence import Consequence
from mlsystem.plan.diff import diff_nodes
from mlsystem.spec.environments import EnvironmentSpec
from mlsystem.spec.platform import KUBERNETES
from mlsystem.spec.targets import ONLY_KUBERNETES, ONLY_LOCAL
from mlsystem.system.snapshot import Kind
from mlsystem.system.target import KubernetesTarget

STAGING = """
target: kubernetes
registry: registry.example.com/ml
platform: {argo_workflows: true, keda: true, prometheus: true}
"""

Compile = Callable[..., Compiled]


@pytest.fixture
def both(spec: Any) -> Any:
    """The example on one machine and in a cluster."""
    for source in spec["sources"].values():
        source["uri"] = f"s3://delays/{source['uri']}"
    spec["environments"]["staging"] = yaml.load(STAGING, Loader=yaml.BaseLoader)
    return spec


def main(spec: Any, section: str) -> Any:
    return spec["models"]["main"][section]


def test_what_only_a_cluster_can_use_is_named_where_there_is_none(both: Any, compiled: Compile) -> None:
    main(both, "serving")["scaling"] = {"max_replicas": "4"}
    main(both, "training")["schedule"] = "0 3 * * 1"
    main(both, "training")["hardware"] |= {"memory": "8Gi", "nodes": "2"}

    assert compiled(both, "dev").system.unused == (
        "serving.scaling", "training.hardware.memory", "training.hardware.nodes", "training.schedule",
    )  # fmt: skip
    assert compiled(both, "staging").system.unused == ()


def test_what_the_override_of_a_cluster_says_is_not_missing_elsewhere(both: Any, compiled: Compile) -> None:
    both["environments"]["staging"]["override"] = {"models": {"main": {"serving": {"scaling": {"max_replicas": "4"}}}}}

    assert compiled(both, "dev").system.unused == ()
    assert compiled(both, "staging").system.models[0].serving.scaling.max_replicas == 4


def test_a_setting_of_a_model_with_a_name_is_called_by_it(both: Any, compiled: Compile) -> None:
    both["models"]["delay"] = both["models"].pop("main")
    both["models"]["delay"]["serving"]["scaling"] = {"max_replicas": "4"}

    assert compiled(both, "dev").system.unused == ("models.delay.serving.scaling",)


def test_variables_stand_for_every_quantity_of_a_cluster(both: Any, compiled: Compile) -> None:
    both["variables"] = {
        "peak": {"type": "rate", "default": "30rps"},
        "room": {"type": "size", "default": "6Gi"},
        "cores": {"type": "float", "default": "1.5"},
        "many": {"type": "int", "default": "7"},
        "where": {"type": "string", "default": "registry.example.com/other"},
        "watched": {"type": "bool", "default": "true"},
        "weekly": {"type": "string", "default": "0 3 * * 1"},
    }
    main(both, "serving")["hardware"] = {"cpu": "${var:cores}", "memory": "${var:room}"}
    main(both, "serving")["scaling"] = {
        "controller": "keda", "metric": "requests", "target": "${var:peak}", "max_replicas": "${var:many}",
    }  # fmt: skip
    main(both, "training")["schedule"] = "${var:weekly}"
    staging = both["environments"]["staging"]
    staging |= {"registry": "${var:where}", "storage": "${var:room}"}
    staging["platform"]["prometheus"] = "${var:watched}"

    system = compiled(both, "staging").system
    serving = system.models[0].serving

    assert (serving.hardware.cpu, serving.hardware.memory_bytes) == (1.5, 6 * 2**30)
    assert (serving.scaling.target, serving.scaling.max_replicas) == (30.0, 7)
    assert system.models[0].training.schedule == "0 3 * * 1"
    assert isinstance(system.target, KubernetesTarget)
    assert (system.target.registry, system.target.storage_bytes) == ("registry.example.com/other", 6 * 2**30)


def test_a_share_of_the_cpu_may_be_a_variable_too(both: Any, compiled: Compile) -> None:
    both["variables"] = {"busy": {"type": "share", "default": "55%"}}
    main(both, "serving")["scaling"] = {"target": "${var:busy}"}

    assert compiled(both, "staging").system.models[0].serving.scaling.target == 0.55


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_version_of_kubernetes_that_is_declared_is_accepted(version: str, both: Any, compiled: Compile) -> None:
    both["environments"]["staging"]["platform"]["kubernetes"] = version
    target = compiled(both, "staging").system.target

    assert isinstance(target, KubernetesTarget)
    assert target.platform.kubernetes == version


def test_what_is_said_of_one_target_only_are_keys_of_environments() -> None:
    assert set(ONLY_LOCAL) | set(ONLY_KUBERNETES) <= set(EnvironmentSpec.model_fields)


def test_processes_of_a_cluster_share_a_redis_and_those_of_one_machine_a_file(both: Any, compiled: Compile) -> None:
    here, there = compiled(both, "dev").config, compiled(both, "staging").config

    assert (here.server.online_store.type, here.monitor.online_store.type) == ("sqlite", "sqlite")
    assert (there.server.online_store.type, there.monitor.online_store.type) == ("redis", "redis")


def test_only_a_cluster_has_images(both: Any, compiled: Compile) -> None:
    def images(environment: str) -> list[str]:
        nodes = compiled(both, environment).snapshot.nodes
        return [node.id for node in nodes if node.kind is Kind.IMAGE]

    assert images("dev") == []
    assert images("staging") == ["image.server", "image.trainer"]


def test_another_namespace_loses_nothing_where_everything_is_kept_elsewhere(
    both: Any, compiled: Compile, changed: Callable[[Any, Any, Any], Any]
) -> None:
    both["environments"]["staging"] |= {
        "workspace": "s3://delays/workspace",
        "online_store": {"uri": "${secret:REDIS_URL}"},
        "tracking": {"uri": "https://mlflow.example.com"},
    }
    before = compiled(both, "staging").snapshot
    moved = compiled(changed(both, ("environments", "staging", "namespace"), {"name": "other"}), "staging").snapshot
    costs = {change.consequence for change in diff_nodes(before, moved)}

    assert max(costs, key=lambda one: one.weight) is Consequence.RESTART


def test_a_changed_base_image_rebuilds_and_restarts_and_trains_nothing_again(
    both: Any, compiled: Compile, changed: Callable[[Any, Any, Any], Any]
) -> None:
    patched = changed(both, ("environments", "staging", "images"), {"base": f"python@sha256:{'1' * 64}"})
    changes = diff_nodes(compiled(both, "staging").snapshot, compiled(patched, "staging").snapshot)

    assert {change.node: change.consequence for change in changes} == {
        "image.server": Consequence.RECONFIGURE,
        "image.trainer": Consequence.RECONFIGURE,
        "model.main": Consequence.NOTHING,
        "endpoint.main": Consequence.RESTART,
        "monitor.main": Consequence.RESTART,
    }


def test_another_bound_of_replicas_is_one_change_that_restarts_nothing(
    both: Any, compiled: Compile, changed: Callable[[Any, Any, Any], Any]
) -> None:
    more = changed(both, ("models", "main", "serving", "scaling"), {"max_replicas": "30"})
    (change,) = diff_nodes(compiled(both, "staging").snapshot, compiled(more, "staging").snapshot)

    assert (change.node, change.consequence) == ("endpoint.main", Consequence.RECONFIGURE)
