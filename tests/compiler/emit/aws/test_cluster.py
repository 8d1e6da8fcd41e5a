"""The stack *cluster*: what is made, what is only referred to, and who may do what."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import replace as with_fields
from pathlib import Path
from typing import Any

import pytest
from aws_clusters import ACCOUNT, COMPUTED, OUTSIDE, REGION, below_of
from aws_policies import findings, said_of
from aws_stacks import stack_program
from generated_types import type_errors
from msgspec.structs import replace
from recorder import record

from mlsystem.emit.aws.below import Below
from mlsystem.emit.aws.cluster import cluster_stack
from mlsystem.emit.aws.eks import SUBNETS
from mlsystem.emit.aws.identity import identities
from mlsystem.emit.aws.nodes import managed
from mlsystem.emit.aws.resource import Outside, Policy, Ref, Resource, Stack, Statement
from mlsystem.emit.contract import run_config
from mlsystem.emit.kubernetes.access import access
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.emit.sections import sections
from mlsystem.system.installed import charts
from mlsystem.system.node_groups import NODES
from mlsystem.system.snapshots import snapshot

EXISTING = {
    "aws:eks/getCluster:getCluster": {
        "name": "company", "arn": "arn:company", "endpoint": "https://company.example.com",
        "certificateAuthorities": [{"data": "Q0E="}],
    }
}  # fmt: skip


@pytest.fixture(scope="module")
def stack() -> Stack:
    return cluster_stack(below_of())


def test_nothing_is_open_unencrypted_untagged_or_allowed_everything(stack: Stack) -> None:
    assert findings(stack) == []
    assert findings(cluster_stack(below_of(existing="company"))) == []


@pytest.mark.parametrize(
    ("name", "inputs", "said"),
    [
        ("control-plane-logs", {"kms_key_id": None}, "not encrypted"),
        ("cluster", {"encryption_config": None}, "not encrypted"),
        ("cluster", {"vpc_config": {"endpoint_private_access": True, "endpoint_public_access": True}}, "everybody"),
        ("cluster", {"access_config": {"authentication_mode": "CONFIG_MAP"}}, "ConfigMap"),
        ("machine-system", {"metadata_options": {"http_tokens": "optional"}}, "without a token"),
        ("machine-system", {"block_device_mappings": [{"ebs": {}}]}, "disk"),
    ],
)
def test_the_checks_find_what_they_are_for(stack: Stack, name: str, inputs: dict[str, Any], said: str) -> None:
    one = stack.resource(name)

    assert any(said in found for found in said_of(with_fields(one, inputs={**one.inputs, **inputs})))


def test_the_program_declares_exactly_the_resources_of_the_stack(stack: Stack, tmp_path: Path) -> None:
    place = stack_program(tmp_path, stack)

    for unknown in (False, True):  # True: as in the first preview
        found = {one.name for one in record(place, {}, unknown=unknown, computed=COMPUTED, outside=OUTSIDE)}
        assert found == {"account", *(one.name for one in stack.resources)}


def test_a_cluster_that_exists_is_referred_to_and_nothing_is_installed_in_it(tmp_path: Path) -> None:
    stack = cluster_stack(below_of(existing="company"))

    found = record(stack_program(tmp_path, stack), {}, unknown=False, computed=EXISTING, outside=OUTSIDE)

    kinds = {one.kind for one in stack.resources}
    assert kinds == {"aws.iam.Role", "aws.iam.RolePolicy", "aws.eks.PodIdentityAssociation"}
    assert {one.name for one in found} == {"account", *(one.name for one in stack.resources)}
    assert set(stack.outputs) == set(cluster_stack(below_of()).outputs)


@pytest.mark.slow
@pytest.mark.parametrize("existing", [None, "company"])
def test_a_strict_type_checker_finds_nothing_to_say(tmp_path: Path, existing: str | None) -> None:
    assert type_errors(stack_program(tmp_path, cluster_stack(below_of(existing=existing)))) == ""


def test_the_autoscaler_decides_how_many_nodes_there_are(stack: Stack) -> None:
    for group in stack.of_kind("aws.eks.NodeGroup"):
        scaling = group.inputs["scaling_config"]
        assert group.ignore_changes == ("scalingConfig.desiredSize",)
        assert scaling["min_size"] == scaling["desired_size"] <= scaling["max_size"]


def test_nodes_with_gpus_have_the_drivers_and_keep_other_pods_away(stack: Stack) -> None:
    group = stack.resource("nodes-training-g5-xlarge").inputs

    assert (group["ami_type"], group["capacity_type"]) == ("AL2023_x86_64_NVIDIA", "ON_DEMAND")
    assert group["scaling_config"]["min_size"] == 0
    assert {taint["key"] for taint in group["taints"]} == {NODES, "nvidia.com/gpu"}
    assert stack.resource("chart-nvidia-device-plugin").inputs["values"]["affinity"]


def test_spot_capacity_asks_for_several_kinds_of_machines() -> None:
    below = below_of()
    (*_, group) = below.names.target.node_groups

    spot = managed(below, replace(group, spot=True, instances=("g5.xlarge", "g5.2xlarge")), SUBNETS).inputs

    assert (spot["capacity_type"], spot["instance_types"]) == ("SPOT", ["g5.xlarge", "g5.2xlarge"])


def test_what_the_platform_promises_is_installed_at_a_pinned_version(stack: Stack) -> None:
    below = below_of()
    releases = stack.of_kind("kubernetes.helm.v3.Release")

    wanted = charts(below.names.target, gpus=True)
    assert [one.inputs["chart"] for one in releases] == [chart.name for chart in wanted]
    assert all(one.inputs["version"].count(".") == 2 and one.provider == "inside" for one in releases)
    assert all(one.inputs["repository_opts"]["repo"].startswith("https://") for one in releases)


def test_what_the_cluster_makes_in_the_account_has_the_tags_by_which_cost_is_counted(stack: Stack) -> None:
    tags = [f"{key}={value}" for key, value in sorted(stack.tags.items())]
    volumes = stack.resource("encrypted").inputs["parameters"]
    ingress = stack.resource("chart-ingress-nginx").inputs["values"]["controller"]["service"]["annotations"]

    assert tags
    assert [volumes[f"tagSpecification_{place}"] for place in range(1, len(tags) + 1)] == tags
    assert ingress["service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags"] == ",".join(tags)


def test_the_password_of_a_chart_is_not_the_one_that_everybody_knows(stack: Stack) -> None:
    """An empty one is drawn when it is installed, and kept."""
    assert stack.resource("chart-kube-prometheus-stack").inputs["values"]["grafana"]["adminPassword"] == ""


def test_what_it_does_not_promise_is_not() -> None:
    stack = cluster_stack(below_of(platform={"argo_workflows": True}, secrets={}, override={}))

    names = [one.name for one in stack.of_kind("kubernetes.helm.v3.Release")]
    assert names == ["chart-cluster-autoscaler", "chart-argo-workflows"]


def test_what_runs_on_nodes_requests_what_the_nodes_were_chosen_for(stack: Stack) -> None:
    """Each pod's requests stand in the values, somewhere."""
    for chart in charts(below_of().names.target, gpus=True):
        values = str(stack.resource(f"chart-{chart.name}").inputs["values"])
        for pod in chart.pods:
            assert f"'memory': '{pod.memory // 2**20}Mi'" in values or f"'{pod.memory // 2**30}Gi'" in values


def test_no_token_and_no_key_stands_in_the_kubeconfig(stack: Stack) -> None:
    config = stack.outputs["kubeconfig"].value

    (user,) = config["users"]
    assert user["user"]["exec"]["args"][:4] == ["eks", "get-token", "--cluster-name", "flight-delay-prod"]
    assert set(user["user"]) == {"exec"}


def test_the_api_server_is_reached_from_outside_only_by_those_who_are_named() -> None:
    closed = cluster_stack(below_of()).resource("cluster").inputs["vpc_config"]
    named = cluster_stack(with_fields(below_of(), api_access=("203.0.113.0/24",))).resource("cluster")

    assert (closed["endpoint_private_access"], closed["endpoint_public_access"]) == (True, False)
    assert named.inputs["vpc_config"]["public_access_cidrs"] == ["203.0.113.0/24"]


def test_the_api_server_is_reached_from_within_the_network_by_more_than_its_nodes() -> None:
    stack = cluster_stack(with_fields(below_of(), network="10.7.0.0/16"))

    (rule,) = stack.resource("control-plane-callers").inputs["ingress"]
    assert (rule["from_port"], rule["to_port"], rule["cidr_blocks"]) == (443, 443, ["10.7.0.0/16"])
    assert stack.resource("cluster").inputs["vpc_config"]["security_group_ids"] == [Ref("control-plane-callers", "id")]


def rights(*, existing: str | None = None, **settings: Any) -> dict[str, tuple[Statement, ...]]:
    """By the kind of process."""
    found = identities(below_of(existing=existing, **settings))
    return {
        one.name.removesuffix("-rights"): one.inputs["policy"].statements
        for one in found
        if one.kind == "aws.iam.RolePolicy" and isinstance(one.inputs["policy"], Policy)
    }


def allowed(statements: tuple[Statement, ...], action: str, resource: str) -> bool:
    return any(
        action in one.actions and any(fnmatch.fnmatchcase(resource, str(each)) for each in one.resources)
        for one in statements
    )


@pytest.mark.parametrize(
    ("kind", "verb", "name", "may"),
    [
        ("server", "GetObject", "models/delay/3/published.json", True),
        ("server", "GetObject", "clock.json", True),
        ("server", "GetObject", "predictions/delay/a.parquet", False),
        ("server", "GetObject", "ledger/7.json", False),
        ("server", "PutObject", "predictions/delay/2026-01-01/00/pod/a.parquet", True),
        ("server", "PutObject", "counts/delay/a.json", True),
        ("server", "PutObject", "models/delay/3/model.safetensors", False),
        ("server", "PutObject", "ledger/8.json", False),
        ("server", "DeleteObject", "feedback/delay/2026-01-01/00/pod/a.parquet", True),
        ("server", "DeleteObject", "models/delay/3/published.json", False),
        ("monitor", "GetObject", "predictions/delay/a.parquet", True),
        ("monitor", "PutObject", "monitor/delay.json", True),
        ("monitor", "PutObject", "ledger/8.json", True),
        ("monitor", "PutObject", "models/delay/3/model.json", False),
        ("monitor", "DeleteObject", "counts/delay/a.json", True),
        ("monitor", "DeleteObject", "ledger/7.json", False),
        ("pipeline", "PutObject", "steps/ingest.flights/k/published.json", True),
        ("pipeline", "DeleteObject", "scratch/train.delay/k/a", True),
    ],
)
def test_each_process_may_do_what_its_edges_need_and_no_more(kind: str, verb: str, name: str, may: bool) -> None:
    assert allowed(rights()[kind], f"s3:{verb}", f"arn:aws:s3:::flight-delay-prod/delay/{name}") is may


@pytest.mark.parametrize("kind", ["server", "monitor", "pipeline"])
def test_nobody_reaches_another_bucket_or_what_lies_beside_the_workspace(kind: str) -> None:
    found = rights()[kind]

    for verb in ("GetObject", "PutObject", "DeleteObject"):
        assert not allowed(found, f"s3:{verb}", "arn:aws:s3:::flight-delay-prod/other/models/a")
        assert not allowed(found, f"s3:{verb}", "arn:aws:s3:::flight-delay-prod-2/delay/models/a")


def test_only_steps_read_sources_and_nobody_writes_them() -> None:
    source = "arn:aws:s3:::data/flights.parquet"

    found = rights()
    assert [kind for kind, one in found.items() if allowed(one, "s3:GetObject", source)] == ["pipeline"]
    assert not any(allowed(one, "s3:PutObject", source) for one in found.values())


def test_where_keys_open_the_bucket_nobody_needs_a_role() -> None:
    assert rights(bucket={"secret": "bucket"}) == {}


def test_everybody_may_use_the_one_key_that_encrypts() -> None:
    for statements in rights().values():
        assert statements[-1].resources == (Outside("foundation", "key_arn"),)


def test_a_role_is_of_one_service_account_in_one_cluster() -> None:
    below = below_of()
    accounts = {one.name for one in access(cluster_above(below)) if one.kind == "ServiceAccount"}

    for one in identities(below):
        if one.kind == "aws.iam.Role":
            (trust,) = one.inputs["assume_role_policy"].statements
            tags = trust.conditions["StringEquals"]
            assert tags["aws:RequestTag/kubernetes-service-account"] in accounts
            assert tags["aws:RequestTag/eks-cluster-name"] == below.cluster
            assert tags["aws:SourceAccount"] == ACCOUNT


def cluster_above(below: Below) -> Cluster:
    system = below.names.system
    return Cluster(system, below.names.target, {}, sections(run_config(system, snapshot(system))))


def every_statement(stack: Stack) -> Iterator[tuple[Resource, Statement]]:
    for one in stack.resources:
        for value in one.inputs.values():
            if isinstance(value, Policy):
                yield from ((one, statement) for statement in value.statements)


def test_a_wildcard_has_its_reason_in_the_program(stack: Stack, tmp_path: Path) -> None:
    wild = [statement for _, statement in every_statement(stack) if "*" in statement.resources]
    program = "".join(path.read_text() for path in stack_program(tmp_path, stack).rglob("*.py"))

    assert wild
    assert all(f"# {statement.reason}" in program for statement in wild)
    assert all(action.partition(":")[2].startswith(("Describe", "Get")) for one in wild for action in one.actions)


def test_the_autoscaler_changes_groups_of_this_cluster_only(stack: Stack) -> None:
    (found, *_) = stack.resource("cluster-autoscaler-rights").inputs["policy"].statements

    assert found.conditions == {
        "StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/flight-delay-prod": "owned"}
    }
    assert all(resource.startswith(f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:") for resource in found.resources)


def test_of_a_table_that_others_share_servers_read_and_the_rest_write_what_is_the_systems_own() -> None:
    found = rights(online_store={"type": "dynamodb", "uri": f"dynamodb://features?region={REGION}"})

    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/features"
    for kind, statements in found.items():
        (features,) = [one for one in statements if table in one.resources]
        assert features.conditions == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["flight-delay/prod/*"]}}
        assert allowed(statements, "dynamodb:PutItem", table) is (kind != "server")
        assert allowed(statements, "dynamodb:Query", table) is (kind != "server")
        assert allowed(statements, "dynamodb:BatchGetItem", table)
