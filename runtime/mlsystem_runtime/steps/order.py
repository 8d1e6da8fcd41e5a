"""`order.json` in the workspace: what started later has the greater number, whatever the wall clock does."""

from __future__ import annotations

import time

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.workspace import Workspace


class OrderFile(Struct):
    """The last number that was given."""

    last: int


def next_order(workspace: Workspace) -> int:
    """A number greater than all before: the time in microseconds, so that a lost file does not start again at 0."""
    def following(file: OrderFile | None) -> OrderFile:
        return OrderFile(max(0 if file is None else file.last + 1, time.time_ns() // 1000))

    return workspace.update(OrderFile, following, "order.json").last
