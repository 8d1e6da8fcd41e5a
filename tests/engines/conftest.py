"""Engines as fixtures. A test that needs an absent one is skipped with its name; all carry the marker `engines`.

Those of the session are shared: a test makes a namespace of its own in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from engines.controllers import argo_controller, keda_operator, rollouts_controller
from engines.kept_images import forget_outdated
from engines.kubectl import Cluster
from engines.node import RealNode, impossible_here, real_node
from engines.processes import Processes
from engines.recipes import is_built
from engines.simulated import simulated_cluster
from engines.stacks import PulumiPlace, new_pulumi_place

HERE = Path(__file__).parent


def pytest_sessionstart(session: pytest.Session) -> None:
    """Once, before any worker may use them."""
    if not hasattr(session.config, "workerinput"):
        forget_outdated()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before tests are chosen by marker."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.engines)


def need(*names: str) -> None:
    for name in names:
        if not is_built(name):
            pytest.skip(f"engine '{name}' is not built: make engines")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A real API server, controllers and a scheduler, with a simulated node."""
    need("kube", "kwok")
    with simulated_cluster() as one:
        yield one


@pytest.fixture(scope="session")
def node() -> Iterator[RealNode]:
    """A real node with real containers; `node.cluster` is its API server."""
    need("kube", "node", "dns")
    if reason := impossible_here():
        pytest.skip(reason)
    with real_node() as one:
        yield one


@pytest.fixture(scope="session")
def argo(cluster: Cluster) -> Iterator[Processes]:
    """Argo Workflows on `cluster`: pods of workflows end well at once."""
    need("argo")
    with argo_controller(cluster) as processes:
        yield processes


@pytest.fixture(scope="session")
def rollouts(cluster: Cluster) -> Iterator[Processes]:
    """Argo Rollouts on `cluster`."""
    need("rollouts")
    with rollouts_controller(cluster) as processes:
        yield processes


@pytest.fixture(scope="session")
def keda(cluster: Cluster) -> Iterator[Processes]:
    """KEDA on `cluster`: its operator and its metrics adapter."""
    need("keda")
    with keda_operator(cluster) as processes:
        yield processes


@pytest.fixture
def pulumi_place(tmp_path: Path) -> PulumiPlace:
    """Pulumi's CLI with a backend of the test's own."""
    need("pulumi")
    return new_pulumi_place(tmp_path / "pulumi")
