"""Scalar expressions over the columns of one row: a closed language with one meaning (docs/reference/functions.md).

text → `parse` → syntax tree → `check` → `Typed`. The evaluators in `mlsystem_runtime.features.expressions` turn a
`Typed` into DuckDB SQL and into a Python function that agree on every row.
"""

from __future__ import annotations

from mlsystem_runtime.contract.expressions.check import check, compile_expression
from mlsystem_runtime.contract.expressions.errors import ExpressionError
from mlsystem_runtime.contract.expressions.parser import parse
from mlsystem_runtime.contract.expressions.syntax import Expression
from mlsystem_runtime.contract.expressions.text import canonical_text
from mlsystem_runtime.contract.expressions.typed import Apply, Constant, Input, Term, Typed

__all__ = [
    "Apply",
    "Constant",
    "Expression",
    "ExpressionError",
    "Input",
    "Term",
    "Typed",
    "canonical_text",
    "check",
    "compile_expression",
    "parse",
]
