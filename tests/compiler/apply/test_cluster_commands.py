"""Running again, deciding and rolling back in a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from fake_api_server import fake_api_server
from pipeline import CONTRACT, card
from running_systems import NAMESPACE, api_of, running_in, workflows

from mlsystem.apply.apply import Outcome
from mlsystem.apply.cluster_api import Reference
from mlsystem.apply.cluster_commands import approve_there, judged, reject_there, roll_back_there, run_there
from mlsystem.apply.environment import environment_of
from mlsystem.apply.events import nobody
from mlsystem.apply.running import Running, running_of
from mlsystem.apply.workflow import workflow_name
from mlsystem.emit.argo import API, chosen_steps
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.ledger import ProposalDecided, ProposalOpened, Released, VersionRegistered, open_ledger
from mlsystem_runtime.contract.model import GateResult
from mlsystem_runtime.contract.releases import release_version
from mlsystem_runtime.contract.workspace import StepRecord, write_struct

TWO = Path(__file__).resolve().parents[3] / "examples" / "seattle-two" / "mlsystem.yaml"
BUCKET: dict[str, Any] = {"workspace": "s3://models/weather"}
TEMPLATE = Reference(API, "WorkflowTemplate", f"{NAMESPACE}-pipeline", NAMESPACE)


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return running_in(tmp_path, **BUCKET)


def version(running: Running, number: int, *gates: GateResult) -> None:
    status: Literal["accepted", "rejected"] = "rejected" if gates else "accepted"
    open_ledger(running.workspace).append(VersionRegistered("main", number, status, "r", "d", (), gates))
    folder = running.workspace.version("main", number)
    folder.mkdir(parents=True)
    write_struct(folder / "model.json", card(CONTRACT))


def released(running: Running, *numbers: int) -> None:
    for number in numbers:
        version(running, number)
        release_version(running.workspace, "main", number, "accepted", "pipeline", running.releases)


def events(running: Running) -> list[Any]:
    return [entry.body for entry in open_ledger(running.workspace).entries()]


def proposed(running: Running, kind: Any = "retrain", version: int | None = None) -> None:
    open_ledger(running.workspace).append(ProposalOpened("p1", kind, "main", "drift", "e", version))


def submitted(running: Running, *steps: str) -> Any:
    """The specification of the run that was submitted last."""
    run_there(running.environment, steps, nobody)
    return workflows(running)[-1]["spec"]


def tasks(templates: Sequence[Any], name: str) -> set[str]:
    return {task["name"] for one in templates if one["name"] == name for task in one["dag"]["tasks"]}


def test_a_run_of_everything_is_one_of_the_template(running: Running) -> None:
    spec = submitted(running)

    assert spec["workflowTemplateRef"] == {"name": f"{NAMESPACE}-pipeline"}
    assert spec["entrypoint"] == "all"
    assert spec["arguments"]["parameters"] == [{"name": "reason", "value": "mlsystem run"}]
    assert len(workflows(running)) == 2


def test_the_steps_of_one_model_are_its_entrypoint(tmp_path: Path) -> None:
    running = running_in(tmp_path, example=TWO)
    model = running.cluster.system.models[0].name

    assert submitted(running, f"register.{model}")["entrypoint"] == f"model-{model}"


def test_some_steps_run_with_what_they_need_and_nothing_after_them(running: Running) -> None:
    spec = submitted(running, "train.main")

    assert spec["entrypoint"] == "chosen"
    assert tasks(spec["templates"], "chosen") == {"begin", "ingest-weather", "features-main", "train-main"}
    assert {one["name"] for one in spec["arguments"]["parameters"]} == {"reason", "proposes", "model"}
    assert spec["onExit"] == "end"
    assert spec["serviceAccountName"] == f"{NAMESPACE}-pipeline"


def test_chosen_steps_differ_from_the_template_in_nothing_else(running: Running) -> None:
    template = api_of(running).objects[TEMPLATE]["spec"]
    chosen = chosen_steps(running.cluster, ["ingest.weather"])

    assert {**chosen, "entrypoint": "all", "templates": chosen["templates"][1:]} == template


def test_a_step_that_is_not_there_is_answered_with_those_that_are(running: Running) -> None:
    with pytest.raises(MlsystemError, match=r"no step 'train\.mein'"):
        run_there(running.environment, ["train.mein"], nobody)


def test_a_file_that_was_changed_since_is_not_run(running: Running, tmp_path: Path) -> None:
    changed = running_in(tmp_path, applied=False, **BUCKET, context="another").environment

    with pytest.raises(MlsystemError, match="not what was last applied"):
        run_there(changed, (), nobody)


def test_what_was_applied_elsewhere_is_known_by_the_pipeline_in_the_cluster(tmp_path: Path) -> None:
    running = running_in(tmp_path, applied=False)

    assert submitted(running)["entrypoint"] == "all"
    api_of(running).objects[TEMPLATE] = {**api_of(running).objects[TEMPLATE], "spec": {}}
    with pytest.raises(MlsystemError, match="not what was last applied"):
        submitted(running)
    del api_of(running).objects[TEMPLATE]
    with pytest.raises(MlsystemError, match="has no WorkflowTemplate"):
        submitted(running)


def test_rolling_back_changes_the_release_and_is_written_down(running: Running) -> None:
    released(running, 1, 2)

    said = roll_back_there(running, None, None)

    assert said.startswith("version 1 of main answers (release 3)")
    assert running.releases.read().release.models["main"].champion == 1
    assert [one.reason for one in events(running) if isinstance(one, Released)][-1] == "rollback"


def test_the_release_is_the_configmap_that_the_kubeconfig_leads_to(running: Running, tmp_path: Path) -> None:
    released(running, 1, 2)
    with fake_api_server() as server:
        config = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server.url}}],
            "users": [{"name": "u", "user": {"token": "secret"}}],
        }
        server.token = "secret"
        (tmp_path / "config").write_text(yaml.safe_dump(config))
        there = running_of(running.environment, {"KUBECONFIG": str(tmp_path / "config")})
        roll_back_there(replace(there, open_workspace=running.open_workspace), None, None)

        made = server.held[f"{NAMESPACE}/{NAMESPACE}-release"]

    assert '"version": 1' in made["data"]["release.json"]
    assert made["metadata"]["labels"]["mlsystem.dev/system"] == NAMESPACE


def test_a_version_that_a_gate_rejected_answers_only_if_one_says_so(running: Running) -> None:
    released(running, 1)
    version(running, 2, GateResult("roc_auc", "failed", False, 0.5, 0.7, "0.5 is less than 0.7"))

    with pytest.raises(MlsystemError, match=r"rejected: gate roc_auc: 0\.5"):
        roll_back_there(running, "main", 2)
    assert roll_back_there(running, "main", 2, rejected=True).startswith("version 2 of main answers")


def test_an_approved_retraining_is_a_run_of_that_model_whose_version_may_wait(running: Running) -> None:
    proposed(running)

    approve_there(running, None, nobody)

    spec = workflows(running)[-1]["spec"]
    values = {one["name"]: one["value"] for one in spec["arguments"]["parameters"]}
    assert spec["entrypoint"] == "model-main"
    assert values == {"reason": "proposal p1: drift", "proposes": "1"}
    assert [one.decision for one in events(running) if isinstance(one, ProposalDecided)] == ["approved"]


def test_a_proposal_stays_open_where_its_run_cannot_start(running: Running) -> None:
    proposed(running)
    del api_of(running).objects[TEMPLATE]

    with pytest.raises(MlsystemError, match="has no WorkflowTemplate"):
        approve_there(running, "p1", nobody)
    assert not [one for one in events(running) if isinstance(one, ProposalDecided)]


def test_an_approved_promotion_answers(running: Running) -> None:
    version(running, 4)
    proposed(running, "promote", 4)

    approve_there(running, None, nobody)

    assert running.releases.read().release.models["main"].champion == 4
    assert len(workflows(running)) == 1


def test_a_rejected_proposal_is_closed(running: Running) -> None:
    proposed(running)

    assert reject_there(running, "p1").proposal == "p1"
    assert events(running)[-1].decision == "rejected"


def test_with_a_claim_deciding_is_refused_with_what_to_do_instead(tmp_path: Path) -> None:
    running = running_in(tmp_path)

    with pytest.raises(MlsystemError, match="claim seattle-weather-workspace") as refused:
        roll_back_there(running, None, None)
    assert f"kubectl -n {NAMESPACE} edit configmap {NAMESPACE}-release" in str(refused.value.hint)
    with pytest.raises(MlsystemError, match="claim") as refused:
        approve_there(running, None, nobody)
    assert "mlsystem run -e staging --model NAME" in str(refused.value.hint)


def test_what_is_for_one_machine_is_refused(running: Running) -> None:
    environment = running.environment

    with pytest.raises(MlsystemError, match="staging runs in a cluster, and this is for one machine"):
        environment_of(environment.compiled, environment.folder / "mlsystem.yaml", {})


def test_a_gate_that_said_no_in_a_run_is_told(running: Running) -> None:
    workspace = running.workspace
    run = workflow_name(running.cluster, "20260102T030405-abcdef")
    for step, status in (("train.main", "done"), ("register.main", "blocked")):
        record = StepRecord(step, "k", status, f"steps/{step}/k", {}, {}, f"{step} said", 1.0)
        write_struct(made(workspace.path("runs", run)) / f"{step}.json", record)

    assert judged(running, Outcome("20260102T030405-abcdef")).blocked == (("register.main", "register.main said"),)


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
