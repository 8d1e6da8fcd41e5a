"""Liveness, readiness and metadata over REST."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from mlsystem_runtime.serve.conformance.answers import ModelMetadata, ServerMetadata, TensorMetadata, ok, read, refused
from mlsystem_runtime.serve.conformance.datatypes import NUMPY
from mlsystem_runtime.serve.conformance.places import (
    ERRORS,
    HEALTH,
    HTTP,
    MODEL_METADATA,
    PATHS,
    SERVER_METADATA,
    TENSOR_METADATA,
)
from mlsystem_runtime.serve.conformance.table import Group, expect, only_if
from mlsystem_runtime.serve.conformance.target import Target

GROUP = Group("health", "Health and metadata")
NOBODY = "no-such-model"


class Live(msgspec.Struct, frozen=True):
    live: bool


class Ready(msgspec.Struct, frozen=True):
    """`live` is how the protocol's text names it in the answer of readiness, by a slip that is in use."""

    ready: bool | None = None
    live: bool | None = None


class ModelReady(msgspec.Struct, frozen=True):
    name: str
    ready: bool


@GROUP.must(HEALTH)
def live(target: Target) -> None:
    """A server that answers says with 200 that it is live."""
    expect(target.http.ask("GET", "/v2/health/live").status == 200, "it is not live")


@GROUP.should(HEALTH)
def live_body(target: Target) -> None:
    """The answer about liveness is {"live": true}."""
    expect(ok(target.http.ask("GET", "/v2/health/live"), Live).live, "live is false beside 200")


@GROUP.must(HEALTH)
def ready(target: Target) -> None:
    """A server whose models answer says with 200 that it is ready."""
    expect(target.http.ask("GET", "/v2/health/ready").status == 200, "it is not ready")


@GROUP.should(HEALTH)
def ready_body(target: Target) -> None:
    """The answer about readiness is {"ready": true}, or {"live": true} as the protocol's text has it."""
    answer = ok(target.http.ask("GET", "/v2/health/ready"), Ready)
    expect(True in (answer.ready, answer.live) and answer.ready is not False, "neither ready nor live is true")


@GROUP.must(HEALTH)
def model_ready(target: Target) -> None:
    """A model that answers is ready: 200."""
    expect(target.http.ask("GET", f"{target.path}/ready").status == 200, "the model is not ready")


@GROUP.should(HEALTH)
def model_ready_body(target: Target) -> None:
    """The answer about a model's readiness is {"name": its name, "ready": true}."""
    answer = ok(target.http.ask("GET", f"{target.path}/ready"), ModelReady)
    expect(answer == ModelReady(target.model.name, True), f"it is {answer}")


@GROUP.must(HEALTH)
def unknown_model_is_not_ready(target: Target) -> None:
    """A model that the server does not have is not ready: 4xx."""
    status = target.http.ask("GET", f"/v2/models/{NOBODY}/ready").status
    expect(400 <= status < 500, f"expected 4xx, got {status}")


@GROUP.must(SERVER_METADATA)
def server_metadata(target: Target) -> None:
    """The server's metadata has its name, its version and the list of its extensions, all strings."""
    ok(target.http.ask("GET", "/v2"), ServerMetadata)


@GROUP.must(SERVER_METADATA)
def server_metadata_names_something(target: Target) -> None:
    """The server's name is not empty."""
    expect(bool(ok(target.http.ask("GET", "/v2"), ServerMetadata).name.strip()), "the name is empty")


@GROUP.must(MODEL_METADATA)
def model_metadata_name(target: Target) -> None:
    """The metadata of a model carries the name it was asked for by."""
    expect(metadata(target).name == target.model.name, f"the name is {metadata(target).name!r}")


@GROUP.must(MODEL_METADATA)
def model_metadata_platform(target: Target) -> None:
    """The metadata of a model have its platform, a string."""
    expect(metadata(target).platform is not None, "there is no platform")


@GROUP.must(TENSOR_METADATA)
def inputs_are_described(target: Target) -> None:
    """Every input has a name of its own, a datatype of the protocol and a shape of -1 and sizes."""
    described(target.model.inputs)


@GROUP.must(TENSOR_METADATA)
def outputs_are_described(target: Target) -> None:
    """Every output has a name of its own, a datatype of the protocol and a shape of -1 and sizes; there is one."""
    expect(bool(target.model.outputs), "the model has no outputs")
    described(target.model.outputs)


@GROUP.should(TENSOR_METADATA)
def inputs_are_there(target: Target) -> None:
    """A model that computes something from a request says what it needs."""
    expect(bool(target.model.inputs), "the metadata has no inputs")


@GROUP.must(MODEL_METADATA)
def metadata_stays(target: Target) -> None:
    """Asked again, the metadata of a model is the same."""
    expect(metadata(target) == target.model, "it changed between two requests")


@GROUP.must(MODEL_METADATA)
def versions_are_distinct(target: Target) -> None:
    """The metadata's versions, where there are any, are distinct strings."""
    expect(len(set(target.versions)) == len(target.versions), f"versions are {target.versions}")


@GROUP.should(HTTP)
def metadata_content_type(target: Target) -> None:
    """Metadata is sent as application/json."""
    for path in ("/v2", target.path):
        kind = target.http.ask("GET", path).headers.get("content-type", "")
        expect(kind.partition(";")[0].strip() == "application/json", f"Content-Type of {path} is {kind!r}")


@GROUP.must(ERRORS)
def unknown_model_metadata(target: Target) -> None:
    """Metadata of a model that the server does not have is an error, 4xx, with {"error": $string}."""
    refused(target.http.ask("GET", f"/v2/models/{NOBODY}"))


@GROUP.should(HTTP)
def unknown_model_metadata_404(target: Target) -> None:
    """Metadata of a model that the server does not have is 404 and not another error."""
    refused(target.http.ask("GET", f"/v2/models/{NOBODY}"), 404)


@GROUP.should(HTTP)
def unknown_path(target: Target) -> None:
    """A path that the protocol does not have is 404, with {"error": $string} as any other error."""
    refused(target.http.ask("GET", "/v2/no-such-path"), 404)


@GROUP.should(PATHS)
def path_with_more(target: Target) -> None:
    """A path that goes on behind one of the protocol is another path: 404."""
    refused(target.http.ask("GET", f"{target.path}/ready/more"), 404)


@GROUP.must(PATHS)
def post_of_metadata(target: Target) -> None:
    """Metadata is not posted: 4xx."""
    status = target.http.ask("POST", target.path, b"{}").status
    expect(400 <= status < 500, f"expected 4xx, got {status}")


@GROUP.should(HTTP)
def post_of_metadata_405(target: Target) -> None:
    """A method that a path does not have is 405, and Allow says which it has."""
    reply = target.http.ask("POST", target.path, b"{}")
    expect(reply.status == 405, f"expected 405, got {reply.status}")
    expect("GET" in reply.headers.get("allow", ""), f"Allow is {reply.headers.get('allow')!r}")


@GROUP.should(ERRORS)
def post_of_metadata_error(target: Target) -> None:
    """The error about a wrong method is {"error": $string} too."""
    refused(target.http.ask("POST", target.path, b"{}"))


@GROUP.must(PATHS)
def get_of_inference(target: Target) -> None:
    """Inference is not got, put or deleted: 4xx."""
    for method in ("GET", "PUT", "DELETE"):
        status = target.http.ask(method, target.infer_path(), b"{}" if method == "PUT" else None).status
        expect(400 <= status < 500, f"expected 4xx for {method}, got {status}")


@GROUP.must(HTTP)
def query_changes_nothing(target: Target) -> None:
    """A query that nobody asked for changes nothing."""
    expect(target.http.ask("GET", "/v2/health/live?now=1").status == 200, "/v2/health/live?now=1 is not live")
    expect(ok(target.http.ask("GET", f"{target.path}?a=b"), ModelMetadata) == target.model, "the metadata is another")


@GROUP.should(HTTP)
def escaped_name(target: Target) -> None:
    """A character of a path means the same when it is written as %XX."""
    escaped = "".join(f"%{byte:02X}" for byte in target.model.name.encode())
    found = ok(target.http.ask("GET", f"/v2/models/{escaped}"), ModelMetadata)
    expect(found.name == target.model.name, f"it is {found.name!r}")


@GROUP.should(HTTP)
def head_has_no_body(target: Target) -> None:
    """HEAD of a path that can be got is no server error, and has no body."""
    reply = target.http.ask("HEAD", "/v2/health/live")
    expect(reply.status < 500 and not reply.body, f"got {reply.status} with {len(reply.body)} bytes")


@GROUP.must(HTTP)
def odd_names_are_unknown(target: Target) -> None:
    """A model's name may be any string; one that nobody has is an error of the caller."""
    for name in ("..", "%", "a b", "a/b", "é", "x" * 3000, "%00"):
        status = target.http.ask("GET", f"/v2/models/{quote(name, safe='')}/ready").status
        expect(400 <= status < 500, f"expected 4xx for {name[:20]!r}, got {status}")


@GROUP.should(SERVER_METADATA)
def health_bodies_are_json(target: Target) -> None:
    """Health answers that have a body are JSON objects."""
    for path in ("/v2/health/live", "/v2/health/ready", f"{target.path}/ready"):
        reply = target.http.ask("GET", path)
        only_if(bool(reply.body), "health answers have no body")
        read(reply, dict[str, Any])


def metadata(target: Target) -> ModelMetadata:
    return ok(target.http.ask("GET", target.path), ModelMetadata)


def described(tensors: tuple[TensorMetadata, ...]) -> None:
    names = [one.name for one in tensors]
    expect(all(names) and len(set(names)) == len(names), f"names are {names}")
    for one in tensors:
        expect(one.datatype in NUMPY, f"{one.datatype} of {one.name} is no datatype of the protocol")
        expect(all(size >= -1 for size in one.shape), f"shape of {one.name} is {list(one.shape)}")
