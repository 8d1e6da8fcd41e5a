"""A whole AWS account below a system, from the VPC to the Deployment, with Pulumi's real engine: it goes up, shows no
change, heals after a kill, and comes down to what holds data.

The providers are stand-ins of the tests' own: the account is moto's, its cluster a simulated one with a real API
server.
"""

from __future__ import annotations

import importlib.util
import json
import re
import time
from collections.abc import Iterator

import pytest
from account_by_hand import CLUSTER
from engines.aws.prod import BY_HAND, Prod, new_prod
from engines.kubectl import Cluster
from engines.recipes import is_built
from engines.stacks import new_pulumi_place
from engines.staging import SYSTEM, Done, engine_of, kill

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("pulumi_aws") is None, reason="pulumi-aws is not installed"),
]
NAMESPACE = "prod"


@pytest.fixture(scope="module")
def prod(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prod]:
    if not is_built("pulumi"):
        pytest.skip("engine 'pulumi' is not built: make engines")
    place = new_pulumi_place(tmp_path_factory.mktemp("pulumi"))
    environment = {"target": "kubernetes", "context": CLUSTER, "platform": {"argo_workflows": True}}
    folder = tmp_path_factory.mktemp("prod")
    with new_prod(folder, BY_HAND, environment, cluster, place, NAMESPACE) as one:
        yield one


def succeeded(done: Done) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_account_goes_up_heals_after_a_kill_shows_no_change_and_comes_down(prod: Prod) -> None:
    """One fact after another: each begins where the last ended."""
    first = prod.run("plan")
    assert first.returncode == 2, first.stdout + first.stderr
    assert "In the account: 17 resources of 17 will change." in first.stdout

    killed_while_it_makes_the_foundation(prod)
    succeeded(prod.run("apply"))
    assert_up(prod)
    nothing_was_made_twice(prod)
    assert succeeded(prod.run("plan")).startswith("Nothing to do")

    drift_is_shown(prod)
    kept = destroyed(prod)
    data_goes_by_name(prod, kept)


def killed_while_it_makes_the_foundation(prod: Prod) -> None:
    """The engine, without a chance to write down what it was making."""
    applying = prod.start("apply", delay=4)
    while applying.poll() is None and not (engine := engine_of(applying.pid)):
        time.sleep(0.05)
    prod.cluster.eventually(lambda: "vpc" in prod.held("foundation"), "a VPC in the engine's state", 120)
    time.sleep(1)
    kill(engine or applying.pid)
    said, _ = applying.communicate(timeout=120)
    assert applying.returncode == 1, said


def assert_up(prod: Prod) -> None:
    found = prod.client("eks").describe_cluster(name=CLUSTER)["cluster"]
    databases = prod.client("rds").describe_db_instances()["DBInstances"]
    server = prod.cluster.get("deployment", f"{SYSTEM}-main-server", NAMESPACE)
    kubeconfig = json.loads((prod.folder / ".mlsystem" / "prod" / "kubeconfig").read_text())
    assert found["status"] == "ACTIVE"
    assert kubeconfig["clusters"][0]["cluster"]["server"] == found["endpoint"]
    assert kubeconfig["users"][0]["user"]["exec"]["command"] == "aws"
    assert [one["DBInstanceIdentifier"] for one in databases] == ["seattle-weather-prod-mlflow"]
    assert server["metadata"]["namespace"] == NAMESPACE
    assert set(prod.held("cluster")) == {"cluster-role", "cluster", "nodes", "pod-identity"}


def nothing_was_made_twice(prod: Prod) -> None:
    """What the killed engine had begun was found again by its name, or by its tags."""
    ec2, mine = prod.client("ec2"), [{"Name": "tag:mlsystem.dev/environment", "Values": ["prod"]}]
    vpcs = [one["VpcId"] for one in ec2.describe_vpcs(Filters=mine)["Vpcs"]]
    subnets = {one["SubnetId"] for one in ec2.describe_subnets(Filters=mine)["Subnets"]}
    addresses = [one["AllocationId"] for one in ec2.describe_addresses(Filters=mine)["Addresses"]]
    held = prod.held("foundation")
    assert vpcs == [held["vpc"]]
    assert subnets == {held["private-a"], held["private-b"]}
    assert addresses == [held["nat-address"]]


def drift_is_shown(prod: Prod) -> None:
    bucket = prod.held("foundation")["workspace"]
    prod.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    looked = prod.run("refresh")
    assert "foundation: BucketVersioning workspace-versions: update" in looked.stdout, looked.stdout + looked.stderr
    prod.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def destroyed(prod: Prod) -> dict[str, str]:
    """What is left of the foundation."""
    prod.client("s3").put_object(Bucket=prod.held("foundation")["workspace"], Key="model", Body=b"x")
    said = succeeded(prod.run("destroy"))
    left = prod.held("foundation")
    assert "Bucket workspace stays, with its data" in said
    assert "mlsystem destroy -e prod --data workspace" in said
    assert prod.held("cluster") == {}
    assert not prod.cluster.find("deployments", NAMESPACE, {"mlsystem.dev/system": SYSTEM})
    assert prod.client("eks").list_clusters()["clusters"] == []
    assert {"workspace", "workspace-versions", "tracking-database", "server-images", "data-key", "vpc"} <= set(left)
    assert not {"nat", "nat-address"} & set(left)
    return left


def data_goes_by_name(prod: Prod, kept: dict[str, str]) -> None:
    refused = prod.run("data", "data-key")
    assert refused.returncode == 1
    assert "data-key is needed by server-images, tracking-database, workspace, which hold data too" in refused.stderr
    for name in ("tracking-database", "workspace", "server-images", "data-key"):
        succeeded(prod.run("data", name))
    snapshots = prod.client("rds").describe_db_snapshots()["DBSnapshots"]
    buckets = [one["Name"] for one in prod.client("s3").list_buckets()["Buckets"]]
    assert len(snapshots) == 1
    assert re.fullmatch(r"seattle-weather-prod-mlflow-last-\d{14}", snapshots[0]["DBSnapshotIdentifier"])
    assert kept["workspace"] not in buckets
    succeeded(prod.run("destroy"))
    assert prod.held("foundation") == {}
    assert kept["vpc"] not in {one["VpcId"] for one in prod.client("ec2").describe_vpcs()["Vpcs"]}
