"""Stores of a system: its own, unless the environment names others; secrets by reference, wherever they come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters import cluster_named
from pods import environment, of_kind, only, pod_spec, workloads

from mlsystem.emit.kubernetes.objects import KubernetesObject
from mlsystem.emit.kubernetes.secrets import secret_keys
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem_runtime.contract.run import OnlineStore

Objects = tuple[KubernetesObject, ...]
TABLE = "dynamodb://delay-features?region=us-east-1"
OWN = {"flight-delay-online-store", "flight-delay-tracking", "flight-delay-tracking-database"}


def objects_of(variation: str) -> Objects:
    return kubernetes_objects(cluster_named(variation))


def server_environment(variation: str) -> dict[str, object]:
    server = only(objects_of(variation), "Deployment", "main-server")
    return environment(server["spec"]["template"]["spec"]["containers"][0])


def test_a_system_has_a_redis_a_tracking_server_and_its_database(flights: Objects) -> None:
    services = {one["metadata"]["name"] for one in of_kind(flights, "Service")}

    assert {one.name for one in workloads(flights)} >= OWN
    assert services >= OWN


def test_the_driver_of_the_tracking_servers_database_is_in_its_image(flights: Objects) -> None:
    """Otherwise SQLAlchemy chooses one, and another from one of its versions to the next."""
    server = only(flights, "Deployment", "tracking")
    command = server["spec"]["template"]["spec"]["containers"][0]["command"]
    uri = command[command.index("--backend-store-uri") + 1]
    libraries = Path(__file__).parents[4] / "templates" / "images" / "requirements-trainer.txt"

    assert uri.startswith("postgresql+psycopg2://")
    assert "\npsycopg2-binary==" in libraries.read_text()


def test_stores_that_the_environment_names_are_not_made() -> None:
    assert OWN & {one.name for one in objects_of("given stores")} == set()


def test_processes_find_the_store_by_its_service_its_address_or_a_secret() -> None:
    assert server_environment("flights")["MLSYSTEM_ONLINE_STORE"] == "redis://flight-delay-online-store:6379/0"
    assert server_environment("given stores")["MLSYSTEM_ONLINE_STORE"] == "rediss://cache.example.com:6380/2"
    assert server_environment("secret stores")["MLSYSTEM_ONLINE_STORE"] == {
        "secretKeyRef": {"name": "flight-delay-secrets", "key": "REDIS_URL"}
    }


@pytest.mark.parametrize("name", ["feature table", "feature table and volume"])
def test_which_table_it_is_stands_in_the_configuration_and_pods_reach_it_as_themselves(name: str) -> None:
    cluster = cluster_named(name)
    told = cluster.sections.values()

    assert "flight-delay-online-store" not in {one.name for one in objects_of(name)}
    assert "MLSYSTEM_ONLINE_STORE" not in server_environment(name)
    assert {one.server.online_store for one in told} == {OnlineStore("dynamodb", TABLE)}
    assert {one.monitor.online_store for one in told} == {OnlineStore("dynamodb", TABLE)}
    policy = only(objects_of(name), "NetworkPolicy", "server")
    reached = [peer for rule in policy["spec"]["egress"] for peer in rule["to"]]
    assert ({"ipBlock": {"cidr": "169.254.170.23/32"}} in reached) == (cluster.target.bucket_secret is None)


def test_redis_writes_what_it_is_told_to_a_volume_that_stays_and_forgets_nothing(flights: Objects) -> None:
    redis = only(flights, "StatefulSet", "online-store")
    (container,) = redis["spec"]["template"]["spec"]["containers"]
    command = container["command"]
    told = dict(zip(command[1::2], command[2::2], strict=True))

    assert (told["--appendonly"], told["--maxmemory-policy"], told["--dir"]) == ("yes", "noeviction", "/data")
    assert int(told["--maxmemory"]) < 2 * 1024**3
    assert container["resources"]["limits"]["memory"] == "2Gi"
    assert redis["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert "/data" in [mount["mountPath"] for mount in container["volumeMounts"]]


def test_the_databases_password_is_one_key_of_the_environments_secret(flights: Objects) -> None:
    reference = {"secretKeyRef": {"name": "flight-delay-secrets", "key": "TRACKING_DATABASE_PASSWORD"}}
    found = {
        one.name: environment(pod_spec(one)["containers"][0]) for one in workloads(flights) if "tracking" in one.name
    }

    assert found["flight-delay-tracking"]["PGPASSWORD"] == reference
    assert found["flight-delay-tracking-database"]["POSTGRES_PASSWORD"] == reference


def test_external_secrets_makes_every_key_that_is_asked_for() -> None:
    objects = objects_of("external secrets")
    (made,) = of_kind(objects, "ExternalSecret")
    asked = {
        (reference["secretKeyRef"]["name"], reference["secretKeyRef"]["key"])
        for one in workloads(objects)
        for reference in environment(pod_spec(one)["containers"][0]).values()
        if isinstance(reference, dict)
    }

    assert {("delay", one["secretKey"]) for one in made["spec"]["data"]} == asked
    assert made["spec"]["target"]["name"] == "delay"
    assert made["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "vault"}


def test_what_a_secret_has_to_hold_is_all_that_is_named() -> None:
    assert secret_keys(cluster_named("flights")) == ("TRACKING_DATABASE_PASSWORD",)
    assert secret_keys(cluster_named("secret stores")) == ("ALERT_URL", "MLFLOW_URL", "REDIS_URL")
    assert secret_keys(cluster_named("given stores")) == ()


def test_the_workspace_is_a_volume_that_many_nodes_write_unless_it_is_a_bucket(flights: Objects) -> None:
    claim = only(flights, "PersistentVolumeClaim", "workspace")

    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert of_kind(objects_of("bucket of the cloud"), "PersistentVolumeClaim") == []


def test_a_namespace_is_made_only_where_that_is_asked_for_and_then_kept(flights: Objects) -> None:
    (made,) = [one for one in objects_of("seattle") if one.kind == "Namespace"]

    assert of_kind(flights, "Namespace") == []
    assert (made.name, made.kept) == ("weather", True)
    assert made.body["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
