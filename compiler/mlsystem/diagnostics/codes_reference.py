"""MLS2 references, MLS3 expressions, MLS4 points in time and leaks."""

from __future__ import annotations

from mlsystem.diagnostics.code import Code

REFERENCE: dict[str, Code] = {}

EXPRESSION: dict[str, Code] = {
    "MLS301": Code(
        "an expression that cannot be understood",
        "Expressions are a closed set: arithmetic, comparisons, and, or, not, is null, and the documented functions,"
        " over the columns of one row.",
        "derive: {late: arr_delay >> 15}",
        "derive: {late: arr_delay > 15}",
    ),
}

TIME: dict[str, Code] = {}
