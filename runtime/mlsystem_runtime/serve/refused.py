"""A request that gets another answer than a prediction: why, and where in the request."""

from __future__ import annotations


class RefusedError(Exception):
    """`status` is of HTTP; `field` and `row` (counted from 0) name the place in the body, where there is one.

    `retry_after` is in how many seconds another request may be answered, where that is known.
    """

    def __init__(
        self, status: int, message: str, field: str | None = None, row: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field
        self.row = row
        self.retry_after = retry_after

    def body(self, request_id: str) -> dict[str, object]:
        return {"error": self.message, "field": self.field, "row": self.row, "request_id": request_id}
