"""What a policy of IAM allows: every statement tried, as AWS describes it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Context = Mapping[str, str]


def allows(document: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    """Of one resource; a request is allowed where each of its resources is."""
    effects = {one["Effect"] for one in document["Statement"] if covers(one, action, resource, context)}
    return effects == {"Allow"}


def covers(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    return (
        any(matches(one.lower(), action.lower()) for one in statement["Action"])
        and any(matches(one, resource) for one in statement["Resource"])
        and all(
            holds(operator, key, value, context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, value in keys.items()
        )
    )


def matches(pattern: str, text: str) -> bool:
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)
    return re.fullmatch("".join(parts), text) is not None


def holds(operator: str, key: str, value: Any, context: Context) -> bool:
    values = [value] if isinstance(value, str) else list(value)
    match operator:
        case "StringEquals":
            return context.get(key) in values
        case "StringNotEquals":  # also of what is not there
            return context.get(key) not in values
        case "Null":
            return [str(key not in context).lower()] == values
    raise AssertionError(f"{operator} is not told apart here")
