"""`order.json` in the workspace: what started later has the greater number, whatever the wall clock does."""

from __future__ import annotations

import fcntl
import time

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.workspace import Workspace, read_struct, write_struct


class OrderFile(Struct):
    """The last number that was given."""

    last: int


def next_order(workspace: Workspace) -> int:
    """A number greater than all before: the time in microseconds, so that a lost file does not start again at 0."""
    path = workspace.path("order.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(".order.lock"), "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            last = read_struct(path, OrderFile).last
        except FileNotFoundError:
            last = 0
        order = max(last + 1, time.time_ns() // 1000)
        write_struct(path, OrderFile(order))
        return order
