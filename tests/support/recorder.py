"""A Pulumi program run under the real SDK against a monitor that only writes down what is registered."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    language_pb2,
    provider_pb2,
    resource_pb2,
    resource_pb2_grpc,
)

from mlsystem.apply.program import inline

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands on the wire for a value that only an update will know."""


Computed = Mapping[str, Mapping[str, Any]]
"""Outputs that are no inputs, by the type of the resource or the name of the function."""


@dataclass(frozen=True)
class Recorded:
    """One registered resource. `inputs` are as the provider would get them."""

    type: str
    name: str
    inputs: dict[str, Any] = field(hash=False)
    depends_on: tuple[str, ...]
    provider: str
    options: tuple[str, ...]

    @property
    def urn(self) -> str:
        return f"{self.type}::{self.name}"


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """`unknown`: no resource has outputs, as in the preview of an empty stack; else they are the inputs, an `arn`, and
    what `computed` says of the type. `outside` is what every other stack exports."""

    def __init__(self, unknown: bool, computed: Computed, outside: Mapping[str, Any]) -> None:
        self.unknown = unknown
        self.computed, self.outside = computed, outside
        self.recorded: list[Recorded] = []

    def SupportsFeature(self, request: Any, context: Any) -> resource_pb2.SupportsFeatureResponse:
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in ("secrets", "resourceReferences"))

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "an engine before it")

    def RegisterResource(self, request: Any, context: Any) -> resource_pb2.RegisterResourceResponse:
        urn = f"{request.type}::{request.name}"
        if request.type != "pulumi:pulumi:Stack":
            self.recorded.append(recorded(request))
        outputs = struct_pb2.Struct()
        if self.unknown:
            outputs.update(dict.fromkeys((*request.object.keys(), "status", "spec", "metadata"), UNKNOWN))
        else:
            outputs.update({"arn": f"arn:{request.name}", **self.computed.get(request.type, {})})
            outputs.MergeFrom(request.object)
        return resource_pb2.RegisterResourceResponse(urn=urn, id="" if self.unknown else request.name, object=outputs)

    def ReadResource(self, request: Any, context: Any) -> resource_pb2.ReadResourceResponse:
        properties = struct_pb2.Struct()
        properties.update({"name": request.id, "outputs": dict(self.outside), "secretOutputNames": []})
        return resource_pb2.ReadResourceResponse(urn=f"{request.type}::{request.name}", properties=properties)

    def Invoke(self, request: Any, context: Any) -> Any:
        found = struct_pb2.Struct()
        found.update(self.computed.get(request.tok, {}))
        return provider_pb2.InvokeResponse(**{"return": found})

    def RegisterResourceOutputs(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()


class Engine(engine_pb2_grpc.EngineServicer):
    def Log(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def SetRootResource(self, request: Any, context: Any) -> engine_pb2.SetRootResourceResponse:
        return engine_pb2.SetRootResourceResponse()


def recorded(request: Any) -> Recorded:
    named = {"retain_on_delete": request.retainOnDelete, "protect": request.protect}
    return Recorded(
        type=request.type,
        name=request.name,
        inputs=numbers(json_format.MessageToDict(request.object)),
        depends_on=tuple(sorted(request.dependencies)),
        provider=request.provider.rpartition("::")[0],
        options=tuple(name for name, value in named.items() if value),
    )


def numbers(value: Any) -> Any:
    """On the wire all numbers are floating."""
    match value:
        case dict():
            return {key: numbers(one) for key, one in value.items()}
        case list():
            return [numbers(one) for one in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


class ProgramError(Exception):
    """What the program died of."""


def record(
    folder: Path, configuration: Mapping[str, str], *, unknown: bool = False, computed: Computed | None = None,
    outside: Mapping[str, Any] | None = None,
) -> list[Recorded]:  # fmt: skip
    """Everything that the program in `folder` registers, by type and name; `configuration` is that of the stack."""
    monitor = Monitor(unknown, computed or {}, outside or {})
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    engine_pb2_grpc.add_EngineServicer_to_server(Engine(), server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        request = language_pb2.RunRequest(
            project="test", stack="test", monitor_address=address, args=[address], dryRun=unknown, parallel=4,
            organization="organization", config=configuration,
        )  # fmt: skip
        language: Any = LanguageServer(inline(folder))
        answer = language.Run(request, None)
    finally:
        server.stop(None)
    if answer.error:
        raise ProgramError(answer.error)
    return sorted(monitor.recorded, key=lambda one: (one.type, one.name))
