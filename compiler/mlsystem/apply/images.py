"""Images: what the registry has not is built here, pushed, and signed where there is a key."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlsystem.apply.events import StepBegins, StepEnds, Watch
from mlsystem.apply.image_tool import Build, ImageTool, index_secrets
from mlsystem.apply.registry import Registry
from mlsystem.apply.signature import Signer
from mlsystem.emit.images import FOLDER, SERVER, TRAINER, Image, Images
from mlsystem.errors import MlsystemError


@dataclass(frozen=True)
class ImageBuilder:
    """`tree` is the folder of generated files; `registry` None where images stay on this machine; `wheelhouse` a
    folder of wheels, where no index is asked; `environ` says how pip reaches its index."""

    tool: ImageTool
    registry: Registry | None
    tree: Path
    environ: Mapping[str, str]
    wheelhouse: Path | None = None
    signer: Signer | None = None

    def make(self, images: Images, watch: Watch) -> tuple[Image, ...]:
        """Afterwards server and trainer are where they are pulled from. Returns what was not there yet.

        Raises MlsystemError when a registry or a tool says no; what was done until then is found by the next try.
        """
        self._check()
        needed = missing(images, self._is_there)
        for number, image in enumerate(needed, start=1):
            step = f"image {image.name}"
            watch(StepBegins(step, number, len(needed)))
            began = time.monotonic()
            built = self._make(image, images, watch)
            summary = f"{image.reference} {'built' if built else 'was built before'}"
            watch(StepEnds(step, "done", summary, time.monotonic() - began))
        self._sign(images, watch)
        return needed

    def _check(self) -> None:
        if self.wheelhouse is not None and not self.wheelhouse.is_dir():
            raise MlsystemError(
                f"there is no wheelhouse {self.wheelhouse}",
                "fill it: pip download --require-hashes --no-deps --only-binary=:all: --dest WHEELHOUSE "
                "-r images/dependencies-server/requirements.txt -r images/dependencies-trainer/requirements.txt",
            )

    def _is_there(self, reference: str) -> bool:
        return self.tool.has(reference) if self.registry is None else self.registry.digest(reference) is not None

    def _make(self, image: Image, images: Images, watch: Watch) -> bool:
        built = not self.tool.has(image.reference)
        if built:
            begins = images[image.parent].reference if image.parent else image.base.reference
            if not self.tool.has(begins):
                self.tool.pull(begins, watch)
            self._build(image, watch)
        if self.registry is not None:
            self.tool.push(image.reference, watch)
        return built

    def _build(self, image: Image, watch: Watch) -> None:
        context = self.tree / FOLDER
        with tempfile.TemporaryDirectory(prefix="mlsystem-images-") as folder:
            build = Build(
                name=image.name,
                reference=image.reference,
                context=context,
                dockerfile=str(Path(image.dockerfile.path).relative_to(FOLDER)),
                arguments={"CONTEXT_DIGEST": image.context_digest},
                secrets=index_secrets(self.environ, Path(folder)),
                wheelhouse=self.wheelhouse,
            )
            self.tool.build(build, watch)

    def _sign(self, images: Images, watch: Watch) -> None:
        """Every image that has no signature yet: an earlier run may have ended between pushing and signing."""
        if self.signer is None or self.registry is None:
            return
        for image in images.images:
            digest = self.registry.digest(image.reference)
            if digest is None or self.registry.digest(signature_of(image, digest)) is not None:
                continue
            self.signer.sign(f"{image.repository}@{digest}", self.tree / image.sbom.path, watch)


def missing(images: Images, is_there: Callable[[str], bool]) -> tuple[Image, ...]:
    """Server and trainer where they are not there, and what these begin with, in the order to build them. An image
    that others begin with is not asked for when those are there."""
    return tuple(reversed(tuple(_missing(images, is_there))))


def _missing(images: Images, is_there: Callable[[str], bool]) -> Iterator[Image]:
    wanted: set[str | None] = {SERVER, TRAINER}
    for image in reversed(images.images):
        if image.name in wanted and not is_there(image.reference):
            wanted.add(image.parent)
            yield image


def signature_of(image: Image, digest: str) -> str:
    """Where cosign keeps the signature of an image."""
    return f"{image.repository}:{digest.replace(':', '-')}.sig"
