"""The Open Inference Protocol v2 as plainly as it can be written: what a server under the conformance suite should do.

Small methods, one rule each, so that a test can break one of them.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
from inference_models import MIXED, Model, Tensor

from mlsystem_runtime.serve.conformance.datatypes import (
    FLOATS,
    INTEGERS,
    NUMPY,
    Array,
    array_of,
    bounds,
    flat,
    from_bytes,
    to_bytes,
)

LIMIT = 16 << 20
Headers = Mapping[str, str]


class Refused(Exception):  # noqa: N818 - an answer, not an error of this program
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True)
class Inferred:
    """`binary` names the outputs that are wanted as bytes."""

    model: Model
    version: str | None
    id: str | None
    outputs: Mapping[str, Array]
    binary: frozenset[str]


class Reference:
    """The protocol without a transport. `model` is the only one."""

    name, server_version, extensions = "reference", "1.0", ("binary_tensor_data",)

    def __init__(self, model: Model = MIXED) -> None:
        self.model = model

    def rest(self, method: str, path: str, headers: Headers, body: bytes) -> Answer:
        try:
            return self.route(method, [unquote(part) for part in urlsplit(path).path.split("/")[1:]], headers, body)
        except Refused as refused:
            return self.error(refused.status, str(refused))

    def error(self, status: int, message: str) -> Answer:
        return self.json({"error": message}, status, {"Allow": "GET"} if status == 405 else {})

    def json(self, content: Any, status: int = 200, headers: Headers | None = None) -> Answer:
        kind = {"Content-Type": "application/json"}
        return Answer(status, kind | dict(headers or {}), json.dumps(content, allow_nan=False).encode())

    def route(self, method: str, parts: list[str], headers: Headers, body: bytes) -> Answer:
        match parts:
            case ["v2", "models", name, "versions", version, *rest]:
                return self.of_model(method, name, version, rest, headers, body)
            case ["v2", "models", name, *rest]:
                return self.of_model(method, name, None, rest, headers, body)
            case ["v2", "repository", "index"]:
                return self.json([{"name": self.model.name}])
            case ["v2"]:
                content: dict[str, Any] = self.server()
            case ["v2", "health", "live"]:
                content = {"live": True}
            case ["v2", "health", "ready"]:
                content = {"ready": True}
            case _:
                raise Refused(404, "there is no such path")
        self.allow(method, "GET", "HEAD")
        return self.json(content)

    def of_model(
        self, method: str, name: str, version: str | None, rest: list[str], headers: Headers, body: bytes
    ) -> Answer:
        self.find(name, version)
        match rest:
            case ["infer"]:
                self.allow(method, "POST")
                return self.encode(self.infer(self.decode(headers, self.uncompress(headers, body)), version), headers)
            case []:
                self.allow(method, "GET", "HEAD")
                return self.json(self.model.described())
            case ["ready"]:
                self.allow(method, "GET", "HEAD")
                return self.json({"name": name, "ready": True})
        raise Refused(404, "there is no such path")

    def allow(self, method: str, *allowed: str) -> None:
        if method not in allowed:
            raise Refused(405, f"{method} is not for this path")

    def server(self) -> dict[str, Any]:
        return {"name": self.name, "version": self.server_version, "extensions": list(self.extensions)}

    def find(self, name: str, version: str | None) -> None:
        if name != self.model.name:
            raise Refused(404, f"there is no model '{name}'")
        if version is not None and version not in self.model.versions:
            raise Refused(404, f"there is no version '{version}' of '{name}'")

    def uncompress(self, headers: Headers, body: bytes) -> bytes:
        coding = headers.get("content-encoding", "identity")
        if coding not in ("identity", "gzip", "deflate"):
            raise Refused(415, f"bodies in {coding} are not read")
        if coding == "identity":
            return body
        undo = zlib.decompressobj(wbits=31 if coding == "gzip" else 15)
        try:
            plain = undo.decompress(body, LIMIT)
        except zlib.error as error:
            raise Refused(400, f"the body is not {coding}: {error}") from error
        if undo.unconsumed_tail:
            raise Refused(413, f"the body is larger than {LIMIT} bytes")
        if not undo.eof:
            raise Refused(400, f"the body is not complete {coding}")
        return plain

    def decode(self, headers: Headers, body: bytes) -> dict[str, Any]:
        """The request with `array` in each input, wherever its values stood."""
        length = self.json_length(headers, body)
        request = self.load(body[:length])
        self.check_request(request)
        rest = body[length:]
        for one in request["inputs"]:
            rest = self.read_input(one, rest)
        if rest:
            raise Refused(400, f"{len(rest)} bytes belong to no input")
        return request

    def json_length(self, headers: Headers, body: bytes) -> int:
        header = headers.get("inference-header-content-length")
        if header is None:
            return len(body)
        if not header.isdecimal() or int(header) > len(body):
            raise Refused(400, f"Inference-Header-Content-Length is '{header}'")
        return int(header)

    def load(self, text: bytes) -> Any:
        try:
            return json.loads(text.decode(), parse_constant=self.constant)
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"the body is not JSON: {error}") from error

    def constant(self, name: str) -> float:
        raise ValueError(f"{name} is no JSON")

    def check_request(self, request: Any) -> None:
        if not isinstance(request, dict) or not isinstance(request.get("inputs"), list) or not request["inputs"]:
            raise Refused(400, "a request is an object with inputs")
        self.check_id(request)
        self.check_parameters(request)
        for one in request["inputs"]:
            self.check_input(one)
        self.check_outputs(request.get("outputs", []))

    def check_id(self, request: dict[str, Any]) -> None:
        name = request.get("id", "")
        if not isinstance(name, str) or any("\ud800" <= letter <= "\udfff" for letter in name):
            raise Refused(400, "id is no string")

    def check_parameters(self, holder: dict[str, Any]) -> None:
        parameters = holder.get("parameters", {})
        if not isinstance(parameters, dict):
            raise Refused(400, "parameters are no object")
        for switch in ("binary_data", "binary_data_output"):
            if not isinstance(parameters.get(switch, False), bool):
                raise Refused(400, f"{switch} is no boolean")

    def check_input(self, one: Any) -> None:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise Refused(400, "an input is an object with a name")
        if not isinstance(one.get("datatype"), str) or not isinstance(one.get("shape"), list):
            raise Refused(400, f"input '{one['name']}' has no datatype or no shape")
        if any(type(size) is not int for size in one["shape"]):
            raise Refused(400, f"the shape of '{one['name']}' is no list of whole numbers")
        self.check_parameters(one)

    def check_outputs(self, outputs: Any) -> None:
        if not isinstance(outputs, list):
            raise Refused(400, "outputs are no list")
        for one in outputs:
            if not isinstance(one, dict) or not isinstance(one.get("name"), str):
                raise Refused(400, "an output is an object with a name")
            self.check_parameters(one)

    def read_input(self, one: dict[str, Any], rest: bytes) -> bytes:
        """Puts `array` into it and returns the bytes that are not its own."""
        declared = self.declared(one["name"], one["datatype"], one["shape"])
        if ("data" in one) == ("binary_data_size" in one.get("parameters", {})):
            raise Refused(400, f"input '{declared.name}' has both data and bytes, or neither")
        if "data" in one:
            one["array"] = self.from_json(declared, one["data"], one["shape"])
            return rest
        size = self.binary_size(one, rest)
        one["array"] = self.from_bytes(declared, rest[:size], one["shape"])
        return rest[size:]

    def declared(self, name: str, datatype: str, shape: Sequence[int]) -> Tensor:
        for one in self.model.inputs:
            if one.name == name:
                self.check_datatype(one, datatype)
                self.check_shape(one, shape)
                return one
        raise Refused(400, f"there is no input '{name}'")

    def check_datatype(self, declared: Tensor, datatype: str) -> None:
        if datatype != declared.datatype:
            raise Refused(400, f"input '{declared.name}' is {declared.datatype}, not '{datatype}'")

    def check_shape(self, declared: Tensor, shape: Sequence[int]) -> None:
        fits = all(one in (-1, size) for one, size in zip(declared.shape, shape, strict=False))
        if not fits or len(shape) != len(declared.shape) or any(size < 0 for size in shape):
            raise Refused(400, f"the shape of '{declared.name}' is {list(declared.shape)}, not {list(shape)}")

    def from_json(self, declared: Tensor, data: Any, shape: Sequence[int]) -> Array:
        if not isinstance(data, list):
            raise Refused(400, f"the data of '{declared.name}' are no list")
        self.check_nesting(declared, data, shape)
        values = flat(data)
        for value in values:
            self.check_value(declared, value)
        self.check_count(declared, len(values), shape)
        return array_of(declared.datatype, values, shape)

    def check_nesting(self, declared: Tensor, data: list[Any], shape: Sequence[int]) -> None:
        """Either no list inside, or lists as the shape has them."""
        if any(isinstance(one, list) for one in data) and not nested_as(data, shape):
            raise Refused(400, f"the lists of '{declared.name}' are not those of its shape")

    def check_count(self, declared: Tensor, count: int, shape: Sequence[int]) -> None:
        if count != math.prod(shape):
            raise Refused(400, f"'{declared.name}' has {count} values for a shape of {list(shape)}")

    def check_value(self, declared: Tensor, value: Any) -> None:
        if not self.is_value(declared.datatype, value):
            raise Refused(400, f"'{declared.name}' has a value that is no {declared.datatype}")

    def is_value(self, datatype: str, value: Any) -> bool:
        if datatype in INTEGERS:
            least, greatest = bounds(datatype)
            return type(value) is int and least <= value <= greatest
        if datatype in FLOATS:
            greatest_float = float(np.finfo(NUMPY[datatype]).max)
            return type(value) in (int, float) and abs(value) <= greatest_float
        return type(value) is (bool if datatype == "BOOL" else str)

    def binary_size(self, one: dict[str, Any], rest: bytes) -> int:
        size = one["parameters"]["binary_data_size"]
        if type(size) is not int or not 0 <= size <= len(rest):
            raise Refused(400, f"binary_data_size of '{one['name']}' is {size!r}, and {len(rest)} bytes follow")
        return size

    def from_bytes(self, declared: Tensor, data: bytes, shape: Sequence[int]) -> Array:
        try:
            array = from_bytes(declared.datatype, data, shape)
        except (ValueError, OverflowError) as error:
            raise Refused(400, f"the bytes of '{declared.name}' are not of its shape: {error}") from error
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Refused(422, f"'{declared.name}' has a value that is not finite")
        return array

    def infer(self, request: dict[str, Any], version: str | None) -> Inferred:
        arrays = self.check_names(request["inputs"])
        self.check_rows(list(arrays.values()))
        outputs = self.compute(arrays)
        wanted = self.wanted(request.get("outputs", []))
        everything = request.get("parameters", {}).get("binary_data_output", False)
        binary = {name for name, switch in wanted.items() if (everything if switch is None else switch)}
        latest = self.model.versions[-1] if self.model.versions else None
        answered = {name: outputs[name] for name in wanted}
        return Inferred(self.model, version or latest, request.get("id"), answered, frozenset(binary))

    def check_names(self, inputs: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
        """All inputs of the model, each once."""
        names = [one["name"] for one in inputs]
        if sorted(names) != sorted(one.name for one in self.model.inputs):
            raise Refused(400, f"inputs are {names}, the model has {[one.name for one in self.model.inputs]}")
        return {one["name"]: one["array"] for one in inputs}

    def check_rows(self, arrays: Sequence[Array]) -> None:
        if len({len(array) for array in arrays}) > 1:
            raise Refused(400, "inputs have different numbers of rows")

    def compute(self, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
        with np.errstate(all="ignore"):
            outputs = self.model.compute({one.name: arrays[one.name] for one in self.model.inputs})
        if not all(np.isfinite(array).all() for array in outputs.values() if array.dtype.kind == "f"):
            raise Refused(422, "the answer is not finite")
        return outputs

    def wanted(self, asked: Sequence[Mapping[str, Any]]) -> dict[str, bool | None]:
        """The outputs to send, and whether as bytes; None where the request as a whole says that."""
        names = [one.name for one in self.model.outputs]
        wanted: dict[str, bool | None] = {}
        for one in asked:
            if one["name"] not in names or one["name"] in wanted:
                raise Refused(400, f"there is no output '{one['name']}', or it is asked for twice")
            wanted[one["name"]] = one.get("parameters", {}).get("binary_data")
        return wanted or dict.fromkeys(names)

    def encode(self, inferred: Inferred, headers: Headers) -> Answer:
        parts: list[bytes] = []
        content = {"model_name": inferred.model.name, "outputs": self.encode_outputs(inferred, parts)}
        content |= {} if inferred.version is None else {"model_version": inferred.version}
        content |= {} if inferred.id is None else {"id": inferred.id}
        head = self.json(content)
        if not parts:
            return self.compressed(head, headers)
        kinds = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head.body))}
        return Answer(200, kinds, head.body + b"".join(parts))

    def encode_outputs(self, inferred: Inferred, parts: list[bytes]) -> list[dict[str, Any]]:
        datatypes = {one.name: one.datatype for one in self.model.outputs}
        encoded = []
        for name, array in inferred.outputs.items():
            one: dict[str, Any] = {"name": name, "datatype": datatypes[name], "shape": list(array.shape)}
            if name in inferred.binary:
                parts.append(to_bytes(datatypes[name], array))
                one["parameters"] = {"binary_data_size": len(parts[-1])}
            else:
                one["data"] = array.ravel().tolist()
            encoded.append(one)
        return encoded

    def compressed(self, answer: Answer, headers: Headers) -> Answer:
        if "gzip" not in [coding.strip() for coding in headers.get("accept-encoding", "").split(",")]:
            return answer
        return Answer(answer.status, {**answer.headers, "Content-Encoding": "gzip"}, gzip.compress(answer.body))


def nested_as(data: Any, shape: Sequence[int]) -> bool:
    if not shape:
        return not isinstance(data, list)
    return isinstance(data, list) and len(data) == shape[0] and all(nested_as(one, shape[1:]) for one in data)
