"""Which images are built, in which order, and what is not done twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlsystem.apply.cluster_environment import image_builder
from mlsystem.apply.events import AnyEvent, StepBegins, StepEnds, nobody
from mlsystem.apply.images import ImageBuilder
from mlsystem.apply.images_memory import MemoryImageTool, MemoryRegistry, MemorySigner
from mlsystem.apply.signature import Cosign, cosign
from mlsystem.emit.images import Base, Images, ImageSettings, Locks, emit_images
from mlsystem.errors import MlsystemError
from mlsystem.system import target

BASE = "docker.io/library/python:3.11"
BUILD_ORDER = ["dependencies-server", "server", "dependencies-trainer", "trainer"]


def images(runtime: str = "") -> Images:
    settings = ImageSettings(system="flights", registry="registry.example.com", base=Base(BASE), version="1")
    return emit_images(settings, {"mlsystem_runtime/__init__.py": runtime}, Locks("", ""))


@pytest.fixture
def tool() -> MemoryImageTool:
    return MemoryImageTool()


@pytest.fixture
def builder(tool: MemoryImageTool, tmp_path: Path) -> ImageBuilder:
    return ImageBuilder(tool=tool, registry=tool.registry, tree=tmp_path, environ={})


def did(tool: MemoryImageTool, made: Images) -> list[str]:
    """What was asked of the tool, by names of images."""
    names = {image.reference: image.name for image in made.images}
    words = [done.split() for done in tool.done]
    return [f"{verb} {names.get(reference, 'base')}" for verb, reference in words]


def test_the_first_time_everything_is_built_and_pushed(builder: ImageBuilder, tool: MemoryImageTool) -> None:
    made = images()

    assert [image.name for image in builder.make(made, nobody)] == BUILD_ORDER
    assert did(tool, made) == ["pull base", *(f"{verb} {name}" for name in BUILD_ORDER for verb in ("build", "push"))]


def test_what_the_registry_has_is_not_built_again(builder: ImageBuilder, tool: MemoryImageTool) -> None:
    builder.make(images(), nobody)
    tool.done.clear()

    assert builder.make(images(), nobody) == ()
    assert tool.done == []


def test_another_runtime_builds_on_the_libraries_that_are_there(builder: ImageBuilder, tool: MemoryImageTool) -> None:
    builder.make(images(), nobody)
    tool.done.clear()
    after = images("x = 1")
    builder.make(after, nobody)

    assert did(tool, after) == ["build server", "push server", "build trainer", "push trainer"]


def test_libraries_that_only_the_registry_has_are_pulled(builder: ImageBuilder, tool: MemoryImageTool) -> None:
    builder.make(images(), nobody)
    tool.done.clear()
    tool.local.clear()
    after = images("x = 1")
    builder.make(after, nobody)

    assert did(tool, after) == [
        "pull dependencies-server", "build server", "push server",
        "pull dependencies-trainer", "build trainer", "push trainer",
    ]  # fmt: skip


def test_what_was_built_but_not_pushed_is_pushed(builder: ImageBuilder, tool: MemoryImageTool) -> None:
    made = images()
    tool.failing = {made["trainer"].reference: "killed"}
    with pytest.raises(MlsystemError):
        builder.make(made, nobody)
    tool.failing = {}
    tool.local.add(made["trainer"].reference)
    tool.done.clear()
    builder.make(made, nobody)

    assert did(tool, made) == ["push trainer"]


def test_without_a_registry_images_stay_on_this_machine(builder: ImageBuilder, tool: MemoryImageTool) -> None:
    made = images()
    local = replace(builder, registry=None)

    assert [image.name for image in local.make(made, nobody)] == BUILD_ORDER
    assert local.make(made, nobody) == ()
    assert not [done for done in tool.done if done.startswith("push")]


def test_a_registry_that_does_not_answer_stops_before_anything_is_built(
    builder: ImageBuilder, tool: MemoryImageTool
) -> None:
    down = replace(builder, registry=MemoryRegistry(down=True))

    with pytest.raises(MlsystemError, match="does not answer"):
        down.make(images(), nobody)

    assert tool.done == []


def test_a_build_gets_the_digest_of_its_context_and_the_settings_of_pip(
    builder: ImageBuilder, tool: MemoryImageTool, tmp_path: Path
) -> None:
    replace(builder, environ={"PIP_INDEX_URL": "https://index.example.com/simple"}).make(images(), nobody)

    build = next(one for one in tool.builds if one.name == "server")
    assert build.arguments == {"CONTEXT_DIGEST": images()["server"].context_digest}
    assert (build.context, build.dockerfile) == (tmp_path / "images", "server/Dockerfile")
    assert set(build.secrets) == {"pip.conf"}


def test_a_wheelhouse_that_is_not_there_stops_before_anything_is_built(
    builder: ImageBuilder, tool: MemoryImageTool, tmp_path: Path
) -> None:
    with pytest.raises(MlsystemError, match="no wheelhouse") as caught:
        replace(builder, wheelhouse=tmp_path / "wheels").make(images(), nobody)

    assert "pip download" in (caught.value.hint or "")
    assert tool.done == []


def test_whoever_watches_is_told_of_each_image(builder: ImageBuilder) -> None:
    events: list[AnyEvent] = []
    builder.make(images(), events.append)

    assert [(one.step, one.number, one.total) for one in events if isinstance(one, StepBegins)] == [
        (f"image {name}", number, 4) for number, name in enumerate(BUILD_ORDER, start=1)
    ]
    assert [one.status for one in events if isinstance(one, StepEnds)] == ["done"] * 4


def test_every_image_is_signed_once(builder: ImageBuilder, tool: MemoryImageTool) -> None:
    signer = MemorySigner(tool.registry)
    signing = replace(builder, signer=signer)
    signing.make(images(), nobody)
    signing.make(images(), nobody)

    assert len(signer.signed) == 4
    assert all("@sha256:" in image for image in signer.signed)


def test_an_image_that_was_pushed_without_a_signature_gets_one(builder: ImageBuilder, tool: MemoryImageTool) -> None:
    builder.make(images(), nobody)
    signer = MemorySigner(tool.registry)
    replace(builder, signer=signer).make(images(), nobody)

    assert len(signer.signed) == 4


def test_a_key_without_a_program_that_signs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MlsystemError, match="cosign is not installed"):
        cosign("cosign.key", tmp_path, {"PATH": str(tmp_path)})


def test_a_signing_key_of_the_environment_is_what_images_are_signed_with(tmp_path: Path) -> None:
    """A file beside the spec, or a key service; without the program nothing is built."""
    keys = {"cosign.key": str(tmp_path / "cosign.key"), "awskms:///alias/images": "awskms:///alias/images"}
    for name in ("buildah", "cosign"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    for written, used in keys.items():
        settings = target.Images("python:3.11", None, written, "redis", "postgres")
        made = image_builder(tmp_path, tmp_path / "state", settings, tmp_path, {"PATH": str(tmp_path)})

        assert isinstance(made, ImageBuilder)
        assert isinstance(made.signer, Cosign)
        assert made.signer.key == used
    (tmp_path / "cosign").unlink()
    with pytest.raises(MlsystemError, match="cosign is not installed"):
        image_builder(tmp_path, tmp_path / "state", settings, tmp_path, {"PATH": str(tmp_path)})
