"""The release in a ConfigMap of a real API server, with exactly the rights that a server and a pipeline are given."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from engines.kubectl import Cluster, Object

from mlsystem_runtime.contract.api_server import ApiServer, of_account
from mlsystem_runtime.contract.configmap_release import ConfigMapReleaseStore, labels_of
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.release import EMPTY, ModelRelease, Release, Share

NAMESPACE, NAME = "releases", "flights-release"
RULES = [
    {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [NAME], "verbs": ["get", "watch", "update"]},
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]},
]


def release(serial: int) -> Release:
    return Release(serial, {"main": ModelRelease("salt", (Share(serial, 1.0),))})


def account() -> list[Object]:
    metadata, api = {"name": "server", "namespace": NAMESPACE}, "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": metadata, "rules": RULES},
        {
            "apiVersion": f"{api}/v1", "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": api, "kind": "Role", "name": "server"},
            "subjects": [{"kind": "ServiceAccount", "name": "server", "namespace": NAMESPACE}],
        },
    ]  # fmt: skip


@pytest.fixture
def api(cluster: Cluster, tmp_path: Path) -> Iterator[ApiServer]:
    """As a pod of the service account has it."""
    cluster.namespace(NAMESPACE)
    cluster.apply(*account())
    (tmp_path / "token").write_text(cluster.kubectl("create", "token", "server", "-n", NAMESPACE))
    config = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    (tmp_path / "ca.crt").write_bytes(base64.b64decode(config["certificate-authority-data"]))
    yield of_account(config["server"], tmp_path)
    cluster.delete("namespace", NAMESPACE)


@contextmanager
def heard(store: ConfigMapReleaseStore) -> Iterator[threading.Event]:
    event = threading.Event()
    with store.watch(event.set):
        yield event


def test_a_release_is_made_changed_with_a_precondition_and_watched(api: ApiServer, cluster: Cluster) -> None:
    store = ConfigMapReleaseStore(api, NAMESPACE, NAME, labels_of(NAME, "production"))
    assert store.read().release == EMPTY
    slowest = 0.0
    with heard(store) as event:
        time.sleep(1)
        for serial in (1, 2, 3):
            old = store.read().token
            event.clear()
            started = time.monotonic()
            assert store.write(release(serial), old)
            assert event.wait(5)
            slowest = max(slowest, time.monotonic() - started)
            assert not store.write(release(9), old)

    assert slowest < 1.0
    assert store.read().release == release(3)
    made = cluster.get("configmap", NAME, NAMESPACE)
    assert made["metadata"]["labels"]["app.kubernetes.io/instance"] == "flights-production"


def test_the_account_may_touch_no_other_configmap(api: ApiServer) -> None:
    with pytest.raises(MlsystemError, match="403"):
        ConfigMapReleaseStore(api, NAMESPACE, "other", {}).read()
