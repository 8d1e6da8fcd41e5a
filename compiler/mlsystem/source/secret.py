"""References to secrets: the name travels, the value never does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SecretRef:
    """`${secret:NAME}`, read by the process that uses it, when it starts."""

    name: str

    def __str__(self) -> str:
        return f"${{secret:{self.name}}}"
