"""The messages of the protocol's gRPC service, from a table: nothing is shared with the server that is under test."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "inference"
SERVICE = f"{PACKAGE}.GRPCInferenceService"

METHODS: Mapping[str, tuple[str, str]] = {
    name: (f"{name}Request", f"{name}Response")
    for name in ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer")
}

PARAMETERS = "map InferParameter"
TENSOR_FIELDS = (
    "string name", "string datatype", "[] int64 shape", f"{PARAMETERS} parameters", "InferTensorContents contents",
)  # fmt: skip
MESSAGES: Mapping[str, tuple[str, ...]] = {
    "ServerLiveRequest": (),
    "ServerLiveResponse": ("bool live",),
    "ServerReadyRequest": (),
    "ServerReadyResponse": ("bool ready",),
    "ModelReadyRequest": ("string name", "string version"),
    "ModelReadyResponse": ("bool ready",),
    "ServerMetadataRequest": (),
    "ServerMetadataResponse": ("string name", "string version", "[] string extensions"),
    "ModelMetadataRequest": ("string name", "string version"),
    "TensorMetadata": ("string name", "string datatype", "[] int64 shape"),
    "ModelMetadataResponse": (
        "string name", "[] string versions", "string platform", "[] TensorMetadata inputs", "[] TensorMetadata outputs",
    ),
    "InferParameter": (
        "? bool bool_param", "? int64 int64_param", "? string string_param", "? double double_param",
        "? uint64 uint64_param",
    ),
    "InferTensorContents": (
        "[] bool bool_contents", "[] int32 int_contents", "[] int64 int64_contents", "[] uint32 uint_contents",
        "[] uint64 uint64_contents", "[] float fp32_contents", "[] double fp64_contents", "[] bytes bytes_contents",
    ),
    "InferInputTensor": TENSOR_FIELDS,
    "InferRequestedOutputTensor": ("string name", f"{PARAMETERS} parameters"),
    "ModelInferRequest": (
        "string model_name", "string model_version", "string id", f"{PARAMETERS} parameters",
        "[] InferInputTensor inputs", "[] InferRequestedOutputTensor outputs", "[] bytes raw_input_contents",
    ),
    "InferOutputTensor": TENSOR_FIELDS,
    "ModelInferResponse": (
        "string model_name", "string model_version", "string id", f"{PARAMETERS} parameters",
        "[] InferOutputTensor outputs", "[] bytes raw_output_contents",
    ),
}  # fmt: skip
"""Fields in the order of their numbers, from 1. `[]` is repeated, `?` part of the only oneof, `map` by strings."""

CONTENTS: Mapping[str, str] = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "INT64": "int64_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "UINT64": "uint64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}  # fmt: skip
"""Which field of InferTensorContents holds a datatype; FP16 and BF16 are raw only."""

Field = descriptor_pb2.FieldDescriptorProto


@cache
def messages() -> Mapping[str, Any]:
    """The classes of all messages by name, in a pool of their own."""
    file = descriptor_pb2.FileDescriptorProto(name="conformance.proto", package=PACKAGE, syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, text in enumerate(fields, start=1):
            _add_field(message, number, text)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in MESSAGES}


def _add_field(message: Any, number: int, text: str) -> None:
    *marks, kind, name = text.split()
    repeated = bool(marks) and marks[0] in ("[]", "map")
    label = Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, label=label)
    if "map" in marks:
        entry = message.nested_type.add(name=f"{name.title()}Entry")
        entry.options.map_entry = True
        _set_type(entry.field.add(name="key", number=1, label=Field.LABEL_OPTIONAL), "string")
        _set_type(entry.field.add(name="value", number=2, label=Field.LABEL_OPTIONAL), kind)
        _set_type(field, f"{message.name}.{entry.name}")
        return
    _set_type(field, kind)
    if "?" in marks:
        if not message.oneof_decl:
            message.oneof_decl.add(name="parameter_choice")
        field.oneof_index = 0


def _set_type(field: Any, kind: str) -> None:
    if kind[0].isupper():
        field.type, field.type_name = Field.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    else:
        field.type = Field.Type.Value(f"TYPE_{kind.upper()}")
