"""A retraining that the monitor of a cluster begins: a Workflow for each proposal, never two."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from channels import Heard
from fake_api_server import FakeApiServer, fake_api_server

from mlsystem_runtime.contract.api_server import ApiServer
from mlsystem_runtime.contract.counts import HOUR_US
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import ProposalDecided, ProposalOpened, RunFinished, RunStarted, open_proposals
from mlsystem_runtime.contract.names import KUBERNETES_API
from mlsystem_runtime.contract.run import Submission
from mlsystem_runtime.monitor.jobs import Jobs
from mlsystem_runtime.monitor.proposals import open_retraining
from mlsystem_runtime.monitor.submitting import submit
from mlsystem_runtime.monitor.watching import Watched
from mlsystem_runtime.steps.recording import begin, end

DAY_US = 24 * HOUR_US
START_US = 1_388_188_800_000_000
LABELS = {"mlsystem.dev/system": "flight-delay", "mlsystem.dev/model": "main"}
SUBMISSION = Submission("prod", "flight-delay-pipeline", "model-main", "flight-delay-retrain-main", LABELS)
PROPOSAL = ProposalOpened("retrain-main-eeeeeeee", "retrain", "main", "drift", "e" * 32)
NAME = "flight-delay-retrain-main-eeeeeeee"


@pytest.fixture
def api(monkeypatch) -> Iterator[FakeApiServer]:
    with fake_api_server() as server:
        monkeypatch.setenv(KUBERNETES_API, server.url)
        yield server


@pytest.fixture
def drifting(scene):
    """A model of a cluster that has drifted, and that nobody has to approve the retraining of."""
    scene.approve, scene.submission = ("promote",), SUBMISSION
    scene.serve(800, 3, shift=0.8)
    return scene


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def watch(drifting, heard):
    def watched():
        jobs = Jobs(drifting.workspace, lambda *_: ())
        return Watched(drifting.config, drifting.model, drifting.workspace, jobs, (heard,))

    return watched


def events(scene, kind):
    return [entry.body for entry in scene.ledger.entries() if isinstance(entry.body, kind)]


def created(api):
    return [path for method, path in api.requests if method == "POST"]


def test_drift_submits_a_run_of_the_model_and_runs_no_step_itself(drifting, watch, api):
    watched = watch()
    for _ in range(3):
        watched.look(START_US + DAY_US, ())

    [proposal], [decision] = events(drifting, ProposalOpened), events(drifting, ProposalDecided)
    [(key, run)] = api.held.items()
    assert (decision.proposal, decision.decision, decision.by) == (proposal.proposal, "approved", "monitor")
    assert key == f"prod/flight-delay-retrain-main-{proposal.evidence[:8]}"
    assert run["metadata"]["labels"] == LABELS
    assert run["spec"]["workflowTemplateRef"] == {"name": "flight-delay-pipeline"}
    assert run["spec"]["entrypoint"] == "model-main"
    assert {one["name"]: one["value"] for one in run["spec"]["arguments"]["parameters"]} == {
        "reason": f"proposal {proposal.proposal}", "proposes": "1",
    }  # fmt: skip
    assert created(api) == ["/apis/argoproj.io/v1alpha1/namespaces/prod/workflows"]
    assert watched._jobs.idle
    assert events(drifting, RunStarted) == []


def test_a_new_monitor_submits_no_second_run_of_a_proposal(drifting, watch, api):
    for _ in range(3):
        watch().look(START_US + DAY_US, ())

    assert len(api.held) == 1
    assert len(events(drifting, ProposalOpened)) == 1


@pytest.mark.parametrize("began", [True, False])
def test_a_run_that_the_ledger_knows_is_not_submitted_again_when_its_workflow_is_gone(drifting, watch, api, began):
    watch().look(START_US + DAY_US, ())
    [(key, run)] = api.held.items()
    run_id, reason = key.removeprefix("prod/"), run["spec"]["arguments"]["parameters"][0]["value"]
    if began:
        begin(drifting.workspace, run_id, reason)
    else:
        end(drifting.config, drifting.workspace, run_id, "model-main", "Failed", "the image cannot be pulled")
    api.held.clear()
    watch().look(START_US + DAY_US, ())

    assert api.held == {}
    assert [one.run_id for one in events(drifting, RunStarted if began else RunFinished)] == [run_id]


def test_a_run_that_cannot_be_submitted_is_an_alert_and_is_submitted_by_the_next_look(drifting, watch, api, heard):
    api.refusing = 503
    watched = watch()
    for _ in range(2):
        state = watched.look(START_US + DAY_US, ())

    assert state.last is not None
    assert heard.said == [("drift", "firing"), ("retraining", "firing")]
    assert "not now" in heard.notifications[-1].message

    api.refusing = None
    watched.look(START_US + DAY_US, ())

    assert len(api.held) == 1
    assert heard.said[2:] == [("retraining", "resolved")]
    assert len(events(drifting, ProposalOpened)) == 1


def test_outside_of_a_cluster_the_monitor_says_so_and_goes_on(drifting, watch, heard, monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.delenv(KUBERNETES_API, raising=False)
    watch().look(START_US + DAY_US, ())

    assert "does not run in a cluster" in heard.notifications[-1].message


def test_a_cluster_whose_api_server_is_gone_stops_no_look(drifting, watch, heard, api):
    api.stop()
    try:
        watch().look(START_US + DAY_US, ())
    finally:
        api.start()

    assert "does not answer" in heard.notifications[-1].message


def test_within_the_cooldown_no_second_run_is_submitted(drifting, watch, api):
    watched = watch()
    for day in range(3):
        drifting.serve(400, 24 * day + 3, shift=0.8)
        watched.look(START_US + (day + 1) * DAY_US, ())

    assert len(api.held) == 1


def test_a_model_that_does_not_retrain_on_drift_leaves_an_earlier_proposal_to_people(drifting, watch, api):
    opened = open_retraining(drifting.ledger, "main", "why", "e" * 32)
    drifting.retrain_on, drifting.submission = (), None
    watch().look(START_US + DAY_US, ())

    assert list(open_proposals(drifting.ledger)) == [opened.proposal]
    assert api.requests == []


def test_what_was_submitted_already_is_found_again(api):
    server = ApiServer(api.url)

    assert [submit(server, SUBMISSION, PROPOSAL) for _ in range(2)] == [NAME, NAME]
    assert len(api.held) == 1


def test_a_conflict_about_something_else_is_no_submission(api):
    """A quota that two overtake answers 409 as well."""
    api.refusing = 409

    with pytest.raises(MlsystemError, match=f"refused to submit prod/{NAME} with 409"):
        submit(ApiServer(api.url), SUBMISSION, PROPOSAL)


@pytest.mark.parametrize(("status", "hint"), [(403, "workflows"), (404, "Argo Workflows"), (401, "token")])
def test_a_refusal_says_what_to_do(api, status, hint):
    api.refusing = status

    with pytest.raises(MlsystemError, match=f"with {status}") as told:
        submit(ApiServer(api.url), SUBMISSION, PROPOSAL)

    assert told.value.hint is not None
    assert hint in told.value.hint
