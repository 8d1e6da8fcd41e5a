"""The flights example in its cluster: one line of the file changes, and the plan says that and what follows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running_systems import NoImages, memory_api

from mlsystem.apply.cluster import ClusterEngine
from mlsystem.apply.cluster_environment import ClusterEnvironment
from mlsystem.apply.events import nobody
from mlsystem.apply.stack import MemoryStack
from mlsystem.compile import compile_system
from mlsystem.diagnostics.report import Report
from mlsystem.plan.render.text import render_text
from mlsystem.state.store import FOLDER, FileStore

FLIGHTS = Path(__file__).resolve().parents[3] / "examples" / "flights" / "mlsystem.yaml"
TOLD = ("Files:", "Not observed", "Run ", "Endpoint ", "  not certified")
Planned = Callable[[str, str], list[str]]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """The lines of the plan once a text of the file is another one; without the files and what is only told."""
    folder, stack = tmp_path_factory.mktemp("flights"), MemoryStack()

    def environment(text: str) -> ClusterEnvironment:
        spec, report = folder / "mlsystem.yaml", Report()
        spec.write_text(text)
        compiled = compile_system(spec, "staging", {}, report)
        assert compiled is not None, report.diagnostics
        inside = compiled.cluster
        assert inside is not None
        stack.wanted = {(one.kind, one.name): str(one.body) for one in inside.objects}
        store = FileStore(folder / FOLDER / "staging")
        engine = ClusterEngine(
            inside, store.folder, folder / "generated", memory_api(inside), lambda name, program: stack,
            lambda _: NoImages(),
        )
        return ClusterEnvironment("staging", folder, store, engine, compiled)

    written = FLIGHTS.read_text()
    first = environment(written)
    first.apply(first.plan(), nobody)

    def lines(old: str, new: str) -> list[str]:
        assert written.count(old) == 1, old
        said = render_text(environment(written.replace(old, new)).plan()).splitlines()
        told = [line for line in without_costs(said) if line and not line.startswith(TOLD)]
        return [re.sub(r"-[0-9a-f]{8}: ", "-HASH: ", line) for line in told]

    return lines


def without_costs(said: list[str]) -> Iterator[str]:
    """They are told whatever changes, a line below another."""
    costs = False
    for line in said:
        costs = line.startswith(("Cost: ", "Training of ")) or (costs and line.startswith("  "))
        if not costs:
            yield line


def test_a_hyperparameter_retrains_and_nothing_else(planned: Planned) -> None:
    assert planned("learning_rate: 1e-3", "learning_rate: 2e-3") == [
        "staging of flight-delay: retrains main, then releases it; nothing is deleted.",
        "  ~ model.main       retrain",
        "      fit.parameters.learning_rate: 0.001 → 0.002",
        "  > evaluation.main  re-evaluate",
        "      because model.main is retrained",
        "  > endpoint.main    release",
        "      because evaluation.main is evaluated again",
        "Steps that will probably run: train.main, evaluate.main, register.main.",
        "In the cluster: 3 objects of 43 will change.",
        "  + ConfigMap flight-delay-config-pipeline-main-HASH: create",
        "  ~ WorkflowTemplate flight-delay-pipeline: update",
        "  - ConfigMap flight-delay-config-pipeline-main-HASH: delete",
        "Unchanged: 14 nodes.",
    ]


def test_a_feature_is_computed_again_and_trained_with(planned: Planned) -> None:
    said = planned("      log_distance: ln(distance)\n", "      log_distance: ln(distance + 1)\n")

    assert said[:3] == [
        "staging of flight-delay: recomputes feature group trip, then retrains main, then releases it; "
        "nothing is deleted.",
        "  ~ feature_group.trip  recompute features",
        "      features.compute.log_distance: float = ln(distance) → float = ln(distance + 1)",
    ]
    assert "Steps that will probably run: features.main, train.main, evaluate.main, register.main." in said
    assert "In the cluster: 3 objects of 43 will change." in said


def test_a_bound_of_replicas_restarts_nothing(planned: Planned) -> None:
    assert planned("max_replicas: 10, max_cost: $400/month}  #", "max_replicas: 12, max_cost: $400/month}  #") == [
        "staging of flight-delay: reconfigures what runs; up to +$72 a month; nothing is deleted.",
        "  ~ endpoint.main  reconfigure",
        "      operate.scaling.max_replicas: 10 → 12",
        "In the cluster: 2 objects of 42 will change.",
        "  ~ HorizontalPodAutoscaler flight-delay-main-server: update",
        "  ~ ConfigMap flight-delay-dashboard-endpoint-main: update",
        "Unchanged: 16 nodes.",
    ]


def test_a_server_of_knative_replaces_one_of_a_deployment_and_nothing_else(planned: Planned) -> None:
    written = FLIGHTS.read_text()
    old = written[written.index("ingress: nginx") : written.index("max_replicas: 10")]
    new = old.replace("ingress", "knative: true, ingress").replace("scaling: {", "scaling: {controller: knative, ")
    said = planned(old, new)

    assert said[0] == (
        "staging of flight-delay: replaces the server of main, then reconfigures what runs; nothing is deleted."
    )
    assert ["!", "endpoint.main", "replace"] in [line.split() for line in said]
    assert "      operate.server: (none) → Knative" in said
    assert "  + Service flight-delay-main-knative: create" in said
    assert "  - Deployment flight-delay-main-server: delete" in said
    assert (
        "The server of main is replaced: in the cluster it answers at another address, and until its new pods are ready"
        " nowhere." in said
    )
    assert not any(line.startswith("Steps") for line in said)


def test_a_base_image_is_built_on_and_what_runs_in_it_restarts(planned: Planned) -> None:
    other = "    images: {base: docker.io/library/python:3.11-slim-trixie}\n    registry: registry"
    was, now = (f"docker.io/library/python:3.11-slim-{name}" for name in ("bookworm", "trixie"))

    assert planned("    registry: registry", other) == [
        "staging of flight-delay: builds images server and trainer, then restarts the server and the monitor; "
        "nothing is deleted.",
        "  ~ image.server   build",
        f"      operate.images.base: {was} → {now}",
        "  ~ image.trainer  build",
        f"      operate.images.base: {was} → {now}",
        "  > endpoint.main  restart",
        "      because image.server runs differently",
        "  > monitor.main   restart",
        "      because image.trainer runs differently",
        "In the cluster: 4 objects of 42 will change.",
        "  ~ Deployment flight-delay-tracking: update",
        "  ~ Deployment flight-delay-main-server: update",
        "  ~ Deployment flight-delay-monitor: update",
        "  ~ WorkflowTemplate flight-delay-pipeline: update",
        "Unchanged: 13 nodes.",
    ]
