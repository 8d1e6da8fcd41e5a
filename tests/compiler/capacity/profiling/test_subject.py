"""Which model is measured, for which environment, and of whose version."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlsystem.capacity.profile import fingerprint_of
from mlsystem.capacity.profiling.measure import profile_of
from mlsystem.capacity.profiling.requests import requests_of
from mlsystem.capacity.profiling.server import measured_config
from mlsystem.capacity.profiling.subject import Subject, subject_of
from mlsystem.compile import Compiled
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.workspace import Workspace

Compile = Callable[[Any], Compiled]
Change = Callable[[Any, Any, Any], Any]
SERVING = ("models", "main", "serving")


def subject(folder: Path, there: Compiled, here: Compiled, name: str | None = None) -> Subject:
    return subject_of(there.system, name, here.system, here.config, Workspace(str(folder / "workspace")))


def test_a_model_is_measured_as_it_is_served_there_of_the_version_that_is_here(
    spec: Any, compiled: Compile, changed: Change, tmp_path: Path
) -> None:
    here, there = compiled(spec), compiled(changed(spec, (*SERVING, "workers"), "2"))

    found = subject(tmp_path, there, here)

    assert found.model.serving.workers == 2
    assert found.fingerprint == fingerprint_of(there.system.models[0], None)
    assert found.config is here.config


def test_another_structure_here_cannot_speak_for_the_one_there(
    spec: Any, compiled: Compile, changed: Change, tmp_path: Path
) -> None:
    there = compiled(changed(spec, ("models", "main", "training", "parameters", "hidden"), ["8"]))

    with pytest.raises(MlsystemError, match="'main' has other features or layers in dev"):
        subject(tmp_path, there, compiled(spec))


def test_an_unknown_model_and_one_of_several_are_told(spec: Any, compiled: Compile, tmp_path: Path) -> None:
    with pytest.raises(MlsystemError, match="there is no model 'mian'") as unknown:
        subject(tmp_path, compiled(spec), compiled(spec), "mian")
    assert unknown.value.hint == "models are: main"
    two = copy.deepcopy(spec)
    two["models"]["other"] = copy.deepcopy(spec["models"]["main"])
    both = compiled(two)

    with pytest.raises(MlsystemError, match="there are several models: main, other"):
        subject(tmp_path, both, both)
    assert subject(tmp_path, both, both, "other").model.name == "other"


def test_where_nothing_is_released_the_command_that_releases_is_named(
    spec: Any, compiled: Compile, tmp_path: Path
) -> None:
    with pytest.raises(MlsystemError, match="no version of 'main' is released in dev") as refused:
        profile_of(subject(tmp_path, compiled(spec), compiled(spec)), 1.0, lambda _: None)

    assert refused.value.hint == "make one: mlsystem apply -e dev"


def test_where_nothing_was_ingested_there_is_nothing_to_ask(spec: Any, compiled: Compile, tmp_path: Path) -> None:
    with pytest.raises(MlsystemError, match="source 'flights' has no rows here"):
        requests_of(compiled(spec).system.models[0], Workspace(str(tmp_path)), "/predict")


def test_the_measured_server_knows_no_tokens_and_refuses_nothing_for_being_late(
    spec: Any, compiled: Compile, changed: Change
) -> None:
    after = changed(spec, (*SERVING, "auth"), {"tokens": "${secret:TOKENS}"})
    found = compiled(after)

    config = measured_config(found.config, "main", found.system.models[0].serving)

    (endpoint,) = config.server.endpoints
    assert found.config.server.endpoints[0].auth is not None
    assert (endpoint.auth, endpoint.slo.latency_us, endpoint.grpc, config.server.tls) == (None, None, False, None)
    assert (config.secrets, config.steps, config.server.threads) == ((), (), 1)
