"""The protobuf messages of the protocol, described here rather than generated: names, numbers and types are what the
wire, and with it every client, agrees on.

They live in a pool of their own, so a client library for the same package can be imported into the same process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from mlsystem_runtime.contract.names import GRPC_SERVICE

SERVICE = GRPC_SERVICE
PACKAGE = SERVICE.partition(".")[0]

TENSOR_METADATA = "ModelMetadataResponse.TensorMetadata"
INPUT, WANTED = "ModelInferRequest.InferInputTensor", "ModelInferRequest.InferRequestedOutputTensor"
OUTPUT = "ModelInferResponse.InferOutputTensor"

FIELDS: Mapping[str, str] = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "bool live 1",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "bool ready 1",
    "ModelReadyRequest": "string name 1, string version 2",
    "ModelReadyResponse": "bool ready 1",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "string name 1, string version 2, string* extensions 3",
    "ModelMetadataRequest": "string name 1, string version 2",
    TENSOR_METADATA: "string name 1, string datatype 2, int64* shape 3",
    "ModelMetadataResponse":
        f"string name 1, string* versions 2, string platform 3, {TENSOR_METADATA}* inputs 4, "
        f"{TENSOR_METADATA}* outputs 5",
    "InferParameter":
        "bool bool_param 1, int64 int64_param 2, string string_param 3, double double_param 4, uint64 uint64_param 5",
    "InferTensorContents":
        "bool* bool_contents 1, int32* int_contents 2, int64* int64_contents 3, uint32* uint_contents 4, "
        "uint64* uint64_contents 5, float* fp32_contents 6, double* fp64_contents 7, bytes* bytes_contents 8",
    INPUT: "string name 1, string datatype 2, int64* shape 3, parameters 4, InferTensorContents contents 5",
    WANTED: "string name 1, parameters 2",
    "ModelInferRequest":
        f"string model_name 1, string model_version 2, string id 3, parameters 4, {INPUT}* inputs 5, "
        f"{WANTED}* outputs 6, bytes* raw_input_contents 7",
    OUTPUT: "string name 1, string datatype 2, int64* shape 3, parameters 4, InferTensorContents contents 5",
    "ModelInferResponse":
        f"string model_name 1, string model_version 2, string id 3, parameters 4, {OUTPUT}* outputs 5, "
        "bytes* raw_output_contents 6",
    "RepositoryIndexRequest": "string repository_name 1, bool ready 2",
    "RepositoryIndexResponse.ModelIndex": "string name 1, string version 2, string state 3, string reason 4",
    "RepositoryIndexResponse": "RepositoryIndexResponse.ModelIndex* models 1",
}
"""Message → "TYPE NAME NUMBER, ..."; `*` is repeated, and `parameters` a map from names to InferParameter."""

ONE_OF = {"InferParameter": "parameter_choice"}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="open_inference.proto", package=PACKAGE, syntax="proto3")
    made: dict[str, Any] = {}
    for name in sorted(FIELDS, key=lambda name: name.count(".")):  # the outer one before what lies in it
        outer, _, inner = name.rpartition(".")
        made[name] = made[outer].nested_type.add(name=inner) if outer else file.message_type.add(name=inner)
        _add_fields(made[name], name, FIELDS[name])
    return file


def _add_fields(message: Any, name: str, fields: str) -> None:
    if name in ONE_OF:
        message.oneof_decl.add(name=ONE_OF[name])
    for text in filter(None, fields.split(", ")):
        kind, *called = text.split(" ")
        if kind == "parameters":
            _add_parameters(message, name, int(called[0]))
            continue
        field = _add_field(message, kind, called[0], int(called[1]))
        if name in ONE_OF:
            field.oneof_index = 0


def _add_field(message: Any, kind: str, name: str, number: int) -> Any:
    field = message.field.add(name=name, number=number)
    field.label = field.LABEL_REPEATED if kind.endswith("*") else field.LABEL_OPTIONAL
    kind = kind.removesuffix("*")
    if kind[0].isupper():
        field.type, field.type_name = field.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    else:
        field.type = getattr(field, f"TYPE_{kind.upper()}")
    return field


def _add_parameters(message: Any, name: str, number: int) -> None:
    """A map, which on the wire is a list of entries of a key and a value."""
    entry = message.nested_type.add(name="ParametersEntry")
    entry.options.map_entry = True
    _add_field(entry, "string", "key", 1)
    _add_field(entry, "InferParameter", "value", 2)
    _add_field(message, f"{name}.ParametersEntry*", "parameters", number)


def _classes() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_file())
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in FIELDS}


MESSAGES = _classes()
ModelInferResponse = MESSAGES["ModelInferResponse"]
METHODS: tuple[str, ...] = tuple(
    name.removesuffix("Request") for name in FIELDS if name.endswith("Request") and "." not in name
)
"""Each takes `NAMERequest` and gives `NAMEResponse`."""
