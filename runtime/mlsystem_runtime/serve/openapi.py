"""The OpenAPI document from the signatures of the versions that answer now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlsystem_runtime.contract.columns import Column
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.records import OUTCOME_TYPES
from mlsystem_runtime.contract.run import Clock, Endpoint
from mlsystem_runtime.serve.oip import openapi as inference
from mlsystem_runtime.serve.schemas import (
    PARAMETERS,
    SECURITY,
    TIMESTAMP,
    TYPES,
    answer,
    guarded,
    headers,
    nullable,
    reference,
    refusals,
)
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
    paths: dict[str, Any] = {}
    endpoints = tuple(endpoints)
    for endpoint in endpoints:
        own = paths_of(endpoint, clock, champion(board, endpoint.model))
        paths.update(own if endpoint.auth is None else guarded(own))
    about = inference.about_paths()
    tokens = any(endpoint.auth is not None for endpoint in endpoints)
    return {
        "openapi": "3.1.0",
        "info": {"title": system, "version": str(board.serial)},
        "paths": {**paths, **inference.health_paths(), **(guarded(about) if tokens else about)},
        "components": {
            "schemas": {"Error": ERROR, **inference.SCHEMAS}, "parameters": PARAMETERS, "securitySchemes": SECURITY,
        },
    }


def paths_of(endpoint: Endpoint, clock: Clock, card: ModelCard | None) -> dict[str, Any]:
    return {
        **{route: {"post": operation(endpoint, clock, card)} for route in endpoint.routes},
        **{path: {"post": feedback(endpoint, card)} for path in endpoint.feedback},
        **inference.model_paths(endpoint.model, card),
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


def feedback(endpoint: Endpoint, card: ModelCard | None) -> dict[str, Any]:
    kept = {"type": "object", "required": ["kept", "model", "request_id"], "properties": {
        "kept": {"type": "integer"}, "model": {"type": "string"}, "request_id": {"type": "string"},
    }}
    return {
        "summary": f"What came of predictions of '{endpoint.model}'",
        "parameters": [reference("parameters", "RequestId")],
        "requestBody": {"required": True, "content": {"application/json": {"schema": feedback_schema(card)}}},
        "responses": {"200": answer("so many outcomes are kept", kept), **refusals(STATUSES, "Error")},
    }


def feedback_schema(card: ModelCard | None) -> dict[str, Any]:
    if card is None:
        return {"type": "object", "description": "no version released yet"}
    one = {
        "type": "object", "required": ["request_id", "outcome"], "additionalProperties": False, "properties": {
            "request_id": {"type": "string", "pattern": "^[!-~]{1,128}$", "description": "of the answer"},
            "row": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1, "description": "of that request, from 0"},
            "outcome": TYPES[OUTCOME_TYPES[card.task]],
            "at": {"anyOf": [TIMESTAMP, {"type": "null"}], "description": "when it was known"},
        },
    }
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_ROWS}
    batch = {"type": "object", "required": ["feedback"], "properties": {"feedback": many}}
    return {"anyOf": [one, {**batch, "additionalProperties": False}]}


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
