"""A stand-in for Pulumi's Kubernetes provider, so that Pulumi's engine is real where the provider is not to be had.

It creates, applies server-side, reads back and deletes; like the real one it refuses to create what exists unless
`upsertExistingObjects`, and waits for nothing. What is checked before an object is sent, the server checks.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from engines.stacks import PulumiPlace
from mlsystem.apply.cluster_api import HttpsApi, Reference
from mlsystem.errors import MlsystemError

DELAY = "MLSYSTEM_TEST_PROVIDER_DELAY"
"""Seconds that every change takes longer, for tests that interrupt."""
MANAGER = "pulumi-stand-in"
FIXED = ("apiVersion", "kind", "metadata.name", "metadata.namespace")
Kind = provider_pb2.PropertyDiff
REPLACING = {Kind.ADD: Kind.ADD_REPLACE, Kind.DELETE: Kind.DELETE_REPLACE, Kind.UPDATE: Kind.UPDATE_REPLACE}
Properties = dict[str, Any]


def install(place: PulumiPlace) -> Path:
    """On the PATH of everything that runs with the place's settings."""
    support = Path(__file__).resolve().parents[1]
    return place.add_program(
        "pulumi-resource-kubernetes",
        f"#!/bin/sh\nPYTHONPATH={support} exec {sys.executable} -m engines.kubernetes_provider \"$@\"\n",
    )


class ServerSide(HttpsApi):
    def apply(self, body: Properties) -> Properties:
        """Raises where another manager owns a field that would change."""
        one = Reference.of(body)
        place = self._place(one.api_version, one.kind, one.namespace)
        path = f"{place}/{one.name}?fieldManager={MANAGER}&fieldValidation=Strict"
        applied = self._ask("PATCH", path, body, "application/apply-patch+yaml")
        assert applied is not None, f"{one} has no place"
        return applied


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    def __init__(self) -> None:
        self.api = ServerSide(None, os.environ)
        self.upsert = False

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=False, accept_resources=False)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="4.32.0")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return diff_response(read(request.old_inputs), read(request.news), ("clusterIdentifier",))

    def Configure(self, request: Any, context: Any) -> Any:
        given = read(request.args)
        self.upsert = str(given.get("upsertExistingObjects")).lower() == "true"
        self.api = ServerSide(given.get("context"), os.environ)
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        return diff_response(read(request.old_inputs), read(request.news), FIXED)

    def Create(self, request: Any, context: Any) -> Any:
        wanted = read(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        with refusing(context):
            linger()
            there = self.api.get(Reference.of(wanted)) is not None
            if there and not self.upsert:
                context.abort(grpc.StatusCode.ALREADY_EXISTS, f"{Reference.of(wanted)} already exists")
            made = self.api.apply(wanted)
            linger()
            return provider_pb2.CreateResponse(id=id_of(made), properties=write(seen(wanted, made)))

    def Read(self, request: Any, context: Any) -> Any:
        wanted = read(request.inputs)
        with refusing(context):
            there = self.api.get(Reference.of(wanted))
        if there is None:
            return provider_pb2.ReadResponse()
        found = write(seen(wanted, there))
        return provider_pb2.ReadResponse(id=request.id, properties=found, inputs=found)

    def Update(self, request: Any, context: Any) -> Any:
        wanted = read(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        with refusing(context):
            linger()
            made = self.api.apply(wanted)
            linger()
        return provider_pb2.UpdateResponse(properties=write(seen(wanted, made)))

    def Delete(self, request: Any, context: Any) -> Any:
        one = Reference.of(read(request.properties))
        with refusing(context):
            linger()
            self.api.delete(one)
            deadline = time.monotonic() + 60
            while self.api.get(one) is not None:
                if time.monotonic() > deadline:
                    context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, f"{one} is still there")
                time.sleep(0.1)
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


class refusing:  # noqa: N801 - reads as a statement
    """What the server says no to is the operation's error."""

    def __init__(self, context: Any) -> None:
        self.context = context

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, MlsystemError):
            self.context.abort(grpc.StatusCode.UNKNOWN, error.message)


def linger() -> None:
    time.sleep(float(os.environ.get(DELAY, "0")) / 2)


def id_of(made: Properties) -> str:
    metadata = made["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else str(metadata["name"])


def seen(wanted: Any, there: Any) -> Any:
    """Of what is there, the fields that were asked for; the server leaves out what says nothing (false, 0, "")."""
    if isinstance(wanted, dict) and isinstance(there, dict):
        said = {key: value for key, value in wanted.items() if key in there or not value}
        return {key: seen(value, there[key]) if key in there else value for key, value in said.items()}
    if isinstance(wanted, list) and isinstance(there, list) and len(wanted) == len(there):
        return [seen(*pair) for pair in zip(wanted, there, strict=True)]
    return there


def diff_response(old: Properties, new: Properties, fixed: tuple[str, ...]) -> Any:
    """`fixed` fields, and the data of an immutable ConfigMap, change by replacement."""
    found: dict[str, Any] = dict(differences(old, new, ""))
    if old.get("kind") == "ConfigMap" and old.get("immutable"):
        fixed = (*fixed, *(path for path in found if path.startswith("data")))
    replaces = [path for path in found if path in fixed]
    detailed = {
        path: provider_pb2.PropertyDiff(kind=REPLACING[kind] if path in fixed else kind, inputDiff=True)
        for path, kind in found.items()
    }
    changes = provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=changes, replaces=replaces, deleteBeforeReplace=bool(replaces), hasDetailedDiff=True,
        diffs=sorted({path.partition(".")[0].partition("[")[0] for path in found}), detailedDiff=detailed,
    )  # fmt: skip


def differences(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Paths that differ, with the kind of the difference."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            step = f'["{key}"]' if "." in key or "/" in key else f".{key}" if path else key
            if key not in old:
                yield path + step, Kind.ADD
            elif key not in new:
                yield path + step, Kind.DELETE
            else:
                yield from differences(old[key], new[key], path + step)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, pair in enumerate(zip(old, new, strict=True)):
            yield from differences(*pair, f"{path}[{place}]")
    elif old != new:
        yield path, Kind.UPDATE


def read(properties: struct_pb2.Struct) -> Properties:
    found: Properties = whole(json_format.MessageToDict(properties))
    return found


def whole(value: Any) -> Any:
    """On the wire all numbers are floating."""
    match value:
        case dict():
            return {key: whole(one) for key, one in value.items()}
        case list():
            return [whole(one) for one in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def write(properties: Properties) -> struct_pb2.Struct:
    return json_format.Parse(json.dumps(properties), struct_pb2.Struct())


def main() -> None:
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))  # PR_SET_PDEATHSIG: it ends with the engine
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
