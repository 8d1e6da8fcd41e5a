"""No orphan: a process that was started by another one ends when that one does, however it ended."""

from __future__ import annotations

import ctypes
import os
import signal

from mlsystem_runtime.contract.names import DIE_WITH_PARENT

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent dies, where the parent asked for that by the environment.

    The parent's pid stands in the variable, so a parent that died before this call is noticed too. Linux only.
    """
    parent = os.environ.get(DIE_WITH_PARENT)
    if parent:
        die_with(int(parent))


def die_with(parent: int) -> None:
    """SIGTERM from the kernel when the process `parent`, which is this one's parent, dies. Linux only."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(143)
