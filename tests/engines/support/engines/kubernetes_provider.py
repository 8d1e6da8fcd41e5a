"""A stand-in for Pulumi's Kubernetes provider, so that Pulumi's engine is real where the provider is not to be had.

It creates, applies server-side, reads back and deletes; like the real one it refuses to create what exists unless
`upsertExistingObjects`, and waits for nothing. What is checked before an object is sent, the server checks.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from engines import releases
from engines.provider_protocol import UNKNOWN, Properties, diff_response, linger, read, serve, write
from engines.stacks import PulumiPlace
from mlsystem.apply.cluster_api import HttpsApi, Reference
from mlsystem.errors import MlsystemError

MANAGER = "pulumi-stand-in"
FIXED = ("apiVersion", "kind", "metadata.name", "metadata.namespace")


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
        self.api = api_of(given)
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        old, new = read(request.old_inputs), read(request.news)
        fixed = ("name", "namespace", "chart") if releases.is_release(request.urn) else fixed_fields(old)
        return diff_response(old, new, fixed)

    def Create(self, request: Any, context: Any) -> Any:
        wanted = read(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        with refusing(context):
            linger()
            if releases.is_release(request.urn):
                identity, found = releases.create(self.api, wanted)
                return provider_pb2.CreateResponse(id=identity, properties=write(found))
            there = self.api.get(Reference.of(wanted)) is not None
            if there and not self.upsert:
                context.abort(grpc.StatusCode.ALREADY_EXISTS, f"{Reference.of(wanted)} already exists")
            made = self.api.apply(wanted)
            linger()
            return provider_pb2.CreateResponse(id=id_of(made), properties=write(seen(wanted, made)))

    def Read(self, request: Any, context: Any) -> Any:
        wanted = read(request.inputs)
        with refusing(context):
            if releases.is_release(request.urn):
                asked = releases.read(self.api, wanted)
                if asked is None:
                    return provider_pb2.ReadResponse()
                outputs = write({**read(request.properties), **asked})
                return provider_pb2.ReadResponse(id=request.id, properties=outputs, inputs=write(asked))
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
            if releases.is_release(request.urn):
                releases.update(self.api, wanted)
                return provider_pb2.UpdateResponse(properties=request.news)
            made = self.api.apply(wanted)
            linger()
        return provider_pb2.UpdateResponse(properties=write(seen(wanted, made)))

    def Delete(self, request: Any, context: Any) -> Any:
        if releases.is_release(request.urn):
            with refusing(context):
                releases.delete(self.api, read(request.properties))
            return empty_pb2.Empty()
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


def api_of(settings: Properties) -> ServerSide:
    """By the kubeconfig that the settings hold, where they hold one, else by that of the environment."""
    content = settings.get("kubeconfig")
    if content in (None, UNKNOWN):
        return ServerSide(settings.get("context"), os.environ)
    with tempfile.NamedTemporaryFile("w", prefix="kubeconfig-", delete=False) as file:
        file.write(content)
    return ServerSide(settings.get("context"), {**os.environ, "KUBECONFIG": file.name})


class refusing:  # noqa: N801 - reads as a statement
    """What the server says no to is the operation's error."""

    def __init__(self, context: Any) -> None:
        self.context = context

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, MlsystemError):
            self.context.abort(grpc.StatusCode.UNKNOWN, error.message)


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


def fixed_fields(old: Properties) -> tuple[str, ...]:
    """What changes by replacement; the data of an immutable ConfigMap too."""
    return (*FIXED, "data") if old.get("kind") == "ConfigMap" and old.get("immutable") else FIXED


def main() -> None:
    serve(Provider())


if __name__ == "__main__":
    main()
