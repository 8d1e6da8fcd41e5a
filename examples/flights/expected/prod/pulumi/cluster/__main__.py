"""The cluster of prod: `mlsystem apply` carries this out."""

from cluster import (
    addons,
    eks,
    identity,
    node_addons,
    nodes,
    outputs,
    platform,
)

__all__ = [
    "addons",
    "eks",
    "identity",
    "node_addons",
    "nodes",
    "outputs",
    "platform",
]
"""One module per concern: importing it declares its resources."""
