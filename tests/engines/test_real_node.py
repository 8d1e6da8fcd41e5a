"""The real node runs containers: probes, Services, restarts, workflows; and it ends with its starter."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from engines.controllers import argo_controller
from engines.kubectl import Object
from engines.node import CGROUPS, RealNode, remove
from engines.objects import deployment, is_rolled_out, service, workflow
from engines.processes import EngineError
from engines.recipes import is_built, program

IMAGE = "registry.local/hello:1"
PROBE = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
RESTRICTED = {
    "runAsNonRoot": True, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
}  # fmt: skip
STARTER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from engines.node import real_node
with real_node() as node:
    print(node.place, node.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def hello(node: RealNode) -> str:
    """A namespace with a Deployment and a Service `hello` of two ready pods."""
    namespace = node.cluster.namespace("hello")
    node.load_program(IMAGE, program("node", "hello"))
    one = deployment("hello", namespace, IMAGE, 2, readinessProbe=PROBE, securityContext=RESTRICTED)
    node.cluster.apply(one, service("hello", namespace))
    node.cluster.wait_for("deployment", "hello", is_rolled_out, namespace)
    return namespace


def fetched(port: int) -> str:
    """Asked again for a while: the first requests to a new Service may fail."""
    for _ in range(50):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return bytes(answer.read()).decode()
        time.sleep(0.1)
    raise AssertionError("no answer")


def test_pods_answer_through_their_service(node: RealNode, hello: str) -> None:
    address = node.cluster.get("service", "hello", hello)["spec"]["clusterIP"]
    port = node.forward(address, 80)

    expected = {f"hello from {pod['metadata']['name']}\n" for pod in node.cluster.find("pods", hello)}
    answers: set[str] = set()

    def answered_by_both() -> bool:  # the proxy may learn of the second pod a moment later
        answers.add(fetched(port))
        return answers >= expected

    node.cluster.eventually(answered_by_both, "an answer of each pod", seconds=20)
    assert answers == expected


def test_the_name_of_a_service_resolves_inside_and_no_other_name_does(node: RealNode, hello: str) -> None:
    address = node.cluster.get("service", "hello", hello)["spec"]["clusterIP"]

    assert node.run("getent", "hosts", f"hello.{hello}").split()[0] == address
    with pytest.raises(EngineError):
        node.run("getent", "hosts", "example.org")


def test_a_killed_container_is_started_again(node: RealNode, hello: str) -> None:
    before = node.pids("hello")
    os.kill(before[0], signal.SIGKILL)

    node.cluster.eventually(lambda: len(set(node.pids("hello")) - set(before)) == 1, "a new container")
    node.cluster.wait_for("deployment", "hello", is_rolled_out, hello)

    pods = node.cluster.find("pods", hello)
    assert sorted(pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods) == [0, 1]


def test_argo_runs_a_workflow_in_real_containers(node: RealNode) -> None:
    if not is_built("argo"):
        pytest.skip("engine 'argo' is not built: make engines")
    executor = "registry.local/argoexec:1"
    namespace = node.cluster.namespace("flow")
    node.load_program(executor, program("argo", "argoexec"))
    node.cluster.kubectl(
        "create", "clusterrolebinding", "flow", "--clusterrole=cluster-admin", f"--serviceaccount={namespace}:default"
    )

    with argo_controller(node.cluster, executor):
        node.cluster.apply(workflow("one", namespace, executor, ("/argoexec", "version")))
        done = node.cluster.wait_for("workflow", "one", is_over, namespace, seconds=90)

    assert done["status"]["phase"] == "Succeeded", done["status"]


def is_over(one: Object) -> bool:
    return one.get("status", {}).get("phase") in ("Succeeded", "Failed", "Error")


def test_nothing_of_a_node_runs_on_when_its_starter_is_killed(node: RealNode) -> None:
    support = Path(__file__).parent / "support"
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(support)], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter.stdout:
        place, pid = starter.stdout.readline().split()
        inside = processes_in(Path(place).name)
        starter.kill()
        starter.wait()
    deadline = time.monotonic() + 10
    while (processes_in(Path(place).name) or Path(f"/proc/{pid}").exists()) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert len(inside) >= 8
    assert processes_in(Path(place).name) == []
    assert not Path(f"/proc/{pid}").exists()
    remove(Path(place))
    assert list(CGROUPS.glob(f"*/{Path(place).name}")) == []


def processes_in(name: str) -> list[str]:
    """Numbers of the processes whose command line names the node's folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if name.encode() in path.read_bytes():
                found.append(path.parent.name)
    return found
