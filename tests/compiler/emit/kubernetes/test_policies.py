"""What holds for every object of every system: no rights beyond those needed, nothing unbounded, no secret value."""

from __future__ import annotations

import re

from pods import containers, environment, of_kind, pod_spec, values, workloads

from mlsystem.emit.kubernetes.objects import LONGEST_NAME, Cluster, KubernetesObject
from mlsystem.system.snapshots import snapshot
from mlsystem_runtime.contract import names

Objects = tuple[KubernetesObject, ...]
COMMON = ("name", "instance", "component", "part-of", "managed-by")
CONSTANT = {"app.kubernetes.io/instance", "app.kubernetes.io/component", "mlsystem.dev/model"}
KNATIVE = "serving.knative.dev/v1"
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|ACCESS_KEY|PRIVATE")


def test_no_pod_has_more_than_the_restricted_standard_allows(objects: Objects) -> None:
    for workload in workloads(objects):
        spec = pod_spec(workload)
        security = spec.get("securityContext") or spec["containers"][0]["securityContext"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        kinds = {"emptyDir", "configMap", "persistentVolumeClaim", "secret"}
        assert all(volume.keys() & kinds for volume in spec["volumes"])
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}


def test_no_container_may_gain_rights_or_write_its_root(objects: Objects) -> None:
    for container in containers(objects):
        assert container["securityContext"].items() >= {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }.items()


def test_every_container_has_limits_which_are_its_requests(objects: Objects) -> None:
    for container in containers(objects):
        amounts = container["resources"]
        assert amounts["limits"].keys() >= {"cpu", "memory"}
        assert amounts["requests"] == amounts["limits"]


def test_every_folder_that_ends_with_the_pod_has_a_limit(objects: Objects) -> None:
    folders = [volume["emptyDir"] for one in workloads(objects) for volume in pod_spec(one)["volumes"]
               if "emptyDir" in volume]  # fmt: skip

    assert folders
    assert all(one["sizeLimit"] for one in folders)


def test_every_container_has_a_command_and_an_image_that_does_not_change_its_meaning(objects: Objects) -> None:
    for container in containers(objects):
        tag = container["image"].rpartition("/")[2].partition(":")[2]
        assert container["command"]
        assert tag not in ("", "latest")
        assert container["imagePullPolicy"] == "IfNotPresent"


def test_roles_name_what_they_are_for(objects: Objects) -> None:
    rules = [rule for role in of_kind(objects, "Role") for rule in role["rules"]]

    assert rules
    assert not [rule for rule in rules if "*" in values(rule)]
    assert not of_kind(objects, "ClusterRole", "ClusterRoleBinding")
    assert all(
        "resourceNames" in rule
        for rule in rules
        if rule["resources"] == ["configmaps"] and rule["verbs"] != ["create"]
    )
    assert not [rule for rule in rules if {"secrets", "pods", "pods/exec"} & set(rule["resources"])]


def test_a_token_is_only_where_there_is_a_right_to_use(objects: Objects) -> None:
    bound = {binding["subjects"][0]["name"] for binding in of_kind(objects, "RoleBinding")}
    accounts = {one["metadata"]["name"]: one for one in of_kind(objects, "ServiceAccount")}

    assert {name for name, one in accounts.items() if one["automountServiceAccountToken"]} == bound
    for workload in workloads(objects):
        spec = pod_spec(workload)
        account = accounts[spec["serviceAccountName"]]  # says it where the pod does not
        mounted = spec.get("automountServiceAccountToken", account["automountServiceAccountToken"])
        assert mounted is (spec["serviceAccountName"] in bound)
        assert spec["serviceAccountName"] in accounts
        assert spec["enableServiceLinks"] is False


def test_no_object_holds_the_value_of_a_secret(objects: Objects) -> None:
    assert of_kind(objects, "Secret") == []
    for container in containers(objects):
        for name, value in environment(container).items():
            folder = name == names.SECRET_FOLDER
            assert folder or not (SECRET.search(name) and isinstance(value, str)), name
            assert not re.search(r"://[^/]*:[^/]*@", value if isinstance(value, str) else ""), name


def test_everything_is_labelled_and_has_the_place_it_came_from(cluster: Cluster, objects: Objects) -> None:
    nodes = {node.id for node in snapshot(cluster.system).nodes}
    for one in objects:
        labels = one.body["metadata"]["labels"]
        assert {f"app.kubernetes.io/{key}" for key in COMMON} <= labels.keys()
        assert labels["mlsystem.dev/system"] == cluster.prefix
        assert labels["mlsystem.dev/environment"] == cluster.system.environment
        assert all(re.fullmatch(r"[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?", value) for value in labels.values())
        assert one.origin in nodes


def test_every_name_is_one_that_kubernetes_allows_and_stands_once(cluster: Cluster, objects: Objects) -> None:
    assert len({one.path for one in objects}) == len({(one.kind, one.name) for one in objects}) == len(objects)
    for one in objects:
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", one.name), one.name
        assert len(one.name) <= LONGEST_NAME
        assert one.kind == "Namespace" or one.body["metadata"]["namespace"] == cluster.target.namespace


def test_selectors_hold_only_what_never_changes_and_find_the_pods_of_one_workload(objects: Objects) -> None:
    pods = {one.name: one.body["spec"]["template"]["metadata"]["labels"] for one in workloads(objects)}
    for one in workloads(objects):
        if one.body["apiVersion"] == KNATIVE:
            continue  # which selects its pods itself
        chosen = one.body["spec"]["selector"]["matchLabels"]
        assert chosen.keys() <= CONSTANT
        assert [name for name, labels in pods.items() if chosen.items() <= labels.items()] == [one.name]
    for kind, key in (("Service", ""), ("PodDisruptionBudget", "matchLabels")):
        for body in of_kind(objects, kind):
            if body["apiVersion"] == KNATIVE:
                continue
            selector = body["spec"]["selector"]
            chosen = selector[key] if key else selector
            found = [name for name, labels in pods.items() if chosen.items() <= labels.items()]
            assert [re.sub("-knative$", "-server", name) for name in found] == [body["metadata"]["name"]]


def test_whatever_a_pod_mounts_is_declared(objects: Objects) -> None:
    declared = {(one.kind, one.name) for one in objects}
    for workload in workloads(objects):
        spec = pod_spec(workload)
        claimed = [one["metadata"]["name"] for one in workload.body["spec"].get("volumeClaimTemplates", ())]
        there = {*claimed, *(volume["name"] for volume in spec["volumes"])}
        assert {mount["name"] for one in spec["containers"] for mount in one["volumeMounts"]} == there
        for volume in spec["volumes"]:
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in declared
            if "persistentVolumeClaim" in volume:
                assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in declared


def test_the_release_is_nobodys_object(cluster: Cluster, objects: Objects) -> None:
    assert cluster.name("release") not in {one.name for one in objects}


def test_only_what_people_would_miss_is_kept_when_the_system_is_destroyed(objects: Objects) -> None:
    assert {one.kind for one in objects if one.kept} <= {"Namespace", "ConfigMap", "PersistentVolumeClaim"}
    assert all(one.kept for one in objects if one.kind in ("Namespace", "PersistentVolumeClaim"))
