"""The root of what is raised: the world said no. The user's file is reported by diagnostics, our slips by `assert`."""

from __future__ import annotations

from mlsystem_runtime.contract.errors import MlsystemError

__all__ = ["MlsystemError"]
