"""The autoscalers that are generated are read back as what they are, with nothing that nobody reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlsystem.capacity.controllers.hpa_types import HpaConfig, Utilisation
from mlsystem.capacity.controllers.kpa_types import KpaConfig
from mlsystem.capacity.explain.autoscaler_file import Autoscaler, read_autoscaler

ROOT = Path(__file__).parents[4]
MANIFESTS = ROOT / "examples" / "flights" / "expected" / "staging" / "manifests" / "server"


def read(path: Path) -> Autoscaler:
    return read_autoscaler(path.read_bytes(), path.name)


@pytest.mark.parametrize("path", sorted(MANIFESTS.glob("horizontalpodautoscaler-*.yaml")), ids=lambda path: path.stem)
def test_a_generated_autoscaler_is_read_back(path: Path) -> None:
    found = read(path)

    assert found.notes == ()
    assert found.columns == ("cpu",)
    assert isinstance(found.config, HpaConfig)
    assert isinstance(found.config.metrics[0].target, Utilisation)
    assert found.config.behaviour is not None


def test_a_generated_knative_service_is_read_back() -> None:
    golden = ROOT / "tests" / "compiler" / "emit" / "kubernetes" / "knative.yaml"
    objects = golden.read_text().split("\n---\n")
    service = next(one for one in objects if "autoscaling.knative.dev/" in one)

    found = read_autoscaler(service.encode(), golden.name)

    assert found.notes == ()
    assert isinstance(found.config, KpaConfig)
    assert found.config.min_scale == 2
