"""The server and model under test, and the requests that are right for them; a check changes one thing in those."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from mlsystem_runtime.serve.conformance.answers import (
    ModelMetadata,
    ServerMetadata,
    TensorMetadata,
    ok,
    refused,
    values,
)
from mlsystem_runtime.serve.conformance.datatypes import Array, same, to_bytes
from mlsystem_runtime.serve.conformance.sample import Sample, SampleError, from_file, is_batched, made_up, rows_of
from mlsystem_runtime.serve.conformance.table import NotApplicable, Violation, expect, only_if
from mlsystem_runtime.serve.conformance.wire import Http, Reply

if TYPE_CHECKING:
    from mlsystem_runtime.serve.conformance.calls import Calls

Body = dict[str, Any]
EXTENSION = "binary_tensor_data"


class UntestableError(Exception):
    """There is no baseline to compare with: no metadata, or no valid request. The message says what to do."""


@dataclass(frozen=True)
class Target:
    """`calls` is None without gRPC, `binary` whether the server takes tensors as bytes."""

    http: Http
    server: ServerMetadata
    model: ModelMetadata
    sample: Sample
    binary: bool
    calls: Calls | None = None
    known: dict[tuple[int, int], Mapping[str, Array]] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/v2/models/{quote(self.model.name, safe='')}"

    @property
    def batched(self) -> bool:
        return is_batched(self.model.inputs)

    @property
    def versions(self) -> tuple[str, ...]:
        return self.model.versions or ()

    def tensors(self, rows: int = 1, first: int = 0) -> Sample:
        """The inputs of a valid request. Not applicable where several rows are wanted and the model takes one thing."""
        if not self.batched:
            only_if(rows == 1, "the model does not take several rows")
            return self.sample
        return rows_of(self.sample, rows, first)

    def request(self, rows: int = 1, first: int = 0) -> Body:
        """A valid request, a new one each time: the caller may change it."""
        tensors = self.tensors(rows, first)
        return {"inputs": [_input(one, tensors[one.name]) for one in self.model.inputs]}

    def index(self, datatypes: Collection[str]) -> int:
        """Which input is of one of these types; not applicable where none is."""
        for number, one in enumerate(self.model.inputs):
            if one.datatype in datatypes:
                return number
        raise NotApplicable(f"the model has no input of {', '.join(datatypes)}")

    def infer(
        self, request: Body | bytes, headers: Mapping[str, str] | None = None, version: str | None = None
    ) -> Reply:
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        return self.http.ask("POST", self.infer_path(version), body, headers)

    def infer_path(self, version: str | None = None) -> str:
        return f"{self.path}/infer" if version is None else f"{self.path}/versions/{quote(version, safe='')}/infer"

    def expected(self, rows: int = 1, first: int = 0) -> Mapping[str, Array]:
        """What the server answers to the plain request of these rows, when it is asked nothing else."""
        if (rows, first) not in self.known:
            self.known[rows, first] = values(self.infer(self.request(rows, first)))
        return self.known[rows, first]

    def answers_as_plain(self, reply: Reply, rows: int = 1, first: int = 0) -> None:
        """The reply is 200 and has the same outputs as the plain request of these rows."""
        same_outputs(values(reply), self.expected(rows, first))

    def refuses(self, request: Body | bytes, *statuses: int) -> None:
        """The request is answered with one of these statuses, or any 4xx, and a reason."""
        refused(self.infer(request), *statuses)

    def refuses_changed(self, number: int = 0, **members: Any) -> None:
        """A valid request whose input `number` has these members instead is refused; `...` takes a member away."""
        self.refuses(self.changed(number, **members))

    def changed(self, number: int = 0, **members: Any) -> Body:
        only_if(bool(self.model.inputs), "the model has no inputs")
        request = self.request()
        one = request["inputs"][number] | members
        request["inputs"][number] = {name: value for name, value in one.items() if value is not ...}
        return request


def _input(metadata: TensorMetadata, array: Array) -> Body:
    data = array.ravel().tolist()
    return {"name": metadata.name, "shape": list(array.shape), "datatype": metadata.datatype, "data": data}


def same_outputs(found: Mapping[str, Array], wanted: Mapping[str, Array]) -> None:
    expect(found.keys() == wanted.keys(), f"outputs are {sorted(found)}, expected {sorted(wanted)}")
    for name, array in wanted.items():
        expect(same(found[name], array), f"output {name} is {brief(found[name])}, the plain one {brief(array)}")


def brief(array: Array) -> str:
    text = str(array.tolist())
    return text if len(text) <= 80 else f"{text[:80]}…"


def discover(http: Http, model: str | None, request: Path | None, calls: Calls | None) -> Target:
    """Raises UntestableError where the server does not answer a plain valid request."""
    try:
        server = _server_metadata(http)
        name = _only_model(http) if model is None else model
        metadata = ok(http.ask("GET", f"/v2/models/{quote(name, safe='')}"), ModelMetadata)
        sample = made_up(metadata.inputs) if request is None else from_file(request, metadata.inputs)
        target = Target(http, server, metadata, sample, binary=False, calls=calls)
        target.expected()
        return replace(target, binary=_takes_binary(target))
    except (Violation, SampleError, KeyError) as error:
        last = http.trail.exchanges[-1] if http.trail.exchanges else None
        seen = f"\n  request: {last.request}\n  answer: {last.answer}" if last else ""
        hint = "--model NAME says which model, --request FILE gives a request with values that mean something to it"
        raise UntestableError(f"no plain request is answered: {error}{seen}\n  {hint}") from error


def _server_metadata(http: Http) -> ServerMetadata:
    """Empty where the server has none: a check says so later."""
    try:
        return ok(http.ask("GET", "/v2"), ServerMetadata)
    except Violation:
        return ServerMetadata("", "", ())


def _only_model(http: Http) -> str:
    """From the index of the model repository extension; the protocol itself has no list of models."""
    found = sorted({one.name for one in ok(http.ask("POST", "/v2/repository/index", b"{}"), tuple[_Indexed, ...])})
    expect(len(found) == 1, f"the server has the models {', '.join(found) or 'none'}")
    return found[0]


class _Indexed(msgspec.Struct, frozen=True):
    name: str


def _takes_binary(target: Target) -> bool:
    """Whether the server says so, or does so: not all that do say it."""
    if EXTENSION in target.server.extensions:
        return True
    try:
        same_outputs(values(ask_binary(target, *as_binary(target))), target.expected())
    except Violation:
        return False
    return True


def as_binary(target: Target, rows: int = 1, first: int = 0) -> tuple[Body, list[bytes]]:
    """The plain request of these rows with all inputs as bytes: the JSON, and what follows it."""
    tensors = target.tensors(rows, first)
    request, parts = target.request(rows, first), []
    for one in request["inputs"]:
        parts.append(to_bytes(one["datatype"], tensors[one["name"]]))
        del one["data"]
        one["parameters"] = {"binary_data_size": len(parts[-1])}
    return request, parts


def ask_binary(
    target: Target, request: Body, parts: Sequence[bytes], length: str | None = None,
    headers: Mapping[str, str] | None = None, padding: int = 0,
) -> Reply:  # fmt: skip
    """`length` stands in Inference-Header-Content-Length instead of the JSON's, which `padding` spaces make longer."""
    head = json.dumps(request).encode() + b" " * padding
    said = {"Inference-Header-Content-Length": str(len(head)) if length is None else length}
    kind = {"Content-Type": "application/octet-stream"}
    return target.infer(head + b"".join(parts), kind | said | dict(headers or {}))
