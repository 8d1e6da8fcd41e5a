"""The values of secrets: files of a folder where there is one, else the environment. They are never logged or kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import SECRET_FOLDER


def secret(name: str, environ: Mapping[str, str] | None = None) -> str:
    """Raises MlsystemError where it has no value."""
    return FollowedSecret(name, os.environ if environ is None else environ).read()


def has_value(name: str, environ: Mapping[str, str]) -> bool:
    path = secret_file(name, environ)
    return bool(environ.get(name)) or (path is not None and path.is_file())


def secret_file(name: str, environ: Mapping[str, str]) -> Path | None:
    """Where its file is, or would be; None without a folder of secrets."""
    folder = environ.get(SECRET_FOLDER)
    return Path(folder) / name if folder else None


class FollowedSecret:
    """A secret whose file may be replaced while the process runs, as a cluster does when one is rotated."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self.name = name
        self._environ = environ
        self._path = secret_file(name, environ)
        self._seen: tuple[int, ...] | None = None

    def read(self) -> str:
        """Raises MlsystemError where it has no value. What is read is what `changed` compares with from now on."""
        self._seen = self._identity()
        value = self._environ.get(self.name, "")
        if self._path is not None and self._seen is not None:
            try:
                value = self._path.read_text()
            except (OSError, UnicodeDecodeError) as error:
                raise MlsystemError(
                    f"secret '{self.name}' cannot be read: {type(error).__name__}", f"its file is {self._path}"
                ) from None
        if not value.strip():
            raise MlsystemError(f"secret '{self.name}' has no value", self._hint())
        return value.strip()

    def changed(self) -> bool:
        """Whether its file is another one than `read` found: one `stat`. What came from the environment never is."""
        return self._path is not None and self._identity() != self._seen

    def _identity(self) -> tuple[int, ...] | None:
        """None where there is no file."""
        try:
            found = None if self._path is None else self._path.stat()
        except OSError:
            return None
        return None if found is None else (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)

    def _hint(self) -> str:
        here = f"set the environment variable {self.name} and start again"
        return here if self._path is None else f"write it to {self._path}, or {here}"
