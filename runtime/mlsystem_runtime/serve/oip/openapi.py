"""The paths of the Open Inference Protocol as OpenAPI, from the signatures of the versions that answer now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.serve.oip.datatypes import DATATYPES
from mlsystem_runtime.serve.oip.rest import BINARY
from mlsystem_runtime.serve.oip.tensors import DATATYPE_OF, TensorType, output_types
from mlsystem_runtime.serve.schemas import TYPES, answer, headers, nullable, reference, refusals
from mlsystem_runtime.serve.values import FIRST_US, LAST_US, MAX_ROWS

LOOKED_UP = (401, 403, 404, 429)
ASKED = (400, *LOOKED_UP, 413, 415, 500, 503, 504)
TEXT: dict[str, Any] = {"type": "string"}
BEHIND = (
    "JSON, and behind it the data of tensors that have the parameter binary_data_size; the header "
    "Inference-Header-Content-Length says how many bytes the JSON has"
)
MICROSECONDS: dict[str, Any] = {"type": "integer", "minimum": FIRST_US, "maximum": LAST_US}


def closed(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    """An object with these properties and no others."""
    properties = {**required, **optional}
    return {"type": "object", "required": list(required), "properties": properties, "additionalProperties": False}


def listed(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


NAMED_TENSOR = closed({"name": TEXT, "datatype": {"enum": list(DATATYPES)}, "shape": listed({"type": "integer"})})
VALUES = {"type": ["boolean", "integer", "number", "string"]}
PARAMETERS = {"type": ["object", "null"], "additionalProperties": VALUES}
SCHEMAS: Mapping[str, dict[str, Any]] = {
    "InferenceError": {"type": "object", "required": ["error"], "properties": {"error": TEXT}},
    "ServerMetadata": closed({"name": TEXT, "version": TEXT, "extensions": listed(TEXT)}),
    "ModelMetadata": closed({
        "name": TEXT, "versions": listed(TEXT), "platform": TEXT,
        "inputs": listed(NAMED_TENSOR), "outputs": listed(NAMED_TENSOR),
    }),
    "ModelIndex": listed(closed({"name": TEXT, "version": TEXT, "state": TEXT, "reason": TEXT})),
    "Live": closed({"live": {"const": True}}),
    "Ready": closed({"ready": {"const": True}}, name=TEXT),
}


def health_paths() -> dict[str, Any]:
    return {
        "/v2/health/live": get("Whether the server runs", "Live", ()),
        "/v2/health/ready": get("Whether every model is loaded", "Ready", (503,)),
    }


def about_paths() -> dict[str, Any]:
    index = operation("What is loaded", reference("schemas", "ModelIndex"), (401, 413, 415, 429))
    return {"/v2": get("What this server is", "ServerMetadata", (401, 429)), "/v2/repository/index": {"post": index}}


def model_paths(model: str, card: ModelCard | None) -> dict[str, Any]:
    """For the version that the release chooses, and for one that the client names."""
    number = {"name": "version", "in": "path", "required": True, "schema": TEXT, "description": "one that is loaded"}
    whole = f"/v2/models/{model}"
    paths: dict[str, Any] = {}
    for root, more in ((whole, {}), (f"{whole}/versions/{{version}}", {"parameters": [number]})):
        paths[root] = {**get(f"What '{model}' takes and gives", "ModelMetadata", (*LOOKED_UP, 503)), **more}
        paths[f"{root}/ready"] = {**get(f"Whether '{model}' answers", "Ready", (*LOOKED_UP, 503)), **more}
        paths[f"{root}/infer"] = {"post": infer(model, card), **more}
    return paths


def get(summary: str, schema: str, statuses: Iterable[int]) -> dict[str, Any]:
    return {"get": operation(summary, reference("schemas", schema), statuses)}


def operation(summary: str, schema: Mapping[str, Any], statuses: Iterable[int], **content: Any) -> dict[str, Any]:
    return {
        "summary": summary, "tags": ["Open Inference Protocol"],
        "responses": {"200": answer("as asked for", schema, **content), **refusals(statuses, "InferenceError")},
    }


def infer(model: str, card: ModelCard | None) -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary", "description": BEHIND}}
    body = {"type": "object"} if card is None else request_schema(card.contract.request, output_types(card))
    given = {} if card is None else response_schema(model, output_types(card))
    return {
        **operation(f"Predictions of '{model}'", given, ASKED, **{BINARY.decode(): binary}),
        "parameters": headers(),
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}, BINARY.decode(): binary}},
    }


def request_schema(columns: Iterable[Column], outputs: Iterable[TensorType]) -> dict[str, Any]:
    columns = tuple(columns)
    tensors = [tensor_schema(column) for column in columns]
    required = [{"contains": {"properties": {"name": {"const": one.name}}}} for one in columns if not one.nullable]
    wanted = {"type": "object", "required": ["name"], "properties": {
        "name": {"enum": [one.name for one in outputs]}, "parameters": PARAMETERS,
    }}
    return {
        "type": "object", "required": ["inputs"],
        "properties": {
            "id": {"type": ["string", "null"]},
            "parameters": {**PARAMETERS, "properties": {
                "at": {**MICROSECONDS, "description": "when to predict; not before the data's clock"},
                "timeout": {"type": "integer", "minimum": 0, "description": "microseconds; 0 is no limit of its own"},
                "binary_data_output": {"type": "boolean"},
            }},
            "inputs": {"type": "array", "items": {"oneOf": tensors}, "minItems": 1, "maxItems": len(columns),
                       **({"allOf": required} if required else {})},
            "outputs": {"type": ["array", "null"], "items": wanted},
        },
    }


def tensor_schema(column: Column) -> dict[str, Any]:
    """Of the column's own datatype; narrower ones are taken too."""
    element = MICROSECONDS if column.type is ColumnType.TIMESTAMP else TYPES[column.type]
    rows = {"type": "integer", "minimum": 1, "maximum": MAX_ROWS}
    return {
        "type": "object", "required": ["name", "datatype", "shape", "data"],
        "properties": {
            "name": {"const": column.name},
            "datatype": {"const": DATATYPE_OF[column.type]},
            "shape": {"type": "array", "prefixItems": [rows, {"const": 1}], "items": False, "minItems": 1},
            "parameters": {"type": ["object", "null"], "additionalProperties": VALUES},
            "data": {"type": "array", "items": nullable(element, column), "minItems": 1, "maxItems": MAX_ROWS},
        },
    }


def response_schema(model: str, outputs: Iterable[TensorType]) -> dict[str, Any]:
    tensor = {"type": "object", "required": ["name", "datatype", "shape"], "properties": {
        "name": {"enum": [one.name for one in outputs]}, "datatype": {"enum": list(DATATYPES)},
        "shape": listed({"type": "integer"}), "data": {"type": "array"}, "parameters": PARAMETERS,
    }}
    return closed(
        {"model_name": {"const": model}, "outputs": listed(tensor)},
        model_version={**TEXT, "description": "absent where several versions answered the rows"}, id=TEXT,
    )
