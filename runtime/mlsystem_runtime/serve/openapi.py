"""The OpenAPI document from the signatures of the versions that answer now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlsystem_runtime.contract.columns import Column
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.run import Clock, Endpoint
from mlsystem_runtime.serve.oip import openapi as inference
from mlsystem_runtime.serve.schemas import PARAMETERS, TIMESTAMP, TYPES, answer, headers, nullable, refusals
from mlsystem_runtime.serve.values import MAX_ROWS
from mlsystem_runtime.serve.versions import Board

ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error", "request_id"],
    "properties": {
        "error": {"type": "string"},
        "field": {"type": ["string", "null"], "description": "the field of the request that is wrong"},
        "row": {"type": ["integer", "null"], "description": "the row that is wrong, counted from 0"},
        "request_id": {"type": "string"},
        "retry_after": {"type": "number", "description": "seconds, more exactly than the header says them"},
    },
}
STATUSES = (400, 401, 403, 413, 415, 422, 429, 500, 503, 504)


def openapi(system: str, clock: Clock, endpoints: Iterable[Endpoint], board: Board) -> dict[str, Any]:
    """OpenAPI 3.1. A model without a release has a path and no signature yet."""
    endpoints = tuple(endpoints)
    cards = {endpoint.model: champion(board, endpoint.model) for endpoint in endpoints}
    paths = {
        route: {"post": operation(endpoint, clock, cards[endpoint.model])}
        for endpoint in endpoints for route in endpoint.routes
    }
    for model, card in cards.items():
        paths.update(inference.model_paths(model, card))
    return {
        "openapi": "3.1.0",
        "info": {"title": system, "version": str(board.serial)},
        "paths": {**paths, **inference.server_paths()},
        "components": {"schemas": {"Error": ERROR, **inference.SCHEMAS}, "parameters": PARAMETERS},
    }


def champion(board: Board, model: str) -> ModelCard | None:
    released = board.models.get(model)
    return released.champion.card if released is not None else None


def operation(endpoint: Endpoint, clock: Clock, card: ModelCard | None) -> dict[str, Any]:
    body = {"content": {"application/json": {"schema": request_schema(card, clock)}}}
    return {
        "summary": f"Predictions of '{endpoint.model}'",
        "parameters": headers(),
        "requestBody": {"required": True, **body},
        "responses": {
            "200": answer("one prediction per row, in order", response_schema(card)), **refusals(STATUSES, "Error"),
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
        "properties": {column.name: nullable(TYPES[column.type], column) for column in columns},
        "additionalProperties": False,
    }


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
