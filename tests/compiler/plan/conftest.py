"""Builders of snapshots shaped as the compiler makes them: a source, a group, a model and all that hangs on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlsystem.plan.plan import Desired, Inventory, Plan, make_plan
from mlsystem.state.manifest import FORMAT, Manifest, Observation, Outputs, StepProof
from mlsystem.system.snapshot import Edge, Facet, Kind, NodeSnapshot, SystemSnapshot
from mlsystem_runtime.contract.identity import CONTENT

ENVIRONMENT = "infrastructure.environment"
STEPS = ("ingest.flights", "materialize.history", "features.main", "train.main", "evaluate.main", "register.main")


def node(
    kind: Kind, name: str, facets: dict[Facet, dict[str, Any]], *edges: Edge, was: str | None = None
) -> NodeSnapshot:
    return NodeSnapshot(id=f"{kind}.{name}", kind=kind, semantics=1, facets=facets, edges=edges, renamed_from=was)


def flights(changes: dict[str, Any] | None = None, model: str = "main", was: str | None = None) -> SystemSnapshot:
    """A small system; `changes` maps `node.facet.path` to a value."""
    operate, features = Facet.OPERATE, Facet.FEATURES
    history = "feature_group.history"
    nodes = [
        node(
            Kind.INFRASTRUCTURE, "environment", {operate: {"port": 8080, "workspace": None, "online_store": "sqlite"}}
        ),
        node(
            Kind.SOURCE,
            "flights",
            {
                Facet.DATA: {"uri": "flights.csv", "columns.delay": "float", "columns.unused": "int"},
                Facet.EVALUATE: {"checks.range(delay)": "min 0"},
                operate: {"checks.range(delay).severity": "warn"},
            },
            Edge(into=Facet.EVALUATE, node="source.flights", facet=Facet.DATA),
        ),
        node(
            Kind.GROUP,
            "history",
            {
                features: {"kind": "aggregate", "aggregate.mean": "mean(delay) over 1d"},
                operate: {"online.every": "15m"},
            },
            Edge(into=features, node="source.flights", facet=Facet.DATA, paths=(CONTENT, "uri", "columns.delay")),
        ),
        node(
            Kind.DATASET,
            model,
            {features: {"label.is": "late"}},
            Edge(into=features, node="source.flights", facet=Facet.DATA, paths=(CONTENT, "uri", "columns.delay")),
            Edge(into=features, node=history, facet=features, paths=("kind", "aggregate.mean")),
            was=was and f"dataset.{was}",
        ),
        node(
            Kind.MODEL,
            model,
            {Facet.FIT: {"parameters.learning_rate": 0.001, "parameters.hidden": [256, 256]}, operate: {"threads": 2}},
            Edge(into=Facet.FIT, node=f"dataset.{model}", facet=features),
            was=was and f"model.{was}",
        ),
        node(
            Kind.EVALUATION,
            model,
            {Facet.EVALUATE: {"gates": ["roc_auc, at_least 0.7"]}},
            Edge(into=Facet.EVALUATE, node=f"model.{model}", facet=Facet.FIT),
            was=was and f"evaluation.{was}",
        ),
        node(
            Kind.ENDPOINT,
            model,
            {operate: {"log.sample": "10%"}},
            Edge(into=Facet.EVALUATE, node=f"evaluation.{model}", facet=Facet.EVALUATE),
            Edge(into=operate, node=ENVIRONMENT, facet=operate),
            was=was and f"endpoint.{was}",
        ),
        node(
            Kind.MONITOR,
            model,
            {operate: {"drift": True}},
            Edge(into=operate, node=history, facet=operate, paths=("online.every",)),
            was=was and f"monitor.{was}",
        ),
    ]
    for path, value in (changes or {}).items():
        _set(nodes, path, value)
    return SystemSnapshot(name="flights", environment="dev", nodes=tuple(nodes))


def _set(nodes: list[NodeSnapshot], path: str, value: Any) -> None:
    kind, name, facet, rest = path.split(".", 3)
    next(one for one in nodes if one.id == f"{kind}.{name}").facets[Facet(facet)][rest] = value


def desired(snapshot: SystemSnapshot, closure: str = "a", steps: tuple[str, ...] = STEPS) -> Desired:
    return Desired(
        snapshot=snapshot, files={"contract/run.json": closure}, closure=closure, steps=dict.fromkeys(steps, "f")
    )


def seen(digest: str | None = "1" * 64) -> tuple[Observation, ...]:
    return (Observation(source="flights", uri="flights.csv", digest=digest),)


def manifest(
    snapshot: SystemSnapshot, observations: tuple[Observation, ...] | None = None, closure: str = "a"
) -> Manifest:
    """What stands in the state after `snapshot` was applied."""
    return Manifest(
        format=FORMAT,
        serial=1,
        lineage="lineage",
        tool="0.1.0",
        closure=closure,
        snapshot=snapshot,
        files={"contract/run.json": closure},
        observations=seen() if observations is None else observations,
        run_id="run",
        proofs={name: StepProof(fingerprint="f", observed=None, reads={}) for name in STEPS},
        blocked=(),
        outputs=Outputs(workspace="/workspace", port=8080),
    )


@pytest.fixture(scope="session")
def system() -> Callable[..., SystemSnapshot]:
    return flights


@pytest.fixture(scope="session")
def applied() -> Callable[..., Manifest]:
    return manifest


@pytest.fixture(scope="session")
def plan_for() -> Callable[..., Plan]:
    """The plan from one snapshot (None: nothing applied) to another."""

    def build(
        old: SystemSnapshot | None,
        new: SystemSnapshot,
        *,
        now: tuple[Observation, ...] | None = None,
        inventory: Inventory | None = None,
    ) -> Plan:
        before = None if old is None else manifest(old)
        same = old is not None and old == new
        wanted = desired(new, closure="a" if same else "b")
        return make_plan(before, wanted, seen() if now is None else now, inventory or Inventory(), "0.1.0")

    return build


@pytest.fixture(scope="session")
def observed() -> Callable[..., tuple[Observation, ...]]:
    return seen


@pytest.fixture(scope="session")
def want() -> Callable[..., Desired]:
    return desired
