"""Pulumi's real engine with an inline program and a backend in files: what needs no provider."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest
from engines.stacks import PulumiPlace
from pulumi import automation


def stack(place: PulumiPlace, folder: Path, answer: str) -> automation.Stack:
    """One component, whose name is exported with `answer`."""

    def program() -> None:
        component = pulumi.ComponentResource("test:index:Component", "one")
        pulumi.export("answer", pulumi.Output.concat(answer, " from ", component.pulumi_resource_name))

    folder.mkdir(exist_ok=True)
    options = automation.LocalWorkspaceOptions(work_dir=str(folder), env_vars=place.settings)
    return automation.create_or_select_stack("test", "engines", program, opts=options)


@pytest.fixture
def found(pulumi_place: PulumiPlace, monkeypatch: pytest.MonkeyPatch) -> PulumiPlace:
    """Its CLI is the one on PATH."""
    for name, value in pulumi_place.settings.items():
        monkeypatch.setenv(name, value)
    return pulumi_place


def test_an_inline_program_is_carried_out_and_the_second_time_nothing_changes(
    found: PulumiPlace, tmp_path: Path
) -> None:
    one = stack(found, tmp_path / "work", "hello")

    first = one.up()
    second = one.up()

    assert first.outputs["answer"].value == "hello from one"
    assert first.summary.resource_changes == {"create": 2}
    assert second.summary.resource_changes == {"same": 2}


def test_a_destroyed_stack_has_no_resources(found: PulumiPlace, tmp_path: Path) -> None:
    one = stack(found, tmp_path / "work", "hello")
    one.up()

    one.destroy()

    left = one.export_stack().deployment
    assert left is not None
    assert left.get("resources", []) == []
