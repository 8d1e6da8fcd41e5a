"""The foundation of prod: `mlsystem apply` carries this out."""

from foundation import (
    budget,
    databases,
    keys,
    network,
    outputs,
    passwords,
    registry,
    secrets,
    storage,
)

__all__ = [
    "budget",
    "databases",
    "keys",
    "network",
    "outputs",
    "passwords",
    "registry",
    "secrets",
    "storage",
]
"""One module per concern: importing it declares its resources."""
