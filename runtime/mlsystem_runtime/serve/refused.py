"""A request that gets another answer than a prediction: why, and where in the request."""

from __future__ import annotations

import math
from collections.abc import Mapping


class RefusedError(Exception):
    """`status` is of HTTP; `field` and `row` (counted from 0) name the place in the body, where there is one.

    `retry_after`: seconds after which the same request is expected to be answered. `reason` is one of
    `names.REFUSAL_REASONS`. `allow`: the methods that a path answers, where it does not answer the request's.
    """

    def __init__(
        self, status: int, message: str, field: str | None = None, row: int | None = None,
        retry_after: float | None = None, reason: str = "validation", allow: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field
        self.row = row
        self.retry_after = retry_after
        self.reason = reason
        self.allow = allow

    def body(self, request_id: str) -> dict[str, object]:
        later = {} if self.retry_after is None else {"retry_after": round(self.retry_after, 3)}
        return {"error": self.message, "field": self.field, "row": self.row, "request_id": request_id, **later}

    def headers(self) -> Mapping[bytes, bytes]:
        """HTTP knows whole seconds only, so the header rounds up what the body says exactly."""
        later = {} if self.retry_after is None else {b"retry-after": b"%d" % max(1, math.ceil(self.retry_after))}
        return {**later, b"allow": self.allow.encode()} if self.allow else later


def failed() -> RefusedError:
    """What the client is told of an error of ours, which the log tells in full."""
    return RefusedError(500, "the server failed; its log says why", reason="model")


class DepartedError(Exception):
    """The client went away: there is nobody to answer."""
