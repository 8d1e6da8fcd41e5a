"""A page that says what the server takes and gives, for people. It has no scripts and loads nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.run import Endpoint
from mlsystem_runtime.serve.oip.tensors import DATATYPE_OF, output_types
from mlsystem_runtime.serve.openapi import champion
from mlsystem_runtime.serve.values import MAX_ROWS
from mlsystem_runtime.serve.versions import Board

STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:.5rem 0}td,th{text-align:left;padding:.2rem 1.5rem .2rem 0;"
    "border-bottom:1px solid #ddd}code,pre{background:#f2f2f2;padding:0 .2rem}pre{padding:.6rem;overflow-x:auto}"
)
EXAMPLES: Mapping[ColumnType, Any] = {
    ColumnType.STRING: "text", ColumnType.INT: 1, ColumnType.FLOAT: 1.5, ColumnType.BOOL: True,
    ColumnType.TIMESTAMP: "2026-01-31T08:00:00Z",
}
EXAMPLE_US = 1_769_846_400_000_000


def page(system: str, endpoints: Iterable[Endpoint], board: Board) -> str:
    sections = "".join(section(endpoint, champion(board, endpoint.model)) for endpoint in endpoints)
    name = escape(system)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title><style>{STYLE}</style></head>'
        f'<body><h1>{name}</h1><p>For machines: <a href="/openapi.json">openapi.json</a></p>{sections}</body></html>'
    )


def section(endpoint: Endpoint, card: ModelCard | None) -> str:
    routes = " ".join(f"<code>POST {escape(route)}</code>" for route in endpoint.routes)
    title = f"<h2>{escape(endpoint.model)}</h2>"
    if card is None:
        return f"{title}<p>{routes}</p><p>No version released yet.</p>"
    columns = card.contract.request
    return (
        f"{title}<p>Version {card.version}, {escape(card.task)}.</p>{inputs(columns)}{outputs(card)}"
        f"<h3>In JSON</h3><p>{routes}</p><p>One row as an object, or <code>{{\"rows\": [...]}}</code> with at most "
        f"{MAX_ROWS}.</p>{shown(json.dumps(example_row(columns), indent=2))}"
        "<h3>By the Open Inference Protocol</h3>"
        f"<p><code>POST /v2/models/{escape(endpoint.model)}/infer</code></p>"
        "<p>One tensor per field, of shape [rows] or [rows, 1], in JSON or as binary data; a field that may be null "
        f"may be left out.</p>{shown(example_tensors(columns))}"
    )


def inputs(columns: Iterable[Column]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(column.name)}</code></td><td>{column.type.value}</td>"
        f"<td>{DATATYPE_OF[column.type]}</td><td>{'may be null' if column.nullable else 'required'}</td></tr>"
        for column in columns
    )
    return f"<table><tr><th>field</th><th>type</th><th>tensor</th><th></th></tr>{rows}</table>"


def outputs(card: ModelCard) -> str:
    rows = "".join(f"<tr><td><code>{escape(one.name)}</code></td><td>{one.datatype}</td></tr>"
                   for one in output_types(card))
    return f"<table><tr><th>output</th><th>tensor</th></tr>{rows}</table>"


def shown(example: str) -> str:
    return f"<pre>{escape(example)}</pre>"


def example_row(columns: Iterable[Column]) -> dict[str, Any]:
    return {column.name: EXAMPLES[column.type] for column in columns}


def example_tensors(columns: Iterable[Column]) -> str:
    """A tensor a line."""
    values = {**EXAMPLES, ColumnType.TIMESTAMP: EXAMPLE_US}
    tensors = [
        json.dumps({"name": one.name, "datatype": DATATYPE_OF[one.type], "shape": [1], "data": [values[one.type]]})
        for one in columns
    ]
    lines = ",\n  ".join(tensors)
    return f'{{"inputs": [\n  {lines}\n]}}'
