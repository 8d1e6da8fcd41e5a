"""What the OpenAPI documents of all protocols say alike: columns, headers, and how a request can be refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.serve.values import FIRST_US, LAST_US

JSON = "application/json"
GREATEST = 1.7976931348623157e308

TIMESTAMP: dict[str, Any] = {
    "description": "ISO 8601 with an offset, or microseconds since 1970, UTC",
    "anyOf": [
        {"type": "string", "format": "date-time"},
        {"type": "integer", "format": "int64", "minimum": FIRST_US, "maximum": LAST_US},
    ],
}
TYPES: Mapping[ColumnType, dict[str, Any]] = {
    ColumnType.STRING: {"type": "string"},
    ColumnType.INT: {"type": "integer", "format": "int64", "minimum": -(2**63), "maximum": 2**63 - 1},
    ColumnType.FLOAT: {"type": "number", "minimum": -GREATEST, "maximum": GREATEST},
    ColumnType.BOOL: {"type": "boolean"},
    ColumnType.TIMESTAMP: TIMESTAMP,
}
PARAMETERS: Mapping[str, dict[str, Any]] = {
    "RequestId": {
        "name": "X-Request-Id", "in": "header", "schema": {"type": "string"},
        "description": "comes back with the answer, and names the request in the log, where it is 1 to 128 visible "
                       "characters of ASCII; else the server makes one",
    },
    "RequestTimeout": {
        "name": "X-Request-Timeout", "in": "header",
        "schema": {"type": "string", "pattern": "^[0-9]{1,9}([.][0-9]{1,9})?(ms|s)?$"},
        "description": "how long the client waits: seconds, or milliseconds as 500ms; later nothing is computed",
    },
}
SECURITY: Mapping[str, dict[str, str]] = {
    "Token": {"type": "http", "scheme": "bearer"},
    "Key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
RETRY_AFTER = {"Retry-After": {
    "description": "seconds after which the same request is expected to be answered", "schema": {"type": "integer"},
}}
REFUSALS: Mapping[int, str] = {
    400: "the request is wrong",
    401: "a token is needed, and this is none that is known",
    403: "the token is for another model",
    404: "there is no such model, version or path",
    413: "the body is too large",
    415: "the body is in an encoding that is not read; gzip and deflate are",
    422: "the request is wrong; `field` and `row` say where",
    429: "the client is beyond its quota",
    500: "the server failed, and its log says why",
    503: "nothing can answer now, or not in the time that there is",
    504: "there was no answer in the time that the client or the service level gives",
}
MAY_BE_REPEATED = (429, 503)


def refusals(statuses: Iterable[int], schema: str) -> dict[str, Any]:
    """Responses by status, whose bodies follow the schema of that name."""
    content = {JSON: {"schema": reference("schemas", schema)}}
    return {
        str(status): {
            "description": REFUSALS[status], "content": content,
            **({"headers": RETRY_AFTER} if status in MAY_BE_REPEATED else {}),
        }
        for status in statuses
    }


def guarded(paths: Mapping[str, Any]) -> dict[str, Any]:
    """The same paths, for whom has a token, in either header."""
    either: list[dict[str, list[str]]] = [{name: []} for name in SECURITY]
    return {
        path: {name: {**one, "security": either} if isinstance(one, dict) else one for name, one in methods.items()}
        for path, methods in paths.items()
    }


def reference(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def headers() -> list[dict[str, str]]:
    return [reference("parameters", name) for name in PARAMETERS]


def answer(description: str, schema: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": schema}, **more}}


def nullable(schema: dict[str, Any], column: Column) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]} if column.nullable else schema
