"""What an account below the cluster changes of a system's objects: who has databases, and where secrets come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aws_accounts import account_cluster

from mlsystem.emit.kubernetes.network import network
from mlsystem.emit.kubernetes.objects import Cluster, KubernetesObject
from mlsystem.emit.kubernetes.secrets import secrets
from mlsystem.emit.kubernetes.tracking import tracking


def named(found: Any, kind: str, end: str) -> KubernetesObject:
    return next(one for one in found if one.kind == kind and one.name.endswith(end))


def environment(cluster: Cluster) -> dict[str, Any]:
    server = named(tracking(cluster), "Deployment", "tracking")
    return {one["name"]: one for one in server.body["spec"]["template"]["spec"]["containers"][0]["env"]}


def test_hosts_and_passwords_of_the_account_come_from_an_entry_of_their_own(tmp_path: Path) -> None:
    found = next(iter(secrets(account_cluster(tmp_path)))).body["spec"]

    assert {one["secretKey"]: one["remoteRef"]["key"] for one in found["data"]} == {
        "ONLINE_STORE_URL": "seattle-weather-prod-made",
        "TRACKING_DATABASE_HOST": "seattle-weather-prod-made",
        "TRACKING_DATABASE_PASSWORD": "seattle-weather-prod-made",
    }
    assert found["secretStoreRef"]["name"] == "account"


def test_the_tracking_server_keeps_its_runs_in_the_accounts_database_over_tls(tmp_path: Path) -> None:
    cluster = account_cluster(tmp_path)

    variables = environment(cluster)
    assert variables["PGHOST"]["valueFrom"]["secretKeyRef"] == {
        "name": "seattle-weather-prod", "key": "TRACKING_DATABASE_HOST",
    }  # fmt: skip
    assert variables["PGSSLMODE"]["value"] == "require"
    assert [one.kind for one in tracking(cluster)] == ["Deployment", "Service"]


def test_the_tracking_server_may_call_the_database_and_nothing_else_outside(tmp_path: Path) -> None:
    policies = list(network(account_cluster(tmp_path)))

    egress = named(policies, "NetworkPolicy", "tracking").body["spec"]["egress"]
    assert {port["port"] for rule in egress for port in rule["ports"]} == {53, 5432}
    assert not [one for one in policies if one.name.endswith("tracking-database")]


def test_databases_of_the_account_are_reached_at_their_ports_and_in_its_network(tmp_path: Path) -> None:
    policies = list(network(account_cluster(tmp_path)))

    inside = [{"ipBlock": {"cidr": "10.0.0.0/16"}}]
    for component, port in (("server", 6379), ("monitor", 6379), ("pipeline", 6379), ("tracking", 5432)):
        egress = named(policies, "NetworkPolicy", component).body["spec"]["egress"]
        assert [one["to"] for one in egress if {"protocol": "TCP", "port": port} in one["ports"]] == [inside]
        assert all("to" in one for one in egress)


def test_the_workspace_is_the_accounts_bucket_which_the_pods_identity_opens(tmp_path: Path) -> None:
    target = account_cluster(tmp_path).target

    assert target.workspace == "s3://seattle-weather-prod-123456789012"
    assert (target.bucket_endpoint, target.bucket_secret) == (None, None)
    assert target.registry == "123456789012.dkr.ecr.eu-central-1.amazonaws.com/seattle-weather-prod"


def test_a_cluster_that_is_made_has_what_the_pipeline_needs(tmp_path: Path) -> None:
    platform = account_cluster(tmp_path).target.platform

    assert (platform.argo_workflows, platform.prometheus, platform.keda) == (True, True, False)
