"""Signatures of images, and their bills of materials as signed statements: cosign, with a key of the user's."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlsystem.apply.events import Watch
from mlsystem.apply.process import Command, run_process
from mlsystem.errors import MlsystemError


class Signer(Protocol):
    """What signs images in a registry."""

    def sign(self, image: str, sbom: Path, watch: Watch) -> None:
        """`image` by its digest. Raises MlsystemError when it cannot be signed."""
        ...


@dataclass(frozen=True)
class Cosign:
    """`key` is a file or the URI of a key service; its password is in COSIGN_PASSWORD."""

    program: str
    key: str
    logs: Path
    environ: Mapping[str, str]

    def sign(self, image: str, sbom: Path, watch: Watch) -> None:
        self._run("sign", ("sign", "--yes", "--key", self.key, image), watch)
        attest = ("attest", "--yes", "--key", self.key, "--type", "cyclonedx", "--predicate", str(sbom), image)
        self._run("attest", attest, watch)

    def _run(self, what: str, arguments: tuple[str, ...], watch: Watch) -> None:
        command = Command(
            name=f"{what} image",
            arguments=(self.program, *arguments),
            folder=self.logs.parent,
            log=self.logs / f"{what}.log",
            environment=self.environ,
        )
        run_process(command, watch, lambda _: None)


def cosign(key: str, logs: Path, environ: Mapping[str, str]) -> Cosign:
    """Raises MlsystemError where a key is given and nothing here can sign with it: unsigned is not what was asked."""
    program = shutil.which("cosign", path=environ.get("PATH"))
    if program is None:
        raise MlsystemError(
            f"images are to be signed with {key}, but cosign is not installed",
            "install cosign (https://docs.sigstore.dev/cosign/system_config/installation), or leave the key out",
        )
    return Cosign(program, key, logs, environ)
