"""flight-delay in prod: `mlsystem apply` carries this out."""

from system import (
    access,
    config,
    monitor,
    namespace,
    network,
    observability,
    pipeline,
    secrets,
    server,
    tracking,
)

__all__ = [
    "access",
    "config",
    "monitor",
    "namespace",
    "network",
    "observability",
    "pipeline",
    "secrets",
    "server",
    "tracking",
]
"""One module per concern: importing it declares its objects."""
