"""What providers of the tests' own have in common: properties on the wire, differences, a server that ends with the
engine."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

DELAY = "MLSYSTEM_TEST_PROVIDER_DELAY"
"""Seconds that every change takes longer, for tests that interrupt."""
Kind = provider_pb2.PropertyDiff
REPLACING = {Kind.ADD: Kind.ADD_REPLACE, Kind.DELETE: Kind.DELETE_REPLACE, Kind.UPDATE: Kind.UPDATE_REPLACE}
Properties = dict[str, Any]
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands in a preview for a value that is not known yet."""


def linger() -> None:
    time.sleep(float(os.environ.get(DELAY, "0")) / 2)


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


def diff_response(old: Properties, new: Properties, fixed: tuple[str, ...]) -> Any:
    """`fixed` paths change by replacement, all that begins with one too."""
    found: dict[str, Any] = dict(differences(old, new, ""))
    replaces = [path for path in found if is_below(path, fixed)]
    detailed = {
        path: provider_pb2.PropertyDiff(kind=REPLACING[kind] if path in replaces else kind, inputDiff=True)
        for path, kind in found.items()
    }
    changes = provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=changes, replaces=replaces, deleteBeforeReplace=bool(replaces), hasDetailedDiff=True,
        diffs=sorted({path.partition(".")[0].partition("[")[0] for path in found}), detailedDiff=detailed,
    )  # fmt: skip


def is_below(path: str, fixed: tuple[str, ...]) -> bool:
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in fixed)


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


def serve(provider: provider_pb2_grpc.ResourceProviderServicer) -> None:
    """On a port of its own, which is printed, until the engine ends."""
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))  # PR_SET_PDEATHSIG
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()
