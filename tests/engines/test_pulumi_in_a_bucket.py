"""Pulumi's state beside ours in a bucket: what one machine has made, another goes on with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from buckets import bucket_uri, s3
from engines.stacks import PulumiPlace

from mlsystem.apply.events import nobody
from mlsystem.apply.pulumi import PulumiStack
from mlsystem.apply.stack import StackPlace
from mlsystem.state.s3 import S3Store

__all__ = ["bucket_uri", "s3"]
PROGRAM = """
import pulumi

pulumi.ComponentResource("test:index:Component", "one")
pulumi.export("token", pulumi.Output.secret("nobody reads this"))
"""


@pytest.fixture
def machine(
    pulumi_place: PulumiPlace, bucket_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], PulumiStack]:
    """The stack as a machine of that name has it."""
    for name, value in pulumi_place.settings.items():
        monkeypatch.setenv(name, value)
    program = tmp_path / "program"
    program.mkdir()
    (program / "Pulumi.yaml").write_text("name: engines\nruntime: python\n")
    (program / "__main__.py").write_text(PROGRAM)

    def on(name: str) -> PulumiStack:
        folder = tmp_path / name / ".mlsystem" / "prod"
        place = StackPlace(
            project="engines", name="prod", program=program, work=folder / "pulumi" / "work",
            backend=f"{bucket_uri}/pulumi", secrets_provider="passphrase", environ=dict(os.environ),
            store=S3Store(bucket_uri, folder),
        )  # fmt: skip
        return PulumiStack(place)

    return on


def test_what_one_machine_made_another_finds_unchanged_and_destroys(machine: Callable[[str], PulumiStack]) -> None:
    here, there = machine("here"), machine("there")
    here.update(nobody)

    assert there.preview().changes == ()
    assert there._settings.read_bytes() == here._settings.read_bytes()
    there.destroy(nobody)
    assert not here.exists()
