"""An environment whose state is in a bucket: what was applied from one machine is known to all others."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from buckets import bucket_uri, s3
from running_systems import NoImages, compiled_in, memory_api

from mlsystem.apply.cluster import ClusterEngine
from mlsystem.apply.cluster_environment import ClusterEnvironment, check_not_left_behind
from mlsystem.apply.environment import Environment, environment_of
from mlsystem.apply.events import nobody
from mlsystem.apply.stack import MemoryStack, UnavailableError
from mlsystem.apply.stores import declared_store
from mlsystem.cli import destroy, status
from mlsystem.cli.console import DONE, Console
from mlsystem.cli.main import Command
from mlsystem.compile import Compiled, compile_system
from mlsystem.diagnostics.report import Report
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.bucket import Bucket

__all__ = ["bucket_uri", "s3"]


@pytest.fixture
def here(
    data: Path, small: Any, compiled: Callable[[Any], Compiled], local: Callable[..., Any], bucket_uri: str
) -> Environment:
    """The small system, applied and up on this machine, its state in a bucket."""
    small["environments"]["dev"]["state"] = bucket_uri
    made = compiled(small)
    environment = Environment("dev", data, declared_store(made, data / "mlsystem.yaml"), local(made), made)
    environment.apply(environment.plan(), nobody)
    return environment


@pytest.fixture
def there(here: Environment, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Another checkout of the same commit, as another machine has it."""
    folder = tmp_path_factory.mktemp("there")
    shutil.copy(here.folder / "mlsystem.yaml", folder)
    shutil.copytree(here.folder / "data", folder / "data")
    return environment_of(read(folder), folder / "mlsystem.yaml", os.environ)


def read(folder: Path) -> Compiled:
    compiled = compile_system(folder / "mlsystem.yaml", "dev", {}, Report())
    assert compiled is not None
    return compiled


def run(command: Command, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    return command.run(parser.parse_args(arguments), Console())


def test_a_plan_after_an_apply_is_empty_here_and_there(here: Environment, there: Environment) -> None:
    assert here.plan().empty
    seen = there.plan()

    assert seen.empty
    assert seen.base_serial == 1
    assert f":{here.folder}: what it holds there is not seen from here" in seen.notes[0]


def test_what_runs_on_another_machine_is_neither_applied_nor_shown_from_here(
    here: Environment, there: Environment
) -> None:
    for refused in (lambda: there.apply(there.plan(), nobody), there.applied):
        there.store.read()
        with pytest.raises(MlsystemError, match=f"dev runs on .*:{here.folder}, and this is another machine") as caught:
            refused()

        assert "mlsystem destroy -e dev, then mlsystem apply" in caught.value.hint


def test_a_state_whose_machine_is_gone_is_forgotten_by_destroy(
    here: Environment, there: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(there.folder)

    assert run(destroy, "-e", "dev", "--yes") == DONE

    assert f"what runs on {here.store.elsewhere or ''}" in capsys.readouterr().out
    assert there.store.read() is None
    assert here.store.journal.read() is None


def test_status_and_destroy_go_by_the_bucket_where_the_file_does_not_compile(
    here: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(here.folder)
    (here.folder / "mlsystem.yaml").write_text("sources: [\n")

    assert run(status, "-e", "dev") == DONE
    assert "version 1 answers 100%" in capsys.readouterr().out
    assert run(destroy, "-e", "dev", "--yes") == DONE

    assert here.store.read() is None
    assert here.store.empty


def test_a_file_that_does_not_name_the_bucket_any_more_is_refused_while_the_state_is_there(here: Environment) -> None:
    spec = here.folder / "mlsystem.yaml"
    spec.write_text("".join(line for line in spec.read_text().splitlines(keepends=True) if "state: " not in line))

    with pytest.raises(MlsystemError, match="the state of dev is in s3://") as caught:
        environment_of(read(here.folder), spec, os.environ)

    assert "environments.dev.state: s3://" in caught.value.hint


def test_a_plan_and_an_apply_of_nothing_ask_the_bucket_few_times(
    here: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for name in ("get", "put", "create", "replace", "listing", "delete"):
        monkeypatch.setattr(Bucket, name, counted(asked, name, getattr(Bucket, name)))

    plan = here.plan()
    assert asked == ["get manifest.json", "get journal.json"]
    asked.clear()
    here.apply(plan, nobody)
    assert asked == ["get lease.json", "replace lease.json", "get manifest.json", "get journal.json",
                     "replace lease.json"]  # fmt: skip


def counted(asked: list[str], verb: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def count(bucket: Bucket, name: Any, *arguments: Any) -> Any:
        asked.append(f"{verb} {name}")
        return method(bucket, name, *arguments)

    return count


@pytest.fixture
def staging(tmp_path: Path, bucket_uri: str) -> Callable[[str], ClusterEnvironment]:
    """A checkout by its name, of a system in one cluster."""
    stack = MemoryStack()
    api: Any = None

    def checkout(name: str) -> ClusterEnvironment:
        nonlocal api
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        compiled = compiled_in(folder, state=bucket_uri, pulumi={"secrets_provider": "passphrase"})
        inside = compiled.cluster
        assert inside is not None
        api = api or memory_api(inside)
        stack.wanted = {(one.kind, one.name): str(one.body) for one in inside.objects}
        store = declared_store(compiled, folder / "mlsystem.yaml")
        engine = ClusterEngine(
            inside, store.folder, folder / "generated", api, lambda name, _: stack, lambda _: NoImages()
        )
        return ClusterEnvironment("staging", folder, store, engine, compiled)

    return checkout


def test_a_cluster_is_applied_from_one_machine_and_again_and_destroyed_from_another(
    staging: Callable[[str], ClusterEnvironment],
) -> None:
    here, there = staging("here"), staging("there")
    here.apply(here.plan(), nobody)

    assert there.plan().empty
    there.apply(there.plan(), nobody)
    there.destroy(nobody)
    assert here.store.read() is None


def test_pulumi_keeps_its_state_beside_the_other(staging: Callable[[str], ClusterEnvironment], bucket_uri: str) -> None:
    assert staging("here").engine.inside.cluster.target.pulumi.backend == f"{bucket_uri}/pulumi"


def test_pulumi_does_not_begin_anew_where_its_state_is_in_files_of_this_machine(tmp_path: Path) -> None:
    stacks = tmp_path / ".pulumi/stacks/delays"
    stacks.mkdir(parents=True)
    (stacks / "staging.json").write_text("{}")

    with pytest.raises(UnavailableError, match="Pulumi's state of staging is in"):
        check_not_left_behind(tmp_path, "s3://state/pulumi", "delays", "staging")
    check_not_left_behind(tmp_path, f"file://{tmp_path}", "delays", "staging")
    check_not_left_behind(tmp_path, None, "delays", "staging")
