"""The OpenAPI document and a page to read it, from the signatures of the versions that answer now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.run import Clock, Endpoint
from mlsystem_runtime.serve.values import MAX_ROWS
from mlsystem_runtime.serve.versions import Board

TIMESTAMP: dict[str, Any] = {
    "description": "ISO 8601 with an offset, or microseconds since 1970, UTC",
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer", "format": "int64"}],
}
TYPES: Mapping[ColumnType, dict[str, Any]] = {
    ColumnType.STRING: {"type": "string"},
    ColumnType.INT: {"type": "integer", "format": "int64"},
    ColumnType.FLOAT: {"type": "number"},
    ColumnType.BOOL: {"type": "boolean"},
    ColumnType.TIMESTAMP: TIMESTAMP,
}
ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error", "request_id"],
    "properties": {
        "error": {"type": "string"},
        "field": {"type": ["string", "null"], "description": "the field of the request that is wrong"},
        "row": {"type": ["integer", "null"], "description": "the row that is wrong, counted from 0"},
        "request_id": {"type": "string"},
    },
}


def openapi(system: str, clock: Clock, endpoints: Iterable[Endpoint], board: Board) -> dict[str, Any]:
    """OpenAPI 3.1. A model without a release has a path and no signature yet."""
    paths = {
        route: {"post": operation(endpoint, clock, champion(board, endpoint.model))}
        for endpoint in endpoints for route in endpoint.routes
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": system, "version": str(board.serial)},
        "paths": paths,
        "components": {"schemas": {"Error": ERROR}},
    }


def champion(board: Board, model: str) -> ModelCard | None:
    released = board.models.get(model)
    return released.champion.card if released is not None else None


def operation(endpoint: Endpoint, clock: Clock, card: ModelCard | None) -> dict[str, Any]:
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    return {
        "summary": f"Predictions of model '{endpoint.model}'",
        "requestBody": {"required": True, "content": {"application/json": {"schema": request_schema(card, clock)}}},
        "responses": {
            "200": {"description": "one prediction per row, in order",
                    "content": {"application/json": {"schema": response_schema(card)}}},
            "413": {"description": "the body is too large", **error},
            "422": {"description": "the request is wrong; `field` and `row` say where", **error},
            "503": {"description": "nothing can answer now", **error},
        },
    }


def request_schema(card: ModelCard | None, clock: Clock) -> dict[str, Any]:
    if card is None:
        return {"type": "object", "description": "no version released yet"}
    row = row_schema(card.contract.request)
    at = {**TIMESTAMP, "description": "when to predict; not before the data's clock"}
    beside = {"at": at} if clock == "data" else {}
    alone = {**row, "properties": {**beside, **row["properties"]}}
    rows = {"type": "array", "items": row, "minItems": 1, "maxItems": MAX_ROWS}
    batch = {"type": "object", "required": ["rows"], "properties": {"rows": rows, **beside}}
    return {"anyOf": [alone, {**batch, "additionalProperties": False}]}


def row_schema(columns: Iterable[Column]) -> dict[str, Any]:
    columns = tuple(columns)
    return {
        "type": "object",
        "required": [column.name for column in columns if not column.nullable],
        "properties": {column.name: column_schema(column) for column in columns},
        "additionalProperties": False,
    }


def column_schema(column: Column) -> dict[str, Any]:
    schema = TYPES[column.type]
    return {"anyOf": [schema, {"type": "null"}]} if column.nullable else schema


def response_schema(card: ModelCard | None) -> dict[str, Any]:
    prediction = {"type": "object", "required": ["prediction", "version"], "properties": prediction_schema(card)}
    return {
        "type": "object",
        "required": ["predictions", "model", "version", "request_id"],
        "properties": {
            "predictions": {"type": "array", "items": prediction},
            "model": {"type": "string"},
            "version": {"type": ["integer", "null"], "description": "null where several versions answered the rows"},
            "request_id": {"type": "string"},
        },
    }


def prediction_schema(card: ModelCard | None) -> dict[str, Any]:
    version, probability = {"version": {"type": "integer"}}, {"type": "number", "minimum": 0, "maximum": 1}
    if card is None:
        return version
    match card.task:
        case "binary_classification":
            return {"prediction": {"type": "boolean"}, "probability": probability, **version}
        case "multiclass":
            classes = {"type": "object", "properties": dict.fromkeys(card.outputs, probability)}
            return {"prediction": {"type": "string"}, "probability": probability, "probabilities": classes, **version}
        case _:
            return {"prediction": {"type": "number"}, **version}


def page(system: str, endpoints: Iterable[Endpoint], board: Board) -> str:
    """One HTML page without scripts or anything from elsewhere."""
    sections = "".join(section(endpoint, champion(board, endpoint.model)) for endpoint in endpoints)
    name = escape(system)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title><style>'
        "body{font-family:sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
        "td,th{text-align:left;padding:.2rem 1rem .2rem 0}code{background:#eee;padding:0 .2rem}</style></head>"
        f'<body><h1>{name}</h1><p>For machines: <a href="/openapi.json">openapi.json</a></p>{sections}</body></html>'
    )


def section(endpoint: Endpoint, card: ModelCard | None) -> str:
    routes = " ".join(f"<code>POST {escape(route)}</code>" for route in endpoint.routes)
    if card is None:
        return f"<h2>{escape(endpoint.model)}</h2><p>{routes}</p><p>No version released yet.</p>"
    rows = "".join(
        f"<tr><td><code>{escape(column.name)}</code></td><td>{column.type.value}</td>"
        f"<td>{'may be null' if column.nullable else 'required'}</td></tr>"
        for column in card.contract.request
    )
    return (
        f"<h2>{escape(endpoint.model)}</h2><p>{routes}</p><p>Version {card.version}, {escape(card.task)}. "
        f'One row as an object, or <code>{{"rows": [...]}}</code> with at most {MAX_ROWS}.</p>'
        f"<table><tr><th>field</th><th>type</th><th></th></tr>{rows}</table>"
    )
