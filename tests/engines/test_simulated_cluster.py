"""The simulated cluster is a real API server: it judges, its controllers act, and it ends with its starter."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from engines.kubectl import Cluster, KubectlError
from engines.objects import deployment, is_rolled_out

STARTER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from engines.simulated import simulated_cluster
with simulated_cluster() as cluster:
    print(cluster.kubeconfig.parent, flush=True)
    time.sleep(60)
"""


def processes_of(folder: str) -> list[str]:
    found = [path for path in Path("/proc").glob("[0-9]*/cmdline") if mentions(path, folder)]
    return [path.parent.name for path in found]


def mentions(cmdline: Path, text: str) -> bool:
    try:
        return text.encode() in cmdline.read_bytes()
    except OSError:
        return False  # it has ended meanwhile


def test_a_deployment_and_a_config_map_without_mistakes_are_accepted(cluster: Cluster) -> None:
    namespace = cluster.namespace("accepted")
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": namespace}, "data": {}}

    cluster.validate(deployment("one", namespace), config)

    assert cluster.find("deployments", namespace) == []


def test_a_misspelt_field_is_refused_with_its_path(cluster: Cluster) -> None:
    namespace = cluster.namespace("misspelt")
    wrong = deployment("one", namespace, livenesProbe={"tcpSocket": {"port": 80}})

    with pytest.raises(KubectlError, match=r'unknown field "spec.template.spec.containers\[0\].livenesProbe"'):
        cluster.validate(wrong)


def test_pods_of_a_deployment_become_ready_and_applying_it_again_changes_nothing(cluster: Cluster) -> None:
    namespace = cluster.namespace("ready")
    cluster.apply(deployment("one", namespace, replicas=2))

    made = cluster.wait_for("deployment", "one", is_rolled_out, namespace)
    cluster.apply(deployment("one", namespace, replicas=2))

    assert cluster.get("deployment", "one", namespace)["metadata"]["generation"] == made["metadata"]["generation"]


def test_a_job_completes(cluster: Cluster) -> None:
    namespace = cluster.namespace("job")
    container = {"name": "main", "image": "none:1"}
    cluster.apply({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "one", "namespace": namespace},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    })  # fmt: skip

    done = cluster.wait_for("job", "one", lambda one: one.get("status", {}).get("succeeded") == 1, namespace)

    assert any(one["type"] == "Complete" for one in done["status"]["conditions"])


def test_nothing_of_a_cluster_runs_on_when_its_starter_is_killed(cluster: Cluster) -> None:
    support = Path(__file__).parent / "support"
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(support)], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter.stdout:
        folder = starter.stdout.readline().strip()
        started = processes_of(folder)
        starter.kill()
        starter.wait()
    deadline = time.monotonic() + 10
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert len(started) == 5
    assert processes_of(folder) == []
