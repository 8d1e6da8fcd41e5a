"""The API server, as far as `apply` needs it: objects by name, and a few verbs."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

from mlsystem.apply.kubeconfig import Access, access
from mlsystem.emit.kubernetes.objects import Body
from mlsystem.errors import MlsystemError

SECONDS = 30.0


class Reference(NamedTuple):
    """What names an object. `namespace` None: it is in none."""

    api_version: str
    kind: str
    name: str
    namespace: str | None = None

    @classmethod
    def of(cls, body: Body) -> Reference:
        metadata = body["metadata"]
        return cls(body["apiVersion"], body["kind"], metadata["name"], metadata.get("namespace"))

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class ClusterApi(Protocol):
    """Raises MlsystemError when the server does not answer, or does not allow it."""

    def get(self, one: Reference) -> Body | None:
        """None where it is not there, and where the server does not know its kind."""
        ...

    def create(self, body: Body) -> Body:
        """`metadata.generateName` lets the server choose the name."""
        ...

    def find(self, api_version: str, kind: str, namespace: str, labels: Mapping[str, str]) -> tuple[Body, ...]: ...

    def delete(self, one: Reference) -> None:
        """Nothing happens where it is not there."""
        ...

    def log(self, pod: Reference, container: str, lines: int, *, follow: bool) -> Iterator[str]:
        """The last lines of a container's log; with `follow` also those to come, until the container ends."""
        ...


class HttpsApi:
    """The server of a kubeconfig's context (None: the current one)."""

    def __init__(
        self, context: str | None, environ: Mapping[str, str], log_in: Callable[[], None] = lambda: None
    ) -> None:
        """`log_in` is done before the kubeconfig is read."""
        self._context = context
        self._environ = environ
        self._log_in = log_in
        self._paths: dict[tuple[str, str], str | None] = {}

    @cached_property
    def _access(self) -> Access:
        self._log_in()
        return access(self._context, self._environ)

    def get(self, one: Reference) -> Body | None:
        place = self._place(one.api_version, one.kind, one.namespace)
        return None if place is None else self._ask("GET", f"{place}/{one.name}")

    def create(self, body: Body) -> Body:
        place = self._place(body["apiVersion"], body["kind"], body["metadata"].get("namespace"))
        if place is None:
            raise MlsystemError(
                f"the cluster does not know {body['kind']} of {body['apiVersion']}", "install what it belongs to"
            )
        made = self._ask("POST", f"{place}?fieldValidation=Strict", body)
        assert made is not None, "a collection that is not there has no place"
        return made

    def find(self, api_version: str, kind: str, namespace: str, labels: Mapping[str, str]) -> tuple[Body, ...]:
        place = self._place(api_version, kind, namespace)
        if place is None:
            return ()
        chosen = urllib.parse.quote(",".join(f"{name}={value}" for name, value in labels.items()))
        found = self._ask("GET", f"{place}?labelSelector={chosen}")
        return tuple((found or {}).get("items", ()))

    def delete(self, one: Reference) -> None:
        place = self._place(one.api_version, one.kind, one.namespace)
        if place is not None:
            self._ask("DELETE", f"{place}/{one.name}?propagationPolicy=Background")

    def log(self, pod: Reference, container: str, lines: int, *, follow: bool) -> Iterator[str]:
        asked = {"container": container, "tailLines": lines, **({"follow": "true"} if follow else {})}
        path = f"{self._place('v1', 'Pod', pod.namespace)}/{pod.name}/log?{urllib.parse.urlencode(asked)}"
        try:
            with self._answer("GET", path, seconds=None if follow else SECONDS) as answer:
                for line in answer:
                    yield line.decode(errors="replace").rstrip("\n")
        except AbsentError:
            raise MlsystemError(f"{pod} is not there any more") from None

    def _place(self, api_version: str, kind: str, namespace: str | None) -> str | None:
        """The path of the collection; None where the server does not know the kind."""
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        if (api_version, kind) not in self._paths:
            known = (self._ask("GET", root) or {}).get("resources", ())
            mine = [one for one in known if one["kind"] == kind and "/" not in one["name"]]
            self._paths[api_version, kind] = mine[0]["name"] if mine else None
        plural = self._paths[api_version, kind]
        if plural is None:
            return None
        return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"

    def _ask(self, method: str, path: str, body: Body | None = None, media: str = "application/json") -> Body | None:
        """None where there is no such thing. `media` is what the body is written in."""
        try:
            with self._answer(method, path, body, media=media) as answer:
                found: Body = json.loads(answer.read())
                return found
        except AbsentError:
            return None

    @contextmanager
    def _answer(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        seconds: float | None = SECONDS,
        media: str = "application/json",
    ) -> Iterator[http.client.HTTPResponse]:
        """To be read; `seconds` is the longest silence."""
        way = self._access
        headers = {**way.headers, "Accept": "application/json, */*", "Content-Type": media}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(way.server + path, data=data, method=method, headers=headers)
        handler = urllib.request.HTTPSHandler(context=way.tls)
        try:
            with urllib.request.build_opener(handler).open(request, timeout=seconds) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            with error:
                if error.code == HTTPStatus.NOT_FOUND and method != "POST":
                    raise AbsentError from error
                raise refused(error, method, path) from error
        except (OSError, http.client.HTTPException) as error:
            raise MlsystemError(
                f"the cluster of context '{way.context}' does not answer: {getattr(error, 'reason', error)}",
                f"try: kubectl --context {way.context} get --raw /readyz",
            ) from error


class AbsentError(Exception):
    """The server has no such thing."""


def refused(error: urllib.error.HTTPError, method: str, path: str) -> MlsystemError:
    try:
        said = str(json.loads(error.read()).get("message", error.reason))
    except ValueError:
        said = str(error.reason)
    if error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return MlsystemError(f"the cluster does not allow it: {said}", "docs/guides/kubernetes.md names the rights")
    return MlsystemError(f"the cluster refuses {method} {path.partition('?')[0]}: {said}")


@dataclass
class MemoryApi:
    """The same without a cluster. `objects` are those that are there, `logs` what pods have written, by name."""

    objects: dict[Reference, Body] = field(default_factory=dict)
    logs: dict[str, list[str]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def get(self, one: Reference) -> Body | None:
        return self.objects.get(one)

    def create(self, body: Body) -> Body:
        metadata: dict[str, Any] = dict(body["metadata"])
        metadata.setdefault("name", f"{metadata.get('generateName', '')}{len(self.objects)}")
        made = {**body, "metadata": metadata}
        self.objects[Reference.of(made)] = made
        self.done.append(f"create {Reference.of(made)}")
        return made

    def find(self, api_version: str, kind: str, namespace: str, labels: Mapping[str, str]) -> tuple[Body, ...]:
        return tuple(
            body for one, body in self.objects.items()
            if one[:2] == (api_version, kind) and one.namespace == namespace
            and labels.items() <= body["metadata"].get("labels", {}).items()
        )  # fmt: skip

    def delete(self, one: Reference) -> None:
        self.done.append(f"delete {one}")
        self.objects.pop(one, None)

    def log(self, pod: Reference, container: str, lines: int, *, follow: bool) -> Iterator[str]:
        self.done.append(f"log {pod} {container}{' --follow' if follow else ''}")
        yield from self.logs.get(pod.name, [])[-lines:]
