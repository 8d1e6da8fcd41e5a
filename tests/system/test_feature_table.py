"""The features of one machine in a table of DynamoDB: the same answers as from SQLite, and what moving there means."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from environments import Project
from feature_table import make_table
from object_store import object_store

from mlsystem_runtime.features.dynamo_store import DynamoStore

pytestmark = pytest.mark.slow


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with object_store() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield make_table("seattle-features")


def answers(project: Project) -> list[object]:
    """What is predicted for some of the example's requests."""
    requests = json.loads((project.folder / "data/requests.json").read_text())
    return [answered(project, request) for request in requests[:4]]


def answered(project: Project, request: object) -> object:
    """A reader gives a table 0.3 s, which this one may miss on a busy machine, and asks again after two."""
    until = time.monotonic() + 60.0
    while (found := project.ask(request))[0] == 503 and time.monotonic() < until:
        time.sleep(0.5)
    status, said = found
    assert status == 200, said
    return said["predictions"]


def test_an_environment_that_moves_to_a_table_is_filled_again_and_predicts_the_same(copy, table: str) -> None:
    project = copy("seattle")
    project.apply()
    before = answers(project)
    project.edit(("clock: data, port:", f'clock: data, online_store: {{uri: "{table}"}}, port:'))

    plan = project.plan()
    project.apply("--yes")

    assert "everything in the online store of dev will be deleted" in json.dumps(plan)
    project.workspace.online.unlink()
    assert answers(project) == before
    assert project.empty_plan()
    store = DynamoStore(table, "seattle-weather/dev", writable=True)
    assert {one.group for one in store.generations()} == {"yesterday", "lately"}
    store.close()
