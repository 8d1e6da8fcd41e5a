"""What builds images: buildah, podman or docker, whichever is there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from mlsystem.apply.events import Watch
from mlsystem.apply.process import Command, run_process
from mlsystem.apply.registry import Reference, is_loopback
from mlsystem.errors import MlsystemError

ToolName = Literal["buildah", "podman", "docker"]
TOOLS: tuple[ToolName, ...] = ("buildah", "podman", "docker")
CERTIFICATES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
FOR_PEOPLE = 'exec "$0" "$@" 3>&1 >&2'
"""All that a tool says goes to the log. Standard output, where events would be, stays open: its end is the tool's."""
INDEX = ("index-url", "extra-index-url", "trusted-host", "default-timeout", "retries")


@dataclass(frozen=True)
class Build:
    """`context` is the folder `images/`, `dockerfile` a path below it; `wheelhouse` a folder of wheels, where no index
    is asked. `secrets` are files that the build sees and the image does not hold."""

    name: str
    reference: str
    context: Path
    dockerfile: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Path] = field(default_factory=dict)
    wheelhouse: Path | None = None


class ImageTool(Protocol):
    """Local images. All but `has` raise MlsystemError with the tool's last words when it fails."""

    def has(self, reference: str) -> bool:
        """Whether it is in local storage."""
        ...

    def build(self, build: Build, watch: Watch) -> None: ...

    def pull(self, reference: str, watch: Watch) -> None: ...

    def push(self, reference: str, watch: Watch) -> None: ...

    def save(self, reference: str, archive: Path, watch: Watch) -> None:
        """As an archive that a node's containerd imports under the name `reference`."""
        ...


@dataclass(frozen=True)
class CommandTool:
    """A tool by its command line. Where it keeps images and how it isolates builds is its own environment's to say
    (BUILDAH_ISOLATION, STORAGE_DRIVER, DOCKER_HOST). `logs` is the folder for what it says."""

    name: ToolName
    program: str
    logs: Path
    environ: Mapping[str, str]

    def has(self, reference: str) -> bool:
        arguments = {
            "buildah": ("inspect", "--type", "image", reference),
            "podman": ("image", "exists", reference),
            "docker": ("image", "inspect", reference),
        }[self.name]
        return answers(self.program, *arguments, environ=self.environ)

    def build(self, build: Build, watch: Watch) -> None:
        self._run(f"build {build.name}", tuple(self._build_arguments(build)), watch)

    def _build_arguments(self, build: Build) -> Iterator[str]:
        yield "build"
        if self.name != "docker":  # what a build begins with was pulled before: it is not looked up once more
            yield "--pull=never" if self.name == "podman" else "--pull-never"
        yield from ("--file", str(build.context / build.dockerfile), "--tag", build.reference)
        for name, value in build.arguments.items():
            yield from ("--build-arg", f"{name}={value}")
        for name, path in build.secrets.items():
            yield from ("--secret", f"id={name},src={path}")
        if build.wheelhouse is not None:
            yield from ("--build-context", f"wheelhouse={build.wheelhouse}")
        yield str(build.context)

    def pull(self, reference: str, watch: Watch) -> None:
        self._run(f"pull {reference}", ("pull", *self._plain(reference), reference), watch)

    def push(self, reference: str, watch: Watch) -> None:
        self._run(f"push {reference}", ("push", *self._plain(reference), reference), watch)

    def save(self, reference: str, archive: Path, watch: Watch) -> None:
        archive.unlink(missing_ok=True)
        arguments = {
            "buildah": ("push", reference, f"oci-archive:{archive}:{reference}"),
            "podman": ("save", "--format", "oci-archive", "--output", str(archive), reference),
            "docker": ("save", "--output", str(archive), reference),
        }[self.name]
        self._run(f"save {reference}", arguments, watch)

    def _plain(self, reference: str) -> tuple[str, ...]:
        """docker knows by itself that a registry on this machine has no TLS."""
        return ("--tls-verify=false",) if self.name != "docker" and is_loopback(Reference.of(reference).host) else ()

    def _run(self, what: str, arguments: tuple[str, ...], watch: Watch) -> None:
        name = what.replace("/", "-").replace(":", "-").replace(" ", "-")
        command = Command(
            name=what,
            arguments=("/bin/sh", "-c", FOR_PEOPLE, self.program, *arguments),
            folder=self.logs.parent,
            log=self.logs / f"{name}.log",
            environment={**self.environ, "DOCKER_BUILDKIT": "1"},
        )
        run_process(command, watch, lambda _: None)


def find_tool(logs: Path, environ: Mapping[str, str]) -> CommandTool:
    """The first of buildah, podman and docker that works here. Raises MlsystemError where none does."""
    said = []
    for name in TOOLS:
        program = shutil.which(name, path=environ.get("PATH"))
        if program is None:
            said.append(f"{name} is not installed")
        elif name == "docker" and not answers(program, "version", environ=environ):
            said.append("docker is installed, but its daemon does not answer")
        else:
            return CommandTool(name, program, logs, environ)
    raise MlsystemError(
        f"nothing here builds images: {', '.join(said)}", "install buildah (apt-get install buildah), or start docker"
    )


def answers(program: str, *arguments: str, environ: Mapping[str, str]) -> bool:
    done = subprocess.run(
        [program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=dict(environ), check=False,
    )  # fmt: skip
    return done.returncode == 0


def index_secrets(environ: Mapping[str, str], folder: Path) -> dict[str, Path]:
    """What pip needs inside a build to reach the index that is set here: written to `folder`, held by no image."""
    settings = {name: environ[key] for name in INDEX if (key := f"PIP_{name.upper().replace('-', '_')}") in environ}
    bundles = (Path(environ[name]) for name in CERTIFICATES if name in environ)
    bundle = next((path for path in bundles if path.is_file()), None)
    if bundle is not None:
        settings["cert"] = "/run/secrets/certificates"
    lines = "".join(f"{name} = {' '.join(value.split())}\n" for name, value in settings.items())
    path = folder / "pip.conf"
    path.touch(mode=0o600)
    path.write_text(f"[global]\n{lines}")
    return {"pip.conf": path, **({"certificates": bundle} if bundle else {})}
