"""Servers that keep the inference protocol but for one thing over REST: defects that real ones have had, or could."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from inference_reference import (
    FLOATS,
    INTEGERS,
    NUMPY,
    Answer,
    Array,
    Headers,
    Inferred,
    Reference,
    Refused,
    Tensor,
)

from mlsystem_runtime.serve.conformance.datatypes import flat


class WrapsIntegers(Reference):
    """2^40 in an INT32 is answered as another number."""

    def from_json(self, declared: Tensor, data: Any, shape: Sequence[int]) -> Array:
        if declared.datatype in INTEGERS and isinstance(data, list):
            bits = 8 * np.dtype(NUMPY[declared.datatype]).itemsize
            half = 0 if declared.datatype.startswith("U") else 2 ** (bits - 1)
            data = [(one + half) % 2**bits - half if type(one) is int else one for one in flat(data)]
        return super().from_json(declared, data, shape)


class AnswersAllOutputs(Reference):
    """What a request says about outputs is not looked at."""

    def wanted(self, asked: Sequence[Mapping[str, Any]]) -> dict[str, bool | None]:
        return super().wanted([])


class TakesAnyDatatype(Reference):
    def check_datatype(self, declared: Tensor, datatype: str) -> None:
        pass


class TakesTwice(Reference):
    """The last of two inputs with one name counts."""

    def check_names(self, inputs: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
        return super().check_names(list({one["name"]: one for one in inputs}.values()))


class TakesMinusOne(Reference):
    """A dimension of -1 is whatever the values need, as in NumPy."""

    def check_shape(self, declared: Tensor, shape: Sequence[int]) -> None:
        super().check_shape(declared, [1 if size == -1 else size for size in shape])

    def check_count(self, declared: Tensor, count: int, shape: Sequence[int]) -> None:
        super().check_count(declared, count, [1 if size == -1 else size for size in shape])


class SaysNothingAboutHealth(Reference):
    """Answers about health are empty."""

    def json(self, content: Any, status: int = 200, headers: Headers | None = None) -> Answer:
        answer = super().json(content, status, headers)
        health = status == 200 and isinstance(content, dict) and ({"live", "ready"} & content.keys())
        return replace(answer, body=b"") if health else answer


class FailsOnBrokenJson(Reference):
    """A body that is no JSON is taken for a fault of the server."""

    def load(self, text: bytes) -> Any:
        try:
            return super().load(text)
        except Refused as refused:
            raise Refused(500, str(refused)) from refused


class ReadsNaN(Reference):
    """NaN and Infinity are read as Python reads them, and are 0 to the model."""

    def constant(self, name: str) -> float:
        return 0.0


class LosesTheId(Reference):
    def encode(self, inferred: Inferred, headers: Headers) -> Answer:
        return super().encode(replace(inferred, id=None), headers)


class KeepsTheId(Reference):
    """A request without an id gets that of an earlier one."""

    last: str | None = None

    def encode(self, inferred: Inferred, headers: Headers) -> Answer:
        self.last = inferred.id or self.last
        return super().encode(replace(inferred, id=inferred.id or self.last), headers)


class RefusesNested(Reference):
    def check_nesting(self, declared: Tensor, data: list[Any], shape: Sequence[int]) -> None:
        if any(isinstance(one, list) for one in data):
            raise Refused(400, "data are one list")


class FlattensAnything(Reference):
    """How lists are nested is not looked at, only how many values there are."""

    def check_nesting(self, declared: Tensor, data: list[Any], shape: Sequence[int]) -> None:
        pass


class TakesBooleansForNumbers(Reference):
    def is_value(self, datatype: str, value: Any) -> bool:
        return super().is_value(datatype, int(value) if isinstance(value, bool) and datatype != "BOOL" else value)


class ReadsNumbersInStrings(Reference):
    def from_json(self, declared: Tensor, data: Any, shape: Sequence[int]) -> Array:
        if declared.datatype in (*INTEGERS, *FLOATS) and isinstance(data, list):
            data = [int(one) if isinstance(one, str) and one.isdecimal() else one for one in flat(data)]
        return super().from_json(declared, data, shape)


class CutsFractions(Reference):
    def from_json(self, declared: Tensor, data: Any, shape: Sequence[int]) -> Array:
        if declared.datatype in INTEGERS and isinstance(data, list):
            data = [int(one) if isinstance(one, float) else one for one in flat(data)]
        return super().from_json(declared, data, shape)


class TakesInfinity(Reference):
    """A number beyond the greatest of its type becomes the greatest."""

    def is_value(self, datatype: str, value: Any) -> bool:
        return super().is_value(datatype, 0.0 if datatype in FLOATS and isinstance(value, float) else value)

    def compute(self, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
        finite = {name: np.nan_to_num(array) if array.dtype.kind == "f" else array for name, array in arrays.items()}
        return super().compute(finite)


class CountsIn64Bits(Reference):
    """The number of values is the product of the dimensions in 64 bits, and a rank is not looked at."""

    def check_shape(self, declared: Tensor, shape: Sequence[int]) -> None:
        if shape and not any(size > 2**31 for size in shape):
            super().check_shape(declared, shape)

    def check_count(self, declared: Tensor, count: int, shape: Sequence[int]) -> None:
        product = 1
        for size in shape:
            product = product * size % 2**64
        super().check_count(declared, count, [product])

    def from_json(self, declared: Tensor, data: Any, shape: Sequence[int]) -> Array:
        wrapped = max(shape, default=0) > 2**31
        return super().from_json(declared, data, [1, len(flat(data))] if wrapped else shape)


class LeavesBytesOver(Reference):
    """Bytes behind the last input are not looked at."""

    def decode(self, headers: Headers, body: bytes) -> dict[str, Any]:
        length = self.json_length(headers, body)
        try:
            return super().decode(headers, body)
        except Refused as refused:
            left = str(refused).partition(" bytes belong to no input")
            if not left[1] or length == len(body):
                raise
            return super().decode(headers, body[: len(body) - int(left[0])])


class FillsUpBytes(Reference):
    """Bytes that are too few are followed by zeros."""

    def from_bytes(self, declared: Tensor, data: bytes, shape: Sequence[int]) -> Array:
        if declared.datatype == "BYTES" or np.prod(shape, dtype=float) > 2**20:
            return super().from_bytes(declared, data, shape)
        needed = int(np.prod(shape)) * np.dtype(NUMPY[declared.datatype]).itemsize
        return super().from_bytes(declared, data.ljust(needed, b"\0"), shape)


class ReadsBytesBackwards(Reference):
    """Numbers as bytes are read with the most significant byte first."""

    def from_bytes(self, declared: Tensor, data: bytes, shape: Sequence[int]) -> Array:
        array = super().from_bytes(declared, data, shape)
        return array.astype(array.dtype.newbyteorder()).view(array.dtype) if array.dtype.itemsize > 1 else array


class PrefersTheRequest(Reference):
    """What the request says about bytes overrides what an output says."""

    def infer(self, request: dict[str, Any], version: str | None) -> Inferred:
        everything = request.get("parameters", {}).get("binary_data_output")
        found = super().infer(request, version)
        chosen = frozenset(found.outputs) if everything else frozenset()
        return found if everything is None else replace(found, binary=chosen)


class IgnoresCodings(Reference):
    """A coding that it does not know is taken for none."""

    def uncompress(self, headers: Headers, body: bytes) -> bytes:
        known = headers.get("content-encoding") in ("gzip", "deflate")
        return super().uncompress(headers, body) if known else body


class FailsOnCodings(Reference):
    def uncompress(self, headers: Headers, body: bytes) -> bytes:
        if headers.get("content-encoding", "identity") != "identity":
            raise Refused(500, "bodies are not uncompressed")
        return body


class AlwaysCompresses(Reference):
    """Answers are in gzip, whoever asks."""

    def compressed(self, answer: Answer, headers: Headers) -> Answer:
        return super().compressed(answer, {"accept-encoding": "gzip"} if headers.get("accept-encoding") else headers)


class RemembersTheFirst(Reference):
    """A cache whose key is only the shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.cache: dict[object, Mapping[str, Array]] = {}

    def compute(self, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
        key = tuple(sorted((name, array.shape) for name, array in arrays.items()))
        return self.cache.setdefault(key, super().compute(arrays))


class MixesCallers(Reference):
    """Rows pass through a field that all requests share."""

    shared: Mapping[str, Array] | None = None

    def compute(self, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
        self.shared = arrays
        time.sleep(0.002)
        return super().compute(self.shared)


class TurnsRows(Reference):
    """A batch comes back with its rows the other way round."""

    def compute(self, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
        return {name: array[::-1] for name, array in super().compute(arrays).items()}


class ForgetsARow(Reference):
    """A large batch is answered without its last row."""

    def compute(self, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
        return {name: array[:50] for name, array in super().compute(arrays).items()}


class IgnoresVersions(Reference):
    def find(self, name: str, version: str | None) -> None:
        super().find(name, None)


class SaysBadRequest(Reference):
    """Whatever is not found is 400."""

    def error(self, status: int, message: str) -> Answer:
        return super().error(400 if status == 404 else status, message)


class NamesNoInput(Reference):
    def error(self, status: int, message: str) -> Answer:
        return super().error(status, "the request is wrong")


class ShowsTheStack(Reference):
    def error(self, status: int, message: str) -> Answer:
        return super().error(status, f"Traceback (most recent call last):\n  {message}")


class ErrorsInHtml(Reference):
    """Errors are pages for people."""

    def error(self, status: int, message: str) -> Answer:
        return replace(super().error(status, message), headers={"Content-Type": "text/html"}, body=b"<h1>no</h1>")


class RefusesUnknownMembers(Reference):
    def check_request(self, request: Any) -> None:
        super().check_request(request)
        if request.keys() - {"id", "parameters", "inputs", "outputs"}:
            raise Refused(400, "there are unknown members")


class SortsOutputs(Reference):
    """Outputs come in the model's order."""

    def wanted(self, asked: Sequence[Mapping[str, Any]]) -> dict[str, bool | None]:
        wanted = super().wanted(asked)
        return {one.name: wanted[one.name] for one in self.model.outputs if one.name in wanted}


class IgnoresExtraInputs(Reference):
    """An input that the model does not have is left aside."""

    def read_input(self, one: dict[str, Any], rest: bytes) -> bytes:
        known = {declared.name for declared in self.model.inputs}
        return super().read_input(one, rest) if one["name"] in known or "data" not in one else rest

    def check_names(self, inputs: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
        return super().check_names([one for one in inputs if "array" in one])


class AnswersInText(Reference):
    """Everything is sent as text."""

    def json(self, content: Any, status: int = 200, headers: Headers | None = None) -> Answer:
        answer = super().json(content, status, headers)
        return replace(answer, headers={**answer.headers, "Content-Type": "text/plain"})


class SaysOk(Reference):
    """Answers about health are words."""

    def json(self, content: Any, status: int = 200, headers: Headers | None = None) -> Answer:
        answer = super().json(content, status, headers)
        health = status == 200 and isinstance(content, dict) and ({"live", "ready"} & content.keys())
        return replace(answer, body=b"OK") if health else answer


class HidesTheExtension(Reference):
    extensions = ()
