"""What an account's resources use: counted by hand, one kind after the other."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from clusters import cluster_named
from msgspec.structs import replace

from mlsystem.cost.bill import Range, Use, point, priced
from mlsystem.cost.instances import BY_NAME
from mlsystem.cost.price_list import named, price_list
from mlsystem.emit.aws.resource import Ref, Resource
from mlsystem.emit.costs.aws import CHARGED, FREE, Setting, account_uses
from mlsystem.emit.costs.nodes import Nodes
from mlsystem.system.nodes import System
from mlsystem.system.target import NodeGroup, Scaling, Traffic, TrainingHardware
from mlsystem_runtime.contract.features import RequestGroup

GROUPS = (
    NodeGroup("system", "system", ("m7i.large",), least=2, most=2),
    NodeGroup("serving", "serving", ("c7i.xlarge",), least=2, most=9),
    NodeGroup("pipeline", "pipeline", ("m7i.xlarge",), least=0, most=3),
    NodeGroup(
        "training-g5-xlarge", "training", ("g5.xlarge", "g5.2xlarge"), least=0, most=2, gpu="a10g", gpus=1, spot=True,
        trains=(TrainingHardware(cpu=2, memory_bytes=2**33, gpus=1, gpu_type="a10g"),),
    ),
)  # fmt: skip
EVERY_INPUT: Mapping[str, Any] = {
    "allocated_storage": 20, "chart": "ingress-nginx", "instance_class": "db.t4g.small", "node_type": "cache.t4g.small",
    "num_cache_clusters": 2, "retention_in_days": 30, "subnet_ids": ["a", "b"], "vpc_endpoint_type": "Interface",
}  # fmt: skip


def flights() -> System:
    return cluster_named("flights").system


def setting(system: System | None = None) -> Setting:
    system = system or flights()
    return Setting(system, Nodes(system, GROUPS))


def used(kind: str, name: str = "thing", system: System | None = None, **inputs: Any) -> dict[str, Use]:
    one = Resource(kind, name, {**EVERY_INPUT, **inputs}, "concern", "infrastructure.environment")
    return {use.what: use for use in account_uses([one], setting(system))}


def dollars(use: Use, region: str = "us-east-1") -> Range | None:
    return priced(use, price_list(None, region).quotes).amount


def test_no_kind_is_both_free_and_charged() -> None:
    assert not set(CHARGED) & set(FREE)


def test_a_kind_that_nobody_has_thought_of_is_no_bargain() -> None:
    with pytest.raises(AssertionError, match=r"aws\.sagemaker\.Endpoint has no price"):
        used("aws.sagemaker.Endpoint")


@pytest.mark.parametrize("kind", CHARGED)
def test_whatever_is_charged_asks_for_prices_that_the_table_has_names_for(kind: str) -> None:
    found = used(kind, "nodes-serving" if kind == "aws.eks.NodeGroup" else "thing")

    assert found
    assert all(named(price) for use in found.values() for price in use.rate)
    assert all(use.quantity is None or 0 <= use.quantity.low <= use.quantity.high for use in found.values())


def test_a_control_plane_and_a_gateway_are_there_all_month() -> None:
    assert dollars(used("aws.eks.Cluster")["EKS control plane"]) == point("73.00")
    assert dollars(used("aws.ec2.NatGateway")["NAT gateway thing"]) == point("32.850")
    assert dollars(used("aws.ec2.NatGateway")["NAT gateway thing"], "eu-central-1") == point("37.960")


def test_an_interface_endpoint_costs_in_every_zone_and_one_of_routes_nothing() -> None:
    found = used("aws.ec2.VpcEndpoint", subnet_ids=[Ref("a", "id"), Ref("b", "id"), Ref("c", "id")])

    assert dollars(found["interface endpoint thing"]) == point("21.90")
    assert used("aws.ec2.VpcEndpoint", vpc_endpoint_type="Gateway") == {}


def test_databases_cost_by_their_kind_number_and_zones() -> None:
    assert dollars(used("aws.elasticache.ReplicationGroup")["ElastiCache thing"]) == point("46.720")
    assert dollars(used("aws.rds.Instance")["RDS thing"]) == point("23.360")
    assert dollars(used("aws.rds.Instance", multi_az=True)["RDS thing"]) == point("46.720")
    assert dollars(used("aws.rds.Instance")["storage of RDS thing"]) == point("2.300")


def test_a_database_in_a_region_without_its_price_is_not_free() -> None:
    line = priced(used("aws.rds.Instance")["RDS thing"], price_list(None, "eu-west-1").quotes)

    assert (line.amount, line.unknown) == (None, ("rds.postgres.db.t4g.small",))


def test_logs_are_kept_as_long_as_their_retention_says() -> None:
    short, long = (used("aws.cloudwatch.LogGroup", retention_in_days=days)["logs thing, kept"] for days in (30, 365))

    assert short.quantity == Range(Decimal("0.2"), Decimal(2))
    assert long.quantity is not None
    assert long.quantity.high == pytest.approx(Decimal(2) * 365 / 30)


def test_a_bucket_is_written_to_by_every_replica_once_a_minute() -> None:
    writes = used("aws.s3.Bucket", "workspace")["writes to bucket workspace"]

    assert writes.quantity == Range(2 * Decimal("43.8"), 10 * Decimal("43.8"))


def test_a_table_is_read_for_every_stored_group_of_every_request() -> None:
    system = flights()
    model = system.models[0]
    busy = replace(model, serving=replace(model.serving, traffic=Traffic(mean_rps=40.0)))
    reads = used("aws.dynamodb.Table", system=replace(system, models=(busy,)))["reads of table thing"]
    stored = sum(not isinstance(group, RequestGroup) for group in model.contract.groups)

    assert stored == 6
    assert reads.quantity == point(Decimal(40) * stored * 730 * 3600 / 1_000_000)


def test_a_table_for_unknown_traffic_costs_nobody_knows_what() -> None:
    system = flights()
    model = system.models[0]
    quiet = replace(model, serving=replace(model.serving, traffic=Traffic()))
    reads = used("aws.dynamodb.Table", system=replace(system, models=(quiet,)))["reads of table thing"]

    assert reads.quantity is None
    assert "`traffic: {mean: …}` of main is not written" in reads.assumption


def test_nodes_of_the_system_are_as_many_as_there_have_to_be() -> None:
    found = used("aws.eks.NodeGroup", "nodes-system")

    assert dollars(found["nodes for system"]) == point(2 * 730 * BY_NAME["m7i.large"].hour)
    assert dollars(found["disks of nodes for system"]) == point(Decimal("8.00"))


@pytest.mark.parametrize(("least", "most"), [(2, 10), (4, 4), (3, 30)])
def test_nodes_for_serving_are_as_many_as_hold_the_least_and_the_most_replicas(least: int, most: int) -> None:
    """A c7i.xlarge of 4 cores has room for three replicas of one."""
    system = flights()
    model = system.models[0]
    scaling: Scaling = replace(model.serving.scaling, min_replicas=least, max_replicas=most)
    scaled = replace(system, models=(replace(model, serving=replace(model.serving, scaling=scaling)),))
    nodes = used("aws.eks.NodeGroup", "nodes-serving", scaled)["nodes for serving"]

    assert nodes.quantity == Range(*(Decimal(730 * max(-(-count // 3), 2)) for count in (least, most)))
    assert nodes.models == ("main",)


def test_refreshes_every_few_minutes_keep_one_node_for_steps() -> None:
    assert used("aws.eks.NodeGroup", "nodes-pipeline")["nodes for pipeline"].quantity == point(730)
    assert setting().nodes.machines(TrainingHardware(1, 2**32, 0, None)) == ({}, "a node that is there already")


def test_nodes_for_trainings_cost_what_trainings_cost() -> None:
    gpu = TrainingHardware(cpu=2, memory_bytes=2**33, gpus=1, gpu_type="a10g", nodes=2)

    assert used("aws.eks.NodeGroup", "nodes-training-g5-xlarge") == {}
    assert setting().nodes.machines(gpu) == ({"ec2.g5.xlarge": Decimal(2)}, "2 g5.xlarge")


def test_an_ingress_has_a_load_balancer_and_other_charts_only_their_pods() -> None:
    assert dollars(used("kubernetes.helm.v3.Release")["load balancer of ingress-nginx"]) == point("16.4250")
    assert used("kubernetes.helm.v3.Release", chart="keda") == {}
