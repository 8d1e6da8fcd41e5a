"""What each change means, and how far it travels."""

from __future__ import annotations

from typing import Any

import pytest

from mlsystem.plan.change import DataChanged, NodeAffected, NodeChanged, NodeRenamed, heaviest
from mlsystem.plan.consequence import Consequence
from mlsystem.plan.plan import Inventory
from mlsystem.plan.render.words import headline

RELEASED = {"evaluation.main": "re-evaluate", "endpoint.main": "release"}
RETRAINED = {"model.main": "retrain", **RELEASED}
RECOMPUTED = {"feature_group.history": "recompute features", "dataset.main": "recompute features", **RETRAINED}


def costs(plan: Any) -> dict[str, str]:
    return {node: str(cost) for node, cost in heaviest(plan.changes).items()}


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("model.main.fit.parameters.learning_rate", 0.002, RETRAINED),
        ("model.main.operate.threads", 4, {"model.main": "nothing"}),
        ("evaluation.main.evaluate.gates", [], RELEASED),
        ("feature_group.history.features.aggregate.mean", "mean(delay) over 7d", RECOMPUTED),
        (
            "feature_group.history.operate.online.every",
            "1h",
            {"feature_group.history": "reconfigure", "monitor.main": "restart"},
        ),
        ("source.flights.data.columns.delay", "int", {"source.flights": "re-ingest", **RECOMPUTED}),
        ("source.flights.data.columns.unused", "string", {"source.flights": "re-ingest"}),
        ("source.flights.evaluate.checks.range(delay)", "min 1", {"source.flights": "re-evaluate"}),
        ("source.flights.operate.checks.range(delay).severity", "error", {"source.flights": "nothing"}),
        ("endpoint.main.operate.log.sample", "20%", {"endpoint.main": "restart"}),
        ("monitor.main.operate.drift", False, {"monitor.main": "restart"}),
        (
            "infrastructure.environment.operate.port",
            9,
            {"infrastructure.environment": "restart", "endpoint.main": "restart"},
        ),
        (
            "infrastructure.environment.operate.workspace",
            "/b",
            {"infrastructure.environment": "replace", "endpoint.main": "restart"},
        ),
    ],
)
def test_a_change_costs_what_the_table_says_and_no_more(system, plan_for, path, value, expected):
    plan = plan_for(system(), system({path: value}))

    assert costs(plan) == expected


def test_a_system_is_no_different_from_itself(system, plan_for):
    assert plan_for(system(), system()).empty


def test_the_order_of_keys_changes_nothing(system, plan_for):
    old = system()
    reversed_nodes = tuple(
        type(node)(
            id=node.id,
            kind=node.kind,
            semantics=node.semantics,
            facets={facet: dict(reversed(values.items())) for facet, values in reversed(node.facets.items())},
            edges=tuple(reversed(node.edges)),
        )
        for node in old.nodes
    )

    assert not plan_for(old, type(old)(name=old.name, environment=old.environment, nodes=reversed_nodes)).steps


def test_a_value_is_shown_old_and_new(system, plan_for):
    plan = plan_for(system(), system({"model.main.fit.parameters.learning_rate": 0.002}))
    changed = next(change for change in plan.changes if isinstance(change, NodeChanged))

    assert [(one.path, one.old, one.new) for one in changed.fields] == [("parameters.learning_rate", 0.001, 0.002)]


def test_an_affected_node_says_because_of_what(system, plan_for):
    plan = plan_for(system(), system({"model.main.fit.parameters.learning_rate": 0.002}))
    evaluation = next(change for change in plan.changes if isinstance(change, NodeAffected))

    assert (evaluation.node, evaluation.because[0].node, evaluation.because[0].facet) == (
        "evaluation.main",
        "model.main",
        "fit",
    )


def test_other_rows_in_a_file_mean_reingest_and_what_follows(system, plan_for, observed):
    plan = plan_for(system(), system(), now=observed("2" * 64))

    assert costs(plan) == {"source.flights": "re-ingest", **RECOMPUTED}
    assert isinstance(plan.changes[0], DataChanged)
    assert plan.steps[0] == "ingest.flights"
    assert plan.steps[-1] == "register.main"


def test_data_that_was_not_observed_is_no_change(system, plan_for, observed):
    assert plan_for(system(), system(), now=observed(None)).empty


def test_data_that_a_complete_run_has_used_since_is_no_change(system, plan_for, observed):
    plan = plan_for(system(), system(), now=observed("2" * 64), inventory=Inventory(used={"flights": "2" * 64}))

    assert plan.empty


def test_a_rename_carries_over_and_redoes_nothing(system, plan_for):
    plan = plan_for(system(), system(model="late", was="main"))

    assert {type(change) for change in plan.changes if hasattr(change, "node")} == {NodeRenamed}
    assert max(heaviest(plan.changes).values(), key=lambda cost: cost.weight) is Consequence.RECONFIGURE
    assert plan.deletes == ()


def test_a_rename_without_renamed_from_deletes_the_old_model_and_says_so(system, plan_for):
    plan = plan_for(system(), system(model="late"), inventory=Inventory(versions={"main": 3}))

    assert plan.deletes == ("model 'main' of dev and 3 versions of it will be deleted",)


def test_an_old_rename_is_not_seen_twice(system, plan_for):
    assert plan_for(system(model="late", was="main"), system(model="late", was="main")).empty


def test_a_raised_semantics_version_redoes_the_work(system, plan_for):
    new = system()
    raised = tuple(
        type(node)(
            id=node.id, kind=node.kind, semantics=2 if node.kind == "model" else 1, facets=node.facets, edges=node.edges
        )
        for node in new.nodes
    )
    plan = plan_for(system(), type(new)(name=new.name, environment=new.environment, nodes=raised))

    assert costs(plan) == RETRAINED


def test_another_workspace_names_what_is_lost_and_runs_every_step(system, plan_for):
    new = system({"infrastructure.environment.operate.workspace": "/b"})
    plan = plan_for(system(), new, inventory=Inventory(versions={"main": 2, "other": 1}))

    assert plan.deletes[0].startswith("the model registry of dev and 3 versions of 2 models in it will be deleted")
    assert len(plan.steps) == 6


def test_another_online_store_is_filled_again_and_nothing_is_trained(system, plan_for):
    new = system({"infrastructure.environment.operate.online_store": "redis://other:6379"})
    plan = plan_for(system(), new)

    assert plan.deletes == (
        "everything in the online store of dev will be deleted: it moves from sqlite to redis://other:6379",
    )
    assert plan.steps == ("materialize.history",)
    assert headline(plan).startswith("dev of flights: fills another online store, then restarts the server")


def test_only_what_holds_something_is_lost_when_an_environment_moves(system, plan_for):
    new = system({
        "infrastructure.environment.operate.workspace": "/b", "infrastructure.environment.operate.port": 8081,
    })  # fmt: skip

    assert len(plan_for(system(), new).deletes) == 1


def test_where_an_apply_deletes_no_data_the_plan_says_what_stays(system, plan_for):
    moved = {"infrastructure.environment.operate.workspace": "/b"}
    plan = plan_for(system(), system(moved, model="late"), inventory=Inventory(keeps_data=True, versions={"main": 3}))

    assert plan.deletes == ()
    assert [note.partition(":")[0] for note in plan.notes] == [
        "Model main stops answering; its versions and logs stay in the workspace.",
        "The workspace moves from None to /b",
    ]
    assert "nothing is deleted" in headline(plan)


def test_a_process_that_is_down_is_a_change(system, plan_for):
    plan = plan_for(system(), system(), inventory=Inventory(stopped=("server",)))

    assert not plan.empty
    assert plan.steps == ()
