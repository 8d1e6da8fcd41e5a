"""Images without a machine: everything builds, nothing runs. For tests of what builds images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlsystem.apply.events import Watch
from mlsystem.apply.image_tool import Build
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.base import digest


@dataclass
class MemoryRegistry:
    """`images` maps references to digests; asked while `down`, it raises."""

    images: dict[str, str] = field(default_factory=dict)
    down: bool = False

    def digest(self, reference: str) -> str | None:
        if self.down:
            raise MlsystemError("the registry does not answer")
        return self.images.get(reference)


@dataclass
class MemoryImageTool:
    """`done` lists what was asked of it, in order. A push makes the image known to `registry`. What it is to do with
    a reference in `failing` raises."""

    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    local: set[str] = field(default_factory=set)
    failing: Mapping[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    builds: list[Build] = field(default_factory=list)

    def has(self, reference: str) -> bool:
        return reference in self.local

    def build(self, build: Build, watch: Watch) -> None:
        del watch
        self._do("build", build.reference)
        self.builds.append(build)
        self.local.add(build.reference)

    def pull(self, reference: str, watch: Watch) -> None:
        del watch
        self._do("pull", reference)
        self.local.add(reference)

    def push(self, reference: str, watch: Watch) -> None:
        del watch
        self._do("push", reference)
        self.registry.images[reference] = f"sha256:{digest(reference)}"

    def save(self, reference: str, archive: Path, watch: Watch) -> None:
        del watch
        self._do("save", reference)
        archive.touch()

    def _do(self, verb: str, reference: str) -> None:
        self.done.append(f"{verb} {reference}")
        if reference in self.failing:
            raise MlsystemError(self.failing[reference])


@dataclass
class MemorySigner:
    """`signed` lists what it was given. A signature becomes known to `registry` as cosign would put it there."""

    registry: MemoryRegistry
    signed: list[str] = field(default_factory=list)

    def sign(self, image: str, sbom: Path, watch: Watch) -> None:
        del sbom, watch
        repository, _, hashed = image.partition("@")
        self.signed.append(image)
        self.registry.images[f"{repository}:{hashed.replace(':', '-')}.sig"] = "sha256:signature"
