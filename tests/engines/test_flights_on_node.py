"""The flights example in real containers on a real node: images built and applied by `mlsystem`, Argo, Redis, a bucket.

The tests stand in the order of a system's life, and each goes on with what the one before has left.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest
from engines.kubectl import KubectlError, Object
from engines.node import NODE, impossible_here
from engines.objects import is_rolled_out
from engines.on_node import NAMESPACE, SERVER, SYSTEM, OnNode, flights_on_node
from engines.recipes import cache_folder, is_built
from environments import eventually, finish

ENGINES = ("kube", "node", "dns", "pulumi", "argo", "redis", "postgres", "images", "registry")
GIB = 1 << 30
ROOM = 25 * GIB
"""Libraries are 7 GB, and lie in buildah's storage, packed in the registry, and in the node's."""
RATE = 20.0
HOUR = 3600


NO_IMAGES = "MLSYSTEM_ENGINES_BUILD_NO_IMAGES"
"""Set where there is no time for libraries of gigabytes, which take a quarter of an hour the first time."""


def need_images() -> None:
    """What was kept of an earlier run is the largest part of the room, and of the time."""
    kept = (cache_folder() / "node-images").is_dir()
    if not kept and NO_IMAGES in os.environ:
        pytest.skip(f"no images are kept of an earlier run, and none are built: {NO_IMAGES} is set")
    if shutil.disk_usage(cache_folder()).free < (4 * GIB if kept else ROOM):
        pytest.skip(f"images and what they are made of need {ROOM // GIB} GB below {cache_folder()}")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnNode]:
    for name in ENGINES:
        if not is_built(name):
            pytest.skip(f"engine '{name}' is not built: make engines")
    if reason := impossible_here():
        pytest.skip(reason)
    need_images()
    with flights_on_node(tmp_path_factory.mktemp("node") / "system") as one:
        yield one
        finish(one.project)


@pytest.fixture(scope="module")
def applied(system: OnNode) -> str:
    """What the first apply said, after its run had ended."""
    return system.ok("apply", "--yes", "--wait")


@pytest.fixture(scope="module")
def requests(system: OnNode) -> list[Any]:
    """What is known of twelve flights of one evening, and of as many that are longer, and longer still."""
    found = json.loads((system.project.folder / "data" / "requests.json").read_text())
    return [{**one, "distance": one["distance"] + 100 * more} for more in range(8) for one in found]


def answers(system: OnNode, address: str, port: int, requests: list[Any]) -> list[Any]:
    return [system.ask(address, port, one)["predictions"][0] for one in requests]


def version_of(system: OnNode, pod: Object, request: object) -> int:
    return int(system.ask(pod["status"]["podIP"], 8080, request)["version"])


def restarts(pod: Object) -> int:
    return int(pod["status"]["containerStatuses"][0]["restartCount"])


@contextmanager
def load(system: OnNode, rate: float = RATE) -> Iterator[dict[str, Any]]:
    """While the block runs; afterwards the value says what became of the requests."""
    said: dict[str, Any] = {}
    running = system.under_load(rate, system.project.folder / "data" / "requests.json")
    try:
        yield said
    finally:
        printed, _ = running.communicate(timeout=60)
    said.update(json.loads(printed))


def test_an_apply_builds_images_trains_in_them_and_releases_to_servers_that_run_already(
    system: OnNode, applied: str
) -> None:
    pods = system.servers()
    release = system.node.cluster.get("configmap", f"{SYSTEM}-release", NAMESPACE)
    [run] = system.node.cluster.find("workflows", NAMESPACE)
    steps = {node["displayName"] for node in run["status"]["nodes"].values() if node["type"] == "Retry"}

    assert "run" in applied.splitlines()[-1]
    assert {"begin", "train-main", "register-main"} <= steps
    assert json.loads(release["data"]["release.json"])["models"]["main"]["shares"] == [{"version": 1, "share": 1.0}]
    assert [restarts(pod) for pod in pods] == [0, 0]
    for pod in pods:
        assert pod["status"]["startTime"] < run["status"]["finishedAt"]


def test_a_plan_after_the_apply_is_empty(system: OnNode, applied: str) -> None:
    done = system.run("plan", "--detailed-exitcode")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 objects of" in done.stdout


def test_status_says_what_is_there(system: OnNode, applied: str) -> None:
    status = system.status()
    [model] = status["models"]

    assert (model["replicas"]["ready"], model["replicas"]["desired"]) == (2, 2)
    assert model["model"]["shares"] == [{"version": 1, "share": 1.0}]
    assert (status["workflow"]["outcome"], status["run"]["outcome"]) == ("done", "done")
    assert {name: (one["ready"], one["desired"]) for name, one in status["processes"].items()} == {
        "monitor": (1, 1), "online-store": (1, 1), "tracking": (1, 1), "tracking-database": (1, 1),
    }  # fmt: skip
    assert status["notes"] == []


def test_what_two_pods_have_answered_reaches_the_monitor(
    system: OnNode, applied: str, requests: list[Any]
) -> None:
    """More rows of a day than one of them has seen: the monitor has looked since rows were half of what they are."""
    that_day = [one for one in requests if one["at"] >= "2013-12-29"]
    asked = list(islice(cycle(that_day), 150))
    for pod in system.servers():
        answers(system, pod["status"]["podIP"], 8080, asked)

    def rows() -> int:
        window = system.status()["models"][0]["model"]["monitor"]["window"]
        return window["rows"] if window else 0

    eventually(lambda: rows() > len(asked), 200)


def test_it_answers_to_the_last_digit_as_on_one_machine(
    system: OnNode, applied: str, requests: list[Any]
) -> None:
    project = system.project
    assert project.run("apply", "-e", "dev", "--port", str(project.port), "--yes").returncode == 0
    here = []
    for one in requests:
        post = urllib.request.Request(f"http://127.0.0.1:{project.port}/predict", json.dumps(one).encode())
        post.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(post, timeout=10) as answer:
            here.append(json.load(answer)["predictions"][0])
    project.halt()

    assert len(requests) > 50
    assert answers(system, system.address, 80, requests) == here


def test_the_run_of_the_training_is_in_mlflow(system: OnNode, applied: str) -> None:
    pod = next(one for one in system.node.cluster.find("pods", NAMESPACE) if "-tracking-database-" in str(one))
    question = "select value from latest_metrics where key = 'roc_auc'"
    ask = f'PGPASSWORD=$POSTGRES_PASSWORD psql -U mlflow -h /var/run/postgresql -Atc "{question}"'
    said = inside(system, pod["metadata"]["name"], "sh", "-c", ask)

    assert 0.55 < float(said.split()[0]) < 1


def test_containers_have_no_more_than_they_were_given(system: OnNode, applied: str) -> None:
    pod = system.servers()[0]["metadata"]["name"]
    script = (
        "import os; from mlsystem_runtime.train.threads import thread_count; "
        "print(os.getuid(), thread_count(None), int(open('/sys/fs/cgroup/memory/memory.limit_in_bytes').read()) >> 20)"
    )

    assert inside(system, pod, "python", "-c", script).split() == ["65532", "1", "2048"]
    assert "Read-only file system" in refusal(system, pod, "touch", "/opt/one")
    assert inside(system, pod, "sh", "-c", "touch /tmp/one && grep -c NoNewPrivs:.1 /proc/self/status").strip() == "1"


def inside(system: OnNode, pod: str, *command: str) -> str:
    return system.node.cluster.kubectl("exec", "-n", NAMESPACE, pod, "--", *command)


def refusal(system: OnNode, pod: str, *command: str) -> str:
    with pytest.raises(KubectlError) as refused:
        inside(system, pod, *command)
    return str(refused.value)


def test_a_second_model_trained_by_two_pods_and_a_rolling_update_lose_no_request(
    system: OnNode, applied: str, requests: list[Any]
) -> None:
    before = {pod["metadata"]["name"] for pod in system.servers()}
    system.project.edit(("learning_rate: 1e-3", "learning_rate: 2e-3"), ("memory: 2Gi", "memory: 1900Mi"))
    system.project.edit(("  hardware: {cpu: 1} ", "  hardware: {cpu: 1, nodes: 2} "))

    with load(system) as said:
        planned = system.ok("plan")
        system.ok("apply", "--yes", "--wait")
        system.node.cluster.wait_for("deployment", SERVER, is_rolled_out, NAMESPACE, seconds=180)
        system.node.cluster.eventually(lambda: len(system.servers()) == 2, "two servers", seconds=120)

    pods = system.servers()
    assert set(said["outcomes"]) == {"200"}, said
    assert said["outcomes"]["200"] > 500
    assert not before & {pod["metadata"]["name"] for pod in pods}
    assert {version_of(system, pod, requests[0]) for pod in pods} == {2}
    assert "trains main" in planned
    assert gangs(system) == [(2, 2)]
    assert system.run("plan", "--detailed-exitcode").returncode == 0


def gangs(system: OnNode) -> list[tuple[int, int]]:
    """Of every Job, how many pods it wanted, and how many have ended well."""
    jobs = system.node.cluster.find("jobs", NAMESPACE)
    return [(one["spec"]["completions"], one["status"].get("succeeded", 0)) for one in jobs]


def test_a_rollback_takes_effect_within_a_second(system: OnNode, applied: str, requests: list[Any]) -> None:
    pods = system.servers()
    before = {version_of(system, pod, requests[0]) for pod in pods}

    system.ok("rollback", "--to", "1")
    began = time.monotonic()
    eventually(lambda: {version_of(system, pod, requests[0]) for pod in pods} == {1}, 10)

    assert before == {2}
    assert time.monotonic() - began < 1
    assert [restarts(pod) for pod in pods] == [0, 0]


def test_a_pod_that_is_taken_away_answers_what_it_was_asked(system: OnNode, applied: str) -> None:
    [taken, _] = system.servers()

    with load(system) as said:
        time.sleep(2)
        system.node.cluster.delete("pod", taken["metadata"]["name"], NAMESPACE)
        system.node.cluster.wait_for("deployment", SERVER, is_rolled_out, NAMESPACE, seconds=120)

    assert set(said["outcomes"]) == {"200"}, said


def test_a_killed_server_is_started_again_and_the_others_answer(
    system: OnNode, applied: str, requests: list[Any]
) -> None:
    killed, other = system.servers()
    with load(system, rate=10) as said:
        os.kill(pid_of(system, killed), signal.SIGKILL)
        time.sleep(0.5)
        assert version_of(system, other, requests[0]) == 1
        name = killed["metadata"]["name"]
        system.node.cluster.wait_for("pod", name, lambda pod: restarts(pod) == 1, NAMESPACE)
        system.node.cluster.wait_for("deployment", SERVER, is_rolled_out, NAMESPACE, seconds=120)

    lost = sum(count for outcome, count in said["outcomes"].items() if outcome != "200")
    assert version_of(system, killed, requests[0]) == 1
    assert lost < 10 * 8, said  # until its readiness probe has failed, its share of new connections is refused


def pid_of(system: OnNode, pod: Object) -> int:
    """Of the server in a pod, as this machine counts."""
    uid = pod["metadata"]["uid"]
    for pid in system.node.pids("python"):
        cgroup, line = Path(f"/proc/{pid}/cgroup").read_text(), Path(f"/proc/{pid}/cmdline").read_bytes()
        if uid in cgroup and b"serve" in line.split(b"\0"):
            return pid
    raise AssertionError("no server runs in it")


def test_a_drain_of_the_node_takes_one_server_at_a_time(
    system: OnNode, applied: str, requests: list[Any]
) -> None:
    """There is no other node, so the second one has to stay until the first has its successor."""
    drain = (
        "drain", NODE, "--ignore-daemonsets", "--delete-emptydir-data", "--force",
        "--pod-selector", "app.kubernetes.io/component=server",
    )  # fmt: skip
    with load(system) as said:
        with pytest.raises(KubectlError, match="disruption budget"):
            system.node.cluster.kubectl(*drain, "--timeout=20s")
        [left] = system.servers_ready()
        system.node.cluster.kubectl("uncordon", NODE)
        system.node.cluster.wait_for("deployment", SERVER, is_rolled_out, NAMESPACE, seconds=120)

    assert version_of(system, left, requests[0]) == 1
    assert set(said["outcomes"]) == {"200"}, said


def test_a_schedule_opens_a_proposal_that_a_person_decides_on(system: OnNode, applied: str) -> None:
    schedule = 'schedule: "* * * * *"'
    system.project.edit(("  seed: 7", f"  seed: 7\n  {schedule}"))
    system.ok("apply", "--yes")

    for found in system.status()["proposals"]:  # the monitor's, of drift; one is enough for a model
        system.ok("reject", found["proposal"])

    def proposed() -> Any:
        return [one for one in system.status()["proposals"] if "schedule" in one["reason"]]

    [proposal] = eventually(proposed, 180)
    system.project.edit((f"  seed: 7\n  {schedule}", "  seed: 7"))
    system.ok("apply", "--yes")
    system.ok("reject", proposal["proposal"])

    assert not proposed()
    assert system.node.cluster.find("cronworkflows", NAMESPACE)[0]["metadata"]["name"] == f"{SYSTEM}-refresh-15m"


def test_servers_are_added_under_load_and_status_says_so(system: OnNode, applied: str) -> None:
    system.node.start_metrics()
    system.project.edit(("max_replicas: 4}", "max_replicas: 4, metric: cpu, target: 3%}"))
    system.ok("apply", "--yes")

    with load(system, rate=300):
        eventually(lambda: system.status()["models"][0]["scaler"]["desired"] > 2, 180)
        eventually(lambda: system.status()["models"][0]["replicas"]["ready"] > 2, 120)


def test_destroy_leaves_the_data_and_nothing_that_runs(system: OnNode, applied: str) -> None:
    said = system.ok("destroy", "--yes")

    def running() -> list[str]:
        return [pod["metadata"]["name"] for pod in system.node.cluster.find("pods", NAMESPACE)]

    eventually(lambda: not running(), 120)
    claims = [one["metadata"]["name"] for one in system.node.cluster.find("persistentvolumeclaims", NAMESPACE)]
    assert claims == [f"data-{SYSTEM}-online-store-0", f"data-{SYSTEM}-tracking-database-0"]
    assert system.workspace_files("models/main/2/")
    assert "stays, with its data, models and logs" in said
