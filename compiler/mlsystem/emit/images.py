"""`images/`: what the containers of a system are built from, and under which names they are found.

The libraries are images of their own, named by lock file and base, so that a new version of the runtime does not move
gigabytes. An image is named by its context: the files that its Dockerfile copies, the Dockerfile, and through `FROM`
the digest of what it begins with. Rebuilding the same context is no change; a patched base is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from mlsystem.emit.render import render
from mlsystem.emit.sbom import Component, bill_of_materials, components
from mlsystem.emit.tree import Artifact
from mlsystem.system.target import dns_name

FOLDER = "images"
USER = 65532
"""Of every process, numeric so that a cluster can see that it is not root."""

SERVER, SERVER_TORCH, TRAINER = "server", "server-torch", "trainer"
DEPENDENCIES_SERVER, DEPENDENCIES_TRAINER = "dependencies-server", "dependencies-trainer"
RUNTIME, CODE = "runtime", "code"
REQUIREMENTS = "requirements.txt"
TAG_DIGITS = 16
IGNORED = "**/__pycache__\n**/*.pyc\n"


@dataclass(frozen=True)
class Base:
    """An image that others begin with. `digest` None: whatever has that name when the image is built."""

    name: str
    digest: str | None = None

    @classmethod
    def of(cls, written: str) -> Base:
        """From `NAME` or `NAME@sha256:…`."""
        name, _, digest = written.partition("@")
        return cls(name, digest or None)

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.digest}" if self.digest else self.name


@dataclass(frozen=True)
class ImageSettings:
    """`registry` is where images are kept, with a path where there is one; `wheelhouse` whether wheels come from a
    folder instead of an index; `version` that of the runtime; `source` the address of the spec's repository."""

    system: str
    registry: str
    base: Base
    version: str
    wheelhouse: bool = False
    source: str | None = None


@dataclass(frozen=True)
class Code:
    """The user's own code: files by path below `code.path`; `requirements` with hashes, where it needs libraries."""

    files: Mapping[str, str]
    requirements: str | None = None


@dataclass(frozen=True)
class Locks:
    """Lock files with hashes. `trainer` is what it needs beyond `server`."""

    server: str
    trainer: str


@dataclass(frozen=True)
class Image:
    """`parent` is the image of ours that it begins with; `copies` are the paths that its Dockerfile takes from
    `images/`. `sbom` lists what is in it, the base's packages aside."""

    name: str
    repository: str
    parent: str | None
    base: Base
    dockerfile: Artifact
    copies: tuple[Artifact, ...]
    sbom: Artifact

    @cached_property
    def context_digest(self) -> str:
        """`sha256:…` over the Dockerfile and exactly the files that it copies."""
        lines = (f"{one.path}\0{one.digest}\n" for one in (self.dockerfile, *self.copies))
        return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"

    @property
    def tag(self) -> str:
        return self.context_digest.replace(":", "-")[: len("sha256-") + TAG_DIGITS]

    @property
    def reference(self) -> str:
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True)
class Images:
    """`images` in the order in which they can be built; `files` are the artifacts below `images/`."""

    images: tuple[Image, ...]
    files: tuple[Artifact, ...]

    def __getitem__(self, name: str) -> Image:
        return next(image for image in self.images if image.name == name)

    @property
    def references(self) -> Mapping[str, str]:
        """Of what processes run in, by name."""
        processes = (SERVER, SERVER_TORCH, TRAINER)
        return {image.name: image.reference for image in self.images if image.name in processes}


def emit_images(
    settings: ImageSettings, runtime: Mapping[str, str], locks: Locks, code: Code | None = None,
    servers: Collection[str] = (SERVER,),
) -> Images:  # fmt: skip
    """`runtime` is the runtime's source, by path below its folder (see `emit.vendored`); `servers` says which of SERVER
    and SERVER_TORCH are needed.

    A model brings the code that it was trained with, so servers in torch have only the libraries of it: another line
    of it moves no server. To servers in ONNX Runtime it is a graph like any other. A server in torch has all that the
    trainer has, so that a node keeps one copy.
    """
    own_runtime = tuple(vendored(RUNTIME, runtime))
    shared = (*own_runtime, *user_code(code))
    served = replace(code, files={}) if code and code.requirements else None
    server_libraries = libraries(settings, DEPENDENCIES_SERVER, locks.server, None, [locks.server])
    trainer_libraries = libraries(
        settings, DEPENDENCIES_TRAINER, locks.trainer, server_libraries, [locks.server, locks.trainer]
    )
    everything = [locks.server, locks.trainer]
    server = process(settings, SERVER, server_libraries, own_runtime, None, [locks.server])
    in_torch = process(
        settings, SERVER_TORCH, trainer_libraries, (*own_runtime, *user_code(served)), served, everything
    )
    trainer = process(settings, TRAINER, trainer_libraries, shared, code, everything)
    wanted = {server_libraries.name, trainer_libraries.name, TRAINER, *servers}
    images = tuple(
        image for image in (server_libraries, server, trainer_libraries, in_torch, trainer) if image.name in wanted
    )
    own = (one for image in images for one in (image.dockerfile, image.sbom, *image.copies) if one not in shared)
    ignored = artifact(".dockerignore", IGNORED)
    return Images(images, (ignored, *own, *shared))


def libraries(settings: ImageSettings, name: str, lock: str, parent: Image | None, locks: Iterable[str]) -> Image:
    """What processes import. Its identity is the lock file and what it begins with."""
    template = f"images/{name}.Dockerfile.jinja"
    begins = parent.reference if parent else settings.base.reference
    text = render(
        template, begins=begins, name=settings.base.name, digest=settings.base.digest, wheelhouse=settings.wheelhouse
    )
    copies = (artifact(f"{name}/{REQUIREMENTS}", lock),)
    return made(settings, name, text, copies, parent, component_list(locks))


def process(
    settings: ImageSettings, name: str, parent: Image, copies: tuple[Artifact, ...], code: Code | None,
    locks: Iterable[str],
) -> Image:  # fmt: skip
    """What processes run in: libraries, the runtime, the user's code."""
    text = render(
        "images/process.Dockerfile.jinja",
        name=name,
        begins=parent.reference,
        code=code is not None and bool(code.files),
        requirements=code is not None and code.requirements is not None,
        wheelhouse=settings.wheelhouse,
        version=settings.version,
        source=settings.source,
        path=":".join(python_path(code)),
        user=str(USER),
    )
    own = [code.requirements] if code and code.requirements else []
    parts = (Component("mlsystem", settings.version), *component_list([*locks, *own]))
    return made(settings, name, text, copies, parent, parts)


def python_path(code: Code | None) -> Iterator[str]:
    """The code is not on it: the runtime imports it by its folder, and a name of it hides nothing else."""
    yield f"/opt/{RUNTIME}"
    if code is not None and code.requirements is not None:
        yield f"/opt/{CODE}-libraries"


def made(
    settings: ImageSettings, name: str, text: str, copies: tuple[Artifact, ...], parent: Image | None,
    parts: tuple[Component, ...],
) -> Image:  # fmt: skip
    repository = f"{settings.registry.rstrip('/')}/{dns_name(settings.system)}/{name}"
    return Image(
        name=name,
        repository=repository,
        parent=parent.name if parent else None,
        base=settings.base,
        dockerfile=artifact(f"{name}/Dockerfile", text),
        copies=copies,
        sbom=artifact(f"{name}/sbom.cdx.json", bill_of_materials(repository, settings.base.reference, parts)),
    )


def component_list(locks: Iterable[str]) -> tuple[Component, ...]:
    return tuple(one for lock in locks for one in components(lock))


def vendored(folder: str, files: Mapping[str, str]) -> Iterator[Artifact]:
    for path, content in sorted(files.items()):
        yield artifact(f"{folder}/{path}", content)


def user_code(code: Code | None) -> Iterator[Artifact]:
    if code is None:
        return
    yield from vendored(CODE, code.files)
    if code.requirements is not None:
        yield artifact(f"{CODE}-{REQUIREMENTS}", code.requirements)


def artifact(path: str, content: str) -> Artifact:
    return Artifact(f"{FOLDER}/{path}", content, origin="infrastructure.environment")
