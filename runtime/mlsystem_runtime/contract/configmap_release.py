"""The release in a cluster: one ConfigMap, changed only where nobody else has changed it, and watched."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlencode

from mlsystem_runtime.contract.api_server import CONFLICT, CREATED, NOT_FOUND, OK, ApiServer, api_server, refused
from mlsystem_runtime.contract.base import pretty_json
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.release import Release
from mlsystem_runtime.contract.release_store import (
    DOCUMENT,
    FileReleaseStore,
    HeldRelease,
    ReleaseStore,
    background,
    decode_release,
)
from mlsystem_runtime.contract.workspace import Workspace

SCHEME = "configmap://"
WATCH_SECONDS = 50       # how long the server holds a watch open; then it is opened again
SILENT_SECONDS = 60.0    # after that long without a word a watch counts as dead
FIRST_WAIT, LONGEST_WAIT = 0.2, 15.0

logger = logging.getLogger(__name__)


class ConfigMapReleaseStore:
    """`release.json` of the ConfigMap `name`, which is created where it is absent, with `labels`.

    A token is the object's resourceVersion.
    """

    def __init__(self, api: ApiServer, namespace: str, name: str, labels: Mapping[str, str]) -> None:
        self._api = api
        self._name = name
        self._labels = dict(labels)
        self._folder = f"/api/v1/namespaces/{quote(namespace, safe='')}/configmaps"
        self._path = f"{self._folder}/{quote(name, safe='')}"
        self._where = f"{SCHEME}{namespace}/{name}"

    def read(self) -> HeldRelease:
        found = self._get()
        return HeldRelease(self._decoded(found), "" if found is None else version_of(found))

    def write(self, release: Release, expected: str) -> bool:
        found = self._get()
        if expected != ("" if found is None else version_of(found)):
            return False
        data = {"data": {DOCUMENT: pretty_json(release)}}
        if found is None:
            metadata = {"name": self._name, "labels": self._labels}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **data}
            return self._written("POST", self._folder, body, CONFLICT)
        return self._written("PUT", self._path, {**found, **data}, CONFLICT, NOT_FOUND)

    @contextmanager
    def watch(self, changed: Callable[[], None]) -> Iterator[None]:
        watching = Watching(self._api, self._watched(), changed)
        with background(watching.run, watching.stop):
            yield

    def _watched(self) -> str:
        """Without a version the watch begins with what there is, so nothing is missed from one watch to the next."""
        chosen = {"watch": 1, "fieldSelector": f"metadata.name={self._name}", "timeoutSeconds": WATCH_SECONDS}
        return f"{self._folder}?{urlencode(chosen)}"

    def _get(self) -> dict[str, Any] | None:
        status, found = self._api.ask("GET", self._path)
        if status == NOT_FOUND:
            return None
        if status != OK:
            raise refused(status, found, f"read {self._where}")
        return found

    def _written(self, method: str, path: str, body: Mapping[str, Any], *overtaken: int) -> bool:
        """False for a status of `overtaken`: somebody else has changed or deleted it meanwhile."""
        status, answer = self._api.ask(method, path, body)
        if status not in (OK, CREATED, *overtaken):
            raise refused(status, answer, f"write {self._where}")
        return status not in overtaken

    def _decoded(self, found: Mapping[str, Any] | None) -> Release:
        text = None if found is None else (found.get("data") or {}).get(DOCUMENT)
        return decode_release(None if text is None else text.encode(), self._where)


class Watching:
    """One watch after another, until stopped. Whatever ends one, the next begins after a pause that grows."""

    def __init__(self, api: ApiServer, path: str, changed: Callable[[], None]) -> None:
        self._api = api
        self._path = path
        self._changed = changed
        self._stopping = threading.Event()
        self._wait = FIRST_WAIT
        self._end: Callable[[], None] = lambda: None

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                for event in self._api.events(self._path, SILENT_SECONDS, self._opened):
                    if event.get("type") == "ERROR":
                        break
                    self._changed()
            except MlsystemError as error:
                if not self._stopping.is_set():
                    logger.warning("the release is not watched for %.1f s: %s", self._wait, error)
            self._stopping.wait(self._wait)
            self._wait = min(2 * self._wait, LONGEST_WAIT)
            self._changed()  # it may have changed while nobody looked

    def stop(self) -> None:
        self._stopping.set()
        with suppress(OSError):
            self._end()

    def _opened(self, end: Callable[[], None]) -> None:
        self._end, self._wait = end, FIRST_WAIT
        if self._stopping.is_set():
            self.stop()


def version_of(found: Mapping[str, Any]) -> str:
    return str(found["metadata"]["resourceVersion"])


def open_releases(
    address: str | None, workspace: Workspace, environment: str, environ: Mapping[str, str]
) -> ReleaseStore:
    """The store at `address`, `configmap://NAMESPACE/NAME`; None is the file of the workspace."""
    if address is None:
        return FileReleaseStore(workspace)
    namespace, _, name = address.removeprefix(SCHEME).partition("/")
    if not address.startswith(SCHEME) or not namespace or not name or "/" in name:
        raise MlsystemError(f"'{address}' is no place of a release", f"write {SCHEME}NAMESPACE/NAME, or leave it out")
    return ConfigMapReleaseStore(api_server(environ), namespace, name, labels_of(name, environment))


def labels_of(name: str, environment: str) -> dict[str, str]:
    """Those that every object of the system has; `name` is PREFIX-release."""
    system = name.removesuffix("-release")
    return {
        "app.kubernetes.io/name": "mlsystem",
        "app.kubernetes.io/instance": f"{system}-{environment}",
        "app.kubernetes.io/component": "release",
        "app.kubernetes.io/part-of": system,
        "app.kubernetes.io/managed-by": "mlsystem",
        "mlsystem.dev/system": system,
        "mlsystem.dev/environment": environment,
    }
