"""Every object is what the API of the oldest and of the newest supported cluster knows: no field is misspelt."""

from __future__ import annotations

import copy

import pytest
from pods import only
from schemas import mistakes

from mlsystem.emit.kubernetes.objects import KubernetesObject
from mlsystem.spec.platform import KUBERNETES

OF_OTHERS = {"Rollout", "AnalysisTemplate", "ScaledObject", "ExternalSecret", "serving.knative.dev/v1"}
"""Whose definitions a cluster brings along; a real API server judges them in the tests of the engines."""


@pytest.mark.parametrize("version", [KUBERNETES[0], KUBERNETES[-1]])
def test_every_object_is_valid_strictly(objects: tuple[KubernetesObject, ...], version: str) -> None:
    known = [one for one in objects if not {one.kind, one.body["apiVersion"]} & OF_OTHERS]
    wrong = {one.path: found for one in known if (found := mistakes(one.body, version))}

    assert wrong == {}


def test_the_pods_of_a_rollout_are_those_of_a_deployment(objects: tuple[KubernetesObject, ...]) -> None:
    for one in objects:
        if one.kind == "Rollout":
            spec = {key: value for key, value in one.body["spec"].items() if key != "strategy"}
            assert mistakes({**one.body, "apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}, "1.30") == []


def test_a_misspelt_field_is_a_mistake(flights: tuple[KubernetesObject, ...]) -> None:
    wrong = copy.deepcopy(only(flights, "Deployment", "main-server"))
    container = wrong["spec"]["template"]["spec"]["containers"][0]
    container["livenesProbe"] = container.pop("livenessProbe")

    assert len(mistakes(wrong, "1.33")) == 1
    assert "livenesProbe" in mistakes(wrong, "1.33")[0]
