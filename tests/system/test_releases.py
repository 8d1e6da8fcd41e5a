"""Which version answers: retraining, rollback, crashes and gates, seen by a client that never stops asking."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import time
from dataclasses import dataclass

import pytest
from environments import Project, eventually, listens, processes, steps_run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("seattle-releases")]


class Client:
    """Asks one question over and over on a thread; keeps when each answer came, its status and its version."""

    def __init__(self, project):
        self.project = project
        self.body = json.loads((project.folder / "data/requests.json").read_text())[0]
        self.answers = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self):
        while not self._over.is_set():
            status, said = self.project.ask(self.body)
            self.answers.append((time.monotonic(), status, said.get("version")))
            time.sleep(0.01)

    def __enter__(self):
        self._thread.start()
        eventually(lambda: self.answers)
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def versions(self):
        """In the order in which they answered, each change once."""
        return [version for version, _ in itertools.groupby(version for _, _, version in self.answers)]

    def failed(self):
        return [status for _, status, _ in self.answers if status != 200]


@dataclass(frozen=True)
class Retrained:
    """An environment whose second version has just been released, what was planned, said and answered meanwhile."""

    project: Project
    plan: dict
    said: str
    servers: tuple[int, int]
    client: Client


@pytest.fixture(scope="module")
def retrained(start):
    project = start("seattle")
    server = project.pid("server")
    project.edit(("epochs: 8,", "epochs: 8, learning_rate: 2e-3,"))
    plan = project.plan()
    with Client(project) as client:
        said = project.apply()
        eventually(lambda: client.versions()[-1] == 2, 5)
    return Retrained(project, plan, said, (server, project.pid("server")), client)


def test_a_learning_rate_retrains_and_releases_and_touches_neither_features_nor_server(retrained):
    assert retrained.project.costs(retrained.plan) == {
        "model.main": "retrain",
        "evaluation.main": "re-evaluate",
        "endpoint.main": "release",
    }
    assert retrained.plan["steps"] == ["train.main", "evaluate.main", "register.main"]
    assert steps_run(retrained.said) == retrained.plan["steps"]
    assert len(set(retrained.servers)) == 1
    assert retrained.client.versions() == [1, 2]
    assert retrained.client.failed() == []


def test_a_rollback_is_seen_within_a_second_fails_no_request_and_leaves_the_plan_empty(retrained):
    project = retrained.project
    to, other = (1, 2) if answering(project) == 2 else (2, 1)
    with Client(project) as client:
        project.ok("rollback", "--to", str(to))
        done = time.monotonic()
        eventually(lambda: client.versions()[-1] == to, 5)
        plan_is_empty = project.empty_plan()
    seen = next(moment for moment, _, version in client.answers if version == to)

    assert seen - done < 1.0
    assert client.versions() == [other, to]
    assert client.failed() == []
    assert plan_is_empty
    assert f"rolled back to version {to}" in project.ok("plan")
    assert steps_run(project.apply()) == []
    assert answering(project) == to


def answering(project):
    return project.status()["models"][0]["shares"][0]["version"]


def test_a_killed_server_and_a_killed_monitor_are_started_again(retrained):
    project = retrained.project
    for process in ("server", "monitor"):
        pid = project.pid(process)
        os.kill(pid, signal.SIGKILL)

        eventually(lambda process=process, pid=pid: runs_anew(project, process, pid))
    eventually(project.ready)
    assert project.empty_plan()


def runs_anew(project, process, pid):
    word = {"server": "serve"}.get(process, process)
    found = [one for one, line in processes(project.folder).items() if f"mlsystem_runtime {word} " in line]
    return len(found) == 1 and found != [pid]


def test_nothing_outlives_a_killed_supervisor_and_the_next_apply_heals(retrained):
    project, version = retrained.project, answering(retrained.project)
    os.kill(project.supervisor, signal.SIGKILL)

    eventually(lambda: not processes(project.folder), 30)
    assert not listens(project.port)
    assert not project.empty_plan()
    assert "server is not running" in project.ok("plan")
    assert steps_run(project.apply()) == []
    assert project.ready()
    assert answering(project) == version
    assert project.empty_plan()


def test_a_gate_that_fails_rejects_the_version_and_leaves_the_old_release_alone(seattle):
    seattle.edit(("accuracy, at_least: 0.5}", "accuracy, at_least: 0.99}"))
    assert set(seattle.costs().values()) <= {"nothing", "re-evaluate", "release"}
    with Client(seattle) as client:
        done = seattle.run("apply")

    assert done.returncode == 1
    assert "accuracy at least 0.99" in done.stdout + done.stderr
    assert steps_run(done.stdout) == ["evaluate.main", "register.main"]
    status = seattle.status()
    assert [(one["version"], one["status"]) for one in status["models"][0]["versions"]] == [
        (2, "rejected"),
        (1, "accepted"),
    ]
    assert client.versions() == [1]
    assert client.failed() == []
    assert seattle.empty_plan()
    assert steps_run(seattle.run("apply").stdout) == []

    again = seattle.run("apply", "--retry")
    assert again.returncode == 1
    assert steps_run(again.stdout) == ["evaluate.main", "register.main"]
    assert seattle.empty_plan()
    assert answering(seattle) == 1
