"""Which pods' logs `mlsystem logs` shows in a cluster, and how the API server is asked for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from running_systems import NAMESPACE, api_of, running_in, workflows

from mlsystem.apply.cluster_api import HttpsApi, Reference
from mlsystem.apply.cluster_logs import INDEX, JOB, NODE_ID, WORKFLOW, logs
from mlsystem.apply.running import Running
from mlsystem.errors import MlsystemError


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return running_in(tmp_path)


def pod(running: Running, name: str, labels: dict[str, str], *lines: str, made: str = "", **annotations: str) -> None:
    body = {"metadata": {"name": name, "labels": labels, "annotations": annotations, "creationTimestamp": made}}
    api_of(running).objects[Reference("v1", "Pod", name, NAMESPACE)] = body
    api_of(running).logs[name] = list(lines)


def said(running: Running, name: str, lines: int = 100, *, follow: bool = False) -> list[str]:
    return list(logs(running.environment, name, lines, follow=follow))


def test_the_end_of_the_only_server_is_shown_as_it_is(running: Running) -> None:
    pod(running, "a", running.cluster.labels("server", "main"), "one", "two", "three")

    assert said(running, "server", 2) == ["two", "three"]
    assert api_of(running).done[-1] == f"log Pod {NAMESPACE}/a server"


@pytest.mark.parametrize("follow", [False, True])
def test_lines_of_several_servers_say_whose_they_are(running: Running, follow: bool) -> None:
    pod(running, "a", running.cluster.labels("server", "main"), "one")
    pod(running, "b", running.cluster.labels("server", "main"), "two")

    assert sorted(said(running, "server.main", follow=follow)) == ["a: one", "b: two"]


def test_a_step_has_the_log_of_its_last_attempt_in_the_last_run_that_has_it(running: Running) -> None:
    run = workflows(running)[0]
    name = run["metadata"]["name"]
    run["status"] = {
        "nodes": {
            "n1": {"type": "Pod", "displayName": "train-main(0)", "startedAt": "2026-01-01T00:00:00Z"},
            "n2": {"type": "Pod", "displayName": "train-main(1)", "startedAt": "2026-01-01T00:05:00Z"},
            "n3": {"type": "Retry", "displayName": "train-main", "startedAt": "2026-01-01T00:09:00Z"},
        }
    }
    for node in ("n1", "n2"):
        pod(running, f"pod-{node}", {WORKFLOW: name}, f"epoch of {node}", **{NODE_ID: node})

    assert said(running, "train.main") == ["epoch of n2"]
    assert api_of(running).done[-1] == f"log Pod {NAMESPACE}/pod-n2 main"


def test_a_training_on_several_nodes_has_the_logs_of_its_pods_in_its_last_run(tmp_path: Path) -> None:
    running = running_in(tmp_path, override={"training": {"hardware": {"nodes": 2}}})
    labels = running.cluster.labels("pipeline", "main")
    for name, job, number, minute in (("old-0", "a", 0, 1), ("lost-1", "b", 1, 2), ("new-0", "b", 0, 2),
                                      ("new-1", "b", 1, 3)):  # fmt: skip
        numbered = {**labels, JOB: job, INDEX: f"{number}"}
        pod(running, name, numbered, f"epoch of {name}", made=f"2026-01-01T00:0{minute}:00Z")

    assert said(running, "train.main") == ["new-0: epoch of new-0", "new-1: epoch of new-1"]


def test_a_training_whose_job_is_not_there_yet_has_the_log_of_the_pod_that_makes_it(tmp_path: Path) -> None:
    running = running_in(tmp_path, override={"training": {"hardware": {"nodes": 2}}})
    run = workflows(running)[0]
    run["status"] = {"nodes": {"n1": {"type": "Pod", "displayName": "train-main(0)", "startedAt": "2026"}}}
    pod(running, "maker", {WORKFLOW: run["metadata"]["name"]}, "waits", **{NODE_ID: "n1"})

    assert said(running, "train.main") == ["waits"]


def test_a_step_whose_pod_is_gone_says_so_and_one_that_never_ran_too(running: Running) -> None:
    workflows(running)[0]["status"] = {"nodes": {"n": {"type": "Pod", "displayName": "train-main"}}}

    with pytest.raises(MlsystemError, match=r"the pod of train\.main in run .* is gone"):
        said(running, "train.main")
    with pytest.raises(MlsystemError, match=r"no run in the cluster has started evaluate\.main"):
        said(running, "evaluate.main")


def test_an_unknown_name_is_answered_with_those_that_there_are(running: Running) -> None:
    with pytest.raises(MlsystemError, match="no log of 'sever'") as refused:
        said(running, "sever")

    assert "server, monitor, server.main, ingest.weather" in str(refused.value.hint)


def test_a_process_without_pods_says_so(running: Running) -> None:
    with pytest.raises(MlsystemError, match="monitor has no pods"):
        said(running, "monitor")


class HasOnePod(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, text = (200, b"one\ntwo\n") if "/pods/a/log" in self.path else (404, b"{}")
        if self.path == "/api/v1":
            status, text = 200, b'{"resources": [{"kind": "Pod", "name": "pods"}]}'
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[HttpsApi, list[str]]]:
    class Handler(HasOnePod):
        asked: ClassVar[list[str]] = []

    one = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True).start()
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{one.server_address[1]}"}}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    yield HttpsApi(None, {"KUBECONFIG": str(tmp_path / "config")}), Handler.asked
    one.shutdown()
    one.server_close()


def test_the_api_server_is_asked_for_the_end_of_one_container(server: tuple[HttpsApi, list[str]]) -> None:
    api, asked = server

    lines = list(api.log(Reference("v1", "Pod", "a", "n"), "server", 5, follow=True))

    assert lines == ["one", "two"]
    assert asked[-1] == "/api/v1/namespaces/n/pods/a/log?container=server&tailLines=5&follow=true"
    with pytest.raises(MlsystemError, match="Pod n/b is not there any more"):
        list(api.log(Reference("v1", "Pod", "b", "n"), "server", 5, follow=False))
