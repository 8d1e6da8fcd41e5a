"""The element types of tensors: their names, their ranges, and their three forms (JSON, bytes, a list of protobuf).

Every reader gives Python values as the JSON of a row would give them, one per element, and raises ValueError in words
that go on after the name of a tensor. A not-a-number stays one: whether it is a null is for its column to say.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import NoneType
from typing import Any, Literal

Kind = Literal["whole", "float", "truth", "text"]

LENGTH = struct.Struct("<I")
TYPES: Mapping[Kind, frozenset[type]] = {
    "whole": frozenset({int, NoneType}),
    "float": frozenset({int, float, NoneType}),
    "truth": frozenset({bool, NoneType}),
    "text": frozenset({str, NoneType}),
}
WORDS: Mapping[Kind, str] = {
    "whole": "whole numbers", "float": "numbers", "truth": "true and false", "text": "strings",
}


@dataclass(frozen=True)
class Datatype:
    """`size` is of one element in bytes, 0 for text, whose length varies; `code` is that of `struct`, little-endian.

    `field` is the list of protobuf's InferTensorContents that holds such elements, "" where none can.
    """

    name: str
    kind: Kind
    size: int
    code: str
    field: str

    @cached_property
    def bounds(self) -> tuple[int, int]:
        """Least and greatest whole number."""
        if self.name.startswith("U"):
            return 0, 2 ** (8 * self.size) - 1
        return -(2 ** (8 * self.size - 1)), 2 ** (8 * self.size - 1) - 1


DATATYPES: Mapping[str, Datatype] = {one.name: one for one in (
    Datatype("BOOL", "truth", 1, "?", "bool_contents"),
    Datatype("INT8", "whole", 1, "b", "int_contents"),
    Datatype("INT16", "whole", 2, "h", "int_contents"),
    Datatype("INT32", "whole", 4, "i", "int_contents"),
    Datatype("INT64", "whole", 8, "q", "int64_contents"),
    Datatype("UINT8", "whole", 1, "B", "uint_contents"),
    Datatype("UINT16", "whole", 2, "H", "uint_contents"),
    Datatype("UINT32", "whole", 4, "I", "uint_contents"),
    Datatype("UINT64", "whole", 8, "Q", "uint64_contents"),
    Datatype("FP16", "float", 2, "e", ""),
    Datatype("BF16", "float", 2, "", ""),
    Datatype("FP32", "float", 4, "f", "fp32_contents"),
    Datatype("FP64", "float", 8, "d", "fp64_contents"),
    Datatype("BYTES", "text", 0, "", "bytes_contents"),
)}


def datatype(name: str) -> Datatype:
    known = DATATYPES.get(name)
    if known is None:
        raise ValueError(f"has datatype '{name}', which is none of {', '.join(DATATYPES)}")
    return known


def from_json(kind: Datatype, elements: Sequence[Any]) -> Sequence[Any]:
    """Elements as JSON gives them; null passes. What the datatype cannot hold is refused, never wrapped."""
    if not kind.field:
        raise ValueError(f"is {kind.name}, which JSON cannot carry: send it as binary data")
    if not TYPES[kind.kind].issuperset(map(type, elements)):
        raise ValueError(f"is {kind.name}, so its elements must be {WORDS[kind.kind]}")
    if kind.kind == "whole":
        _check_range(kind, elements)
    return _rounded(elements) if kind.name == "FP32" else elements


def _check_range(kind: Datatype, elements: Sequence[int | None]) -> None:
    least, greatest = kind.bounds
    if not all(element is None or least <= element <= greatest for element in elements):
        raise ValueError(f"holds a number outside of {kind.name}, which goes from {least} to {greatest}")


def _rounded(elements: Sequence[float | None]) -> list[float | None]:
    """To what four bytes hold, so that JSON and binary data of one number are answered alike."""
    single = struct.Struct("<f")
    try:
        return [None if one is None else single.unpack(single.pack(one))[0] for one in elements]
    except OverflowError as error:
        raise ValueError("holds a number that FP32 cannot hold") from error


def from_contents(kind: Datatype, contents: Any) -> Sequence[Any]:
    """Elements from protobuf's InferTensorContents, in which no list but the one of the datatype is filled."""
    for field, _ in contents.ListFields():
        if field.name != kind.field:
            raise ValueError(f"is {kind.name}, so its contents cannot be {field.name}")
    if not kind.field:
        raise ValueError(f"is {kind.name}, which only raw_input_contents can carry")
    elements = list(getattr(contents, kind.field))
    if kind.kind == "text":
        return [_text(element) for element in elements]
    if kind.kind == "whole":
        _check_range(kind, elements)
    return elements


def from_bytes(kind: Datatype, data: bytes | memoryview, count: int) -> Sequence[Any]:
    """`count` elements in row-major order, little-endian; text is preceded by its length in four bytes."""
    if kind.kind == "text":
        return _texts(bytes(data), count)
    if len(data) != count * kind.size:
        raise ValueError(f"has {len(data)} bytes of data, but its shape and datatype need {count * kind.size}")
    if kind.kind == "truth":
        return _truths(bytes(data))
    if kind.name == "BF16":
        halves = struct.unpack(f"<{count}H", data)
        return struct.unpack(f"<{count}f", struct.pack(f"<{count}I", *(half << 16 for half in halves)))
    return struct.unpack(f"<{count}{kind.code}", data)


def _truths(data: bytes) -> list[bool]:
    if data.translate(None, b"\x00\x01"):
        raise ValueError("is BOOL, so each of its bytes must be 0 or 1")
    return [byte == 1 for byte in data]


def _texts(data: bytes, count: int) -> list[str]:
    texts: list[str] = []
    place = 0
    while place < len(data):
        if len(data) - place < LENGTH.size:
            raise ValueError("is cut off within the length of an element")
        end = place + LENGTH.size + LENGTH.unpack_from(data, place)[0]
        if end > len(data):
            raise ValueError("is cut off within an element")
        texts.append(_text(data[place + LENGTH.size : end]))
        place = end
    if len(texts) != count:
        raise ValueError(f"has {len(texts)} elements, but its shape needs {count}")
    return texts


def _text(element: bytes) -> str:
    try:
        return element.decode()
    except UnicodeDecodeError as error:
        raise ValueError("holds bytes that are not UTF-8") from error


def to_bytes(kind: Datatype, elements: Sequence[Any]) -> bytes:
    """The inverse of `from_bytes` for the datatypes that answers have; a null is a not-a-number."""
    if kind.kind == "text":
        return b"".join(LENGTH.pack(len(one)) + one for one in (element.encode() for element in elements))
    if kind.kind == "float":
        elements = [float("nan") if element is None else element for element in elements]
    return struct.pack(f"<{len(elements)}{kind.code}", *elements)


def to_contents(kind: Datatype, elements: Sequence[Any]) -> dict[str, list[Any]]:
    """The fields of protobuf's InferTensorContents."""
    written: Callable[[Any], Any] = str.encode if kind.kind == "text" else _written
    return {kind.field: [written(element) for element in elements]}


def _written(element: Any) -> Any:
    return float("nan") if element is None else element
