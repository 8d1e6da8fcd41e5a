"""flight-delay in staging: `mlsystem apply` carries this out."""

from system import (
    access,
    config,
    monitor,
    namespace,
    network,
    observability,
    online_store,
    pipeline,
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
    "online_store",
    "pipeline",
    "server",
    "tracking",
]
"""One module per concern: importing it declares its objects."""
