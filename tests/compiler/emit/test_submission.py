"""What the monitor of a cluster is told about retrainings that nobody has to approve, and what it may do for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters import EXAMPLES, cluster_named, cluster_of

from mlsystem.compile import resolve_system
from mlsystem.diagnostics.report import Report
from mlsystem.emit.argo import pipeline_objects
from mlsystem.emit.contract import run_config
from mlsystem.emit.kubernetes.objects import Body, Cluster
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem.emit.sections import MONITOR
from mlsystem.system.snapshots import snapshot
from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.ledger import ProposalOpened
from mlsystem_runtime.contract.run import Submission
from mlsystem_runtime.monitor.submitting import run_name, workflow

FLIGHTS = EXAMPLES / "flights" / "mlsystem.yaml"
BY_ITSELF = "retraining by itself"
WORKFLOWS = {"apiGroups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["get", "create"]}


def told(cluster: Cluster) -> list[Submission | None]:
    return [one.submission for one in cluster.sections[MONITOR].monitor.models]


def rules_of(cluster: Cluster, account: str) -> list[Body]:
    """Those that speak of Workflows."""
    objects = {(one.kind, one.name): one.body for one in kubernetes_objects(cluster)}
    rules: list[Body] = objects["Role", cluster.name(account)]["rules"]
    return [rule for rule in rules if "workflows" in rule["resources"]]


def of_proposal(evidence: str = "e" * 32) -> ProposalOpened:
    return ProposalOpened(f"retrain-main-{evidence[:8]}", "retrain", "main", "drift", evidence)


def test_where_nobody_has_to_approve_the_monitor_may_submit_runs() -> None:
    assert rules_of(cluster_named(BY_ITSELF), "monitor") == [WORKFLOWS]


def test_where_somebody_has_to_approve_it_may_not_and_is_told_nothing() -> None:
    cluster = cluster_named("flights")

    assert rules_of(cluster, "monitor") == []
    assert b"submission" not in canonical_json(cluster.sections[MONITOR])


def test_where_drift_is_no_reason_to_retrain_it_may_not_either() -> None:
    written = "  retrain: {on: [drift], cooldown: 3d}\n  approve: [retrain]\n"
    cluster = cluster_of(FLIGHTS.read_text().replace(written, "  approve: []\n"))

    assert told(cluster) == [None]
    assert rules_of(cluster, "monitor") == []


@pytest.mark.parametrize("account", ["server", "pipeline"])
def test_nobody_else_may(account: str) -> None:
    assert rules_of(cluster_named(BY_ITSELF), account) == []


def test_of_several_models_each_says_for_itself_whether_it_waits_for_approval() -> None:
    watched = {"drift": {}, "retrain": {"on": ["drift"]}}
    rain, warmth = ({"monitoring": {**watched, "approve": approve}} for approve in ([], ["retrain"]))
    cluster = cluster_of(
        EXAMPLES / "seattle-two" / "mlsystem.yaml", override={"models": {"rain": rain, "warmth": warmth}}
    )

    assert [one and one.entrypoint for one in told(cluster)] == ["model-rain", None]
    assert rules_of(cluster, "monitor") == [WORKFLOWS]


def test_a_submitted_run_is_one_that_a_schedule_without_approval_would_begin() -> None:
    cluster = cluster_of(
        FLIGHTS, override={"monitoring": {"approve": []}, "training": {"schedule": "0 3 * * 1"}}
    )
    [submission] = told(cluster)
    assert submission is not None
    schedules = {one.name: one.body for one in pipeline_objects(cluster) if one.kind == "CronWorkflow"}
    scheduled = schedules["flight-delay-train-main"]["spec"]
    submitted = workflow(submission, of_proposal())

    def without_reason(spec: Body) -> Body:
        parameters = [one for one in spec["arguments"]["parameters"] if one["name"] != "reason"]
        return {**spec, "arguments": {"parameters": parameters}}

    assert without_reason(submitted["spec"]) == without_reason(scheduled["workflowSpec"])
    assert submitted["metadata"]["labels"] == scheduled["workflowMetadata"]["labels"]
    assert submission.namespace == cluster.target.namespace


def test_a_submitted_run_begins_where_the_template_has_an_entrypoint() -> None:
    cluster = cluster_named(BY_ITSELF)
    [submission] = told(cluster)
    assert submission is not None
    [template] = [one.body for one in pipeline_objects(cluster) if one.kind == "WorkflowTemplate"]

    assert submission.template == template["metadata"]["name"]
    assert submission.entrypoint in {one["name"] for one in template["spec"]["templates"]}


def test_names_of_runs_fit_a_label_and_differ_by_proposal() -> None:
    long = "flight-delay-of-new-york-" * 2 + "city"
    cluster = cluster_of(
        FLIGHTS.read_text().replace("name: flight-delay", f"name: {long}", 1), override={"monitoring": {"approve": []}}
    )
    [submission] = told(cluster)
    assert submission is not None
    names = {run_name(submission, of_proposal(digit * 32)) for digit in "0123456789abcdef"}

    assert len(names) == 16
    assert all(len(name) <= 63 for name in names)


def test_on_one_machine_the_monitor_is_told_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mlsystem.yaml"
    path.write_text(FLIGHTS.read_text().replace("approve: [retrain]", "approve: []"))
    report = Report()
    system = resolve_system(path, "dev", {}, report)
    assert system is not None, report.diagnostics

    assert [one.submission for one in run_config(system, snapshot(system)).monitor.models] == [None]
