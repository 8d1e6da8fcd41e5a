"""What asks a server whether it is alive, and whether it should be sent requests."""

from __future__ import annotations

from mlsystem.emit.kubernetes.objects import Body
from mlsystem_runtime.contract.names import LIVE, READY

STARTING_SECONDS = 300


def probes(port: str | int) -> Body:
    """`port`: its name or its number, where probes are answered in plain HTTP."""
    return {
        "startupProbe": probe(LIVE, port, period=2, failures=STARTING_SECONDS // 2),
        "livenessProbe": probe(LIVE, port, period=10, failures=6),
        "readinessProbe": probe(READY, port, period=2, failures=3),
    }


def probe(path: str, port: str | int, period: int, failures: int) -> Body:
    asked = {"path": path, "port": port, "scheme": "HTTP"}
    return {"httpGet": asked, "periodSeconds": period, "timeoutSeconds": 2, "failureThreshold": failures}
