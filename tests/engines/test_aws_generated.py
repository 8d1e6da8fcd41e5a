"""The stacks that `target: aws` compiles to, carried out by `mlsystem` itself with Pulumi's real engine, which is
killed more than once on the way."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest
from engines.aws.prod import COMMANDS, Prod, new_prod
from engines.kubectl import Cluster
from engines.recipes import is_built
from engines.stacks import new_pulumi_place
from engines.staging import SYSTEM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("pulumi_aws") is None, reason="pulumi-aws is not installed"),
]
NAMESPACE = "generated"
ENVIRONMENT = {
    "target": "aws", "region": "eu-central-1", "account": "123456789012", "network": {"flow_logs": True},
    "limits": {"max_cost": "$5000/month"}, "owners": ["ml@example.com"],
}  # fmt: skip
KILLED_AT = {
    "aws:kms/key:Key": "foundation",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "foundation",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "cluster",
}
"""Kinds whose first creation the engine does not outlive, with their stacks, in the order in which they come."""
TAG = ("mlsystem.dev/environment", "prod")


@pytest.fixture(scope="module")
def prod(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prod]:
    if not is_built("pulumi"):
        pytest.skip("engine 'pulumi' is not built: make engines")
    place = new_pulumi_place(tmp_path_factory.mktemp("pulumi"))
    with new_prod(tmp_path_factory.mktemp("prod"), COMMANDS, ENVIRONMENT, cluster, place, NAMESPACE) as one:
        yield one


def test_what_target_aws_compiles_to_heals_after_kills_shows_no_change_and_comes_down(prod: Prod) -> None:
    for kind, stack in KILLED_AT.items():
        killed_while_it_makes(prod, kind, stack)
    applied = prod.run("apply", "-e", "prod", "--yes")
    planned = prod.run("plan", "-e", "prod", "--detailed-exitcode")

    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert planned.stdout.startswith("Nothing to do")
    nothing_was_made_twice(prod)

    destroyed = prod.run("destroy", "-e", "prod", "--yes")

    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert not prod.cluster.find("deployments", NAMESPACE, {"mlsystem.dev/system": SYSTEM})
    assert "stays, with its data" in destroyed.stdout


def killed_while_it_makes(prod: Prod, kind: str, stack: str) -> None:
    """One of the kind is in the account then, and what else was under way; the engine wrote down neither."""
    killed = prod.run("apply", "-e", "prod", "--yes", killed_at=kind)

    assert killed.returncode == 1, killed.stdout + killed.stderr
    assert kind in prod.being_made(stack), killed.stdout + killed.stderr


def nothing_was_made_twice(prod: Prod) -> None:
    """What is named once in an account cannot be: the rest is what has the environment's tag, and keys."""
    held = {*prod.held("foundation").values(), *prod.held("cluster").values()}
    filters = [{"Name": name, "Values": [value]} for name, value in zip(("key", "value"), TAG, strict=True)]
    of_network = {one["ResourceId"] for one in prod.client("ec2").describe_tags(Filters=filters)["Tags"]}
    kms = prod.client("kms")
    keys = [kms.describe_key(KeyId=one["KeyId"])["KeyMetadata"] for one in kms.list_keys()["Keys"]]
    assert of_network
    assert of_network <= held
    assert [one["KeyId"] for one in keys if one["KeyManager"] == "CUSTOMER"] == [prod.held("foundation")["key"]]
