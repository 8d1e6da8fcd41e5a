"""Every example, whole: from a file to an endpoint that answers, and back to nothing."""

from __future__ import annotations

import json

import pytest
from environments import listens, processes, steps_run

ROUTES = {
    "flights": ("/predict", "/main/predict"),
    "seattle": ("/predict", "/main/predict"),
    "seattle-two": ("/rain/predict", "/warmth/predict"),
}
PAGES = ("/healthz", "/readyz", "/metrics", "/status", "/openapi.json", "/docs")
EVERY = pytest.mark.parametrize(
    "example", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ROUTES], indirect=True
)

pytestmark = pytest.mark.slow


@EVERY
def test_the_first_apply_ran_every_step_and_left_an_empty_plan_and_an_endpoint_that_is_ready(example):
    first = json.loads((example.folder / "first.json").read_text())
    steps = json.loads((example.folder / ".mlsystem/dev/generated/contract/run.json").read_text())["steps"]

    assert steps_run(first["said"]) == [step["name"] for step in steps]
    assert first["empty"]
    assert first["ready"]


@EVERY
def test_every_route_answers(example):
    requests = json.loads((example.folder / "data/requests.json").read_text())
    rows = [{name: value for name, value in row.items() if name != "at"} for row in requests[:5]]
    several = {"rows": rows, "at": requests[-1]["at"]}
    models = {model["model"]: model["routes"] for model in example.status()["models"]}

    assert {route for routes in models.values() for route in routes} == set(ROUTES[example.folder.name])
    for model, routes in models.items():
        for route in routes:
            status, said = example.ask(requests[0], route)
            assert (status, said["model"], said["version"]) == (200, model, 1), said
            status, said = example.ask(several, route)
            assert status == 200, said
            assert len(said["predictions"]) == len(rows)
    assert {page: example.get(page)[0] for page in PAGES} == dict.fromkeys(PAGES, 200)
    assert example.ask({}, ROUTES[example.folder.name][0])[0] == 422


@EVERY
def test_a_second_apply_runs_no_step_and_leaves_the_server_alone(example):
    """How long it takes is measured by `make bench`."""
    server = example.pid("server")

    said = example.apply()

    assert steps_run(said) == []
    assert said.startswith("Nothing to do")
    assert example.pid("server") == server
    assert example.empty_plan()


@EVERY
def test_status_shows_the_version_and_both_processes(example):
    status = example.status()

    assert set(status["processes"].values()) == {"RUNNING"} or "STARTING" in status["processes"].values()
    for model in status["models"]:
        assert model["shares"] == [{"share": 1.0, "version": 1}]
        assert [(one["version"], one["status"]) for one in model["versions"]] == [(1, "accepted")]
    assert "version 1 answers 100%" in example.ok("status")


@EVERY
def test_destroy_leaves_no_process_no_port_and_no_data(example):
    assert listens(example.port)
    data = (example.folder / "data/requests.json").read_bytes()
    example.ok("destroy", "--yes")

    assert processes(example.folder) == {}
    assert not listens(example.port)
    assert not (example.folder / ".mlsystem/dev/workspace").exists()
    assert (example.folder / "data/requests.json").read_bytes() == data
    assert "nothing has been applied" in example.run("status").stderr
