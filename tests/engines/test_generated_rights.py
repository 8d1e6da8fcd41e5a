"""What generated objects allow and refuse, asked of a real API server: rights, the restricted standard, evictions."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
import yaml
from clusters import EXAMPLES, cluster_named, cluster_of
from engines.controllers import install_definitions
from engines.kubectl import Cluster, KubectlError, Object, listed
from engines.recipes import is_built

from mlsystem.emit.argo import workflow_template
from mlsystem.emit.kubernetes.namespace import ENFORCED
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem_runtime.contract.ledger import ProposalOpened
from mlsystem_runtime.monitor.submitting import workflow

RELEASE = "flight-delay-release"


@pytest.fixture(scope="module")
def place(cluster: Cluster) -> str:
    """A namespace with the accounts, roles and release of the flights example."""
    namespace = "flight-delay"
    cluster.namespace(namespace)
    cluster.apply(*(one.body for one in kubernetes_objects(cluster_named("flights")) if one.concern == "access"))
    for name in (RELEASE, "other"):
        cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}})
    return namespace


def may(cluster: Cluster, place: str, account: str, *request: str, stdin: str | None = None) -> bool:
    """Whether the account is let through; other mistakes are raised."""
    who = f"--as=system:serviceaccount:{place}:flight-delay-{account}"
    try:
        cluster.kubectl(*request, who, "-n", place, stdin=stdin)
    except KubectlError as error:
        if "forbidden" not in str(error).lower():
            raise
        return False
    return True


def watch(place: str, name: str | None) -> tuple[str, str, str]:
    chosen = "" if name is None else f"&fieldSelector=metadata.name%3D{name}"
    return "get", "--raw", f"/api/v1/namespaces/{place}/configmaps?watch=1&timeoutSeconds=1{chosen}"


@pytest.mark.parametrize("account", ["server", "monitor"])
def test_who_answers_or_looks_follows_the_release_and_reads_nothing_else(
    cluster: Cluster, place: str, account: str
) -> None:
    assert may(cluster, place, account, "get", "configmap", RELEASE)
    assert may(cluster, place, account, *watch(place, RELEASE))
    assert not may(cluster, place, account, *watch(place, "other"))
    assert not may(cluster, place, account, *watch(place, None))
    assert not may(cluster, place, account, "get", "configmap", "other")
    assert not may(cluster, place, account, "get", "configmaps")
    assert not may(cluster, place, account, "get", "secrets")
    assert not may(cluster, place, account, "get", "pods")


def test_only_the_pipeline_writes_the_release(cluster: Cluster, place: str) -> None:
    held = cluster.get("configmap", RELEASE, place)
    changed = json.dumps({**held, "data": {"release.json": "{}"}})
    other = json.dumps({**cluster.get("configmap", "other", place), "data": {"a": "b"}})
    replace = ("replace", "-f", "-")

    assert not may(cluster, place, "server", *replace, stdin=changed)
    assert not may(cluster, place, "monitor", *replace, stdin=changed)
    assert not may(cluster, place, "pipeline", *replace, stdin=other)
    assert may(cluster, place, "pipeline", *replace, stdin=changed)


def test_the_first_release_is_made_by_the_pipeline(cluster: Cluster, place: str) -> None:
    new = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "first", "namespace": place}}

    assert not may(cluster, place, "server", "create", "-f", "-", stdin=listed([new]))
    assert may(cluster, place, "pipeline", "create", "-f", "-", stdin=listed([new]))


def test_a_monitor_submits_runs_only_where_nobody_has_to_approve_them(cluster: Cluster, place: str) -> None:
    if not is_built("argo"):
        pytest.skip("engine 'argo' is not built: make engines")
    install_definitions(cluster, "argo")
    system = cluster_of(EXAMPLES / "flights" / "mlsystem.yaml", namespace={"name": "retrains"},
                        override={"monitoring": {"approve": []}})  # fmt: skip
    namespace = cluster.namespace("retrains")
    cluster.apply(*(one.body for one in kubernetes_objects(system) if one.concern == "access"))
    (model,) = system.sections["monitor"].monitor.models
    assert model.submission is not None
    run = workflow(model.submission, ProposalOpened("retrain-main-0", "retrain", "main", "drift", "0" * 32))
    name, create = run["metadata"]["name"], ("create", "--validate=strict", "-f", "-")

    assert not may(cluster, place, "monitor", *create, stdin=listed([run]))
    assert not may(cluster, namespace, "server", *create, stdin=listed([run]))
    assert may(cluster, namespace, "monitor", *create, stdin=listed([run]))
    assert may(cluster, namespace, "monitor", "get", "workflow", name)
    assert not may(cluster, namespace, "monitor", "delete", "workflow", name)
    assert not may(cluster, namespace, "monitor", "get", "workflows")


def test_stores_may_nothing(cluster: Cluster, place: str) -> None:
    assert not may(cluster, place, "stores", "get", "configmap", RELEASE)


@pytest.fixture(scope="module")
def restricted(cluster: Cluster) -> str:
    """The seattle example with one replica and a bucket, in a namespace that refuses what is not restricted."""
    scaling = {"min_replicas": 1, "max_replicas": 1}
    system = cluster_of(
        EXAMPLES / "seattle" / "mlsystem.yaml", namespace={"name": "restricted"}, workspace="s3://models/seattle",
        override={"serving": {"scaling": scaling}},
    )  # fmt: skip
    labels = {**ENFORCED, "team": "ml"}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "restricted", "labels": labels}})
    cluster.apply(*(one.body for one in kubernetes_objects(system)))
    return "restricted"


def test_the_restricted_standard_admits_every_pod(cluster: Cluster, restricted: str) -> None:
    def components() -> Counter[str]:
        pods = cluster.find("pods", restricted)
        return Counter(pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in pods)

    expected = dict.fromkeys(("server", "monitor", "online-store", "tracking", "tracking-database"), 1)
    cluster.eventually(lambda: components() == expected, "one pod of each workload")

    assert components() == expected


def test_the_only_replica_of_a_server_can_be_evicted(cluster: Cluster, restricted: str) -> None:
    chosen = {"app.kubernetes.io/component": "server"}
    cluster.eventually(lambda: any(ready(pod) for pod in cluster.find("pods", restricted, chosen)), "a ready server")
    (pod,) = cluster.find("pods", restricted, chosen)
    name = pod["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": restricted}}

    path = f"/api/v1/namespaces/{restricted}/pods/{name}/eviction"
    cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))

    cluster.eventually(lambda: name not in {one["metadata"]["name"] for one in cluster.find("pods", restricted)},
                       "another pod in its place")  # fmt: skip


def ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def test_the_pipeline_of_a_gang_makes_its_job_and_finds_it_again(cluster: Cluster) -> None:
    """As Argo's executor does, which applies what an executor before it may have applied already."""
    system = cluster_of(EXAMPLES / "flights" / "mlsystem.yaml", namespace={"name": "gang"},
                        override={"training": {"hardware": {"nodes": 3}}})  # fmt: skip
    namespace = cluster.namespace("gang")
    cluster.apply(*(one.body for one in kubernetes_objects(system) if one.concern == "access"))
    (template,) = [one for one in workflow_template(system)["spec"]["templates"] if "resource" in one]
    text = template["resource"]["manifest"]
    for name in set(re.findall(r"{{([^}]*)}}", text)):
        text = text.replace(f"{{{{{name}}}}}", "0-0")
    job = yaml.safe_load(text)
    apply = ("apply", "--validate=strict", "-f", "-")

    assert not may(cluster, namespace, "server", *apply, stdin=listed([job]))
    assert may(cluster, namespace, "pipeline", *apply, stdin=listed([job]))
    assert may(cluster, namespace, "pipeline", *apply, stdin=listed([job]))
    assert may(cluster, namespace, "pipeline", "get", "job", job["metadata"]["name"])
    assert not may(cluster, namespace, "pipeline", "delete", "job", job["metadata"]["name"])
    assert not may(cluster, namespace, "pipeline", "get", "jobs")
