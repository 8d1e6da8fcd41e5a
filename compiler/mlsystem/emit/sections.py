"""What each process of a cluster is told: `run.json` without everything that is not its business.

A process is keyed by its section, so that a learning rate restarts no server.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from mlsystem.emit.tree import Artifact
from mlsystem.system.nodes import System
from mlsystem_runtime.contract.base import digest, pretty_json
from mlsystem_runtime.contract.run import RunConfig

MONITOR, PIPELINE = "monitor", "pipeline"


def server_section(model: str) -> str:
    return f"server-{model}"


def sections(config: RunConfig) -> Mapping[str, RunConfig]:
    """By name: `server-MODEL` for each endpoint, `monitor`, `pipeline`."""
    nobody = replace(config.server, endpoints=())
    unwatched = replace(config.monitor, models=(), refreshes=(), sources=())
    nothing = replace(config, steps=(), server=nobody, monitor=unwatched, secrets=())
    found = {
        server_section(one.model): replace(nothing, server=replace(nobody, endpoints=(one,)))
        for one in config.server.endpoints
    }
    found[MONITOR] = replace(nothing, monitor=replace(config.monitor, refreshes=()), secrets=config.secrets)
    told = replace(unwatched, refreshes=config.monitor.refreshes)
    found[PIPELINE] = replace(nothing, steps=config.steps, monitor=told)
    return found


def section_path(name: str) -> str:
    return f"contract/{name}.json"


def section_hash(section: RunConfig) -> str:
    """What names the ConfigMap that holds it."""
    return digest(section)[:8]


def emit_sections(system: System, found: Mapping[str, RunConfig]) -> tuple[Artifact, ...]:
    origins = {server_section(model.name): f"endpoint.{model.name}" for model in system.models}
    return tuple(
        Artifact(section_path(name), pretty_json(section), origin=origins.get(name, "infrastructure.environment"))
        for name, section in found.items()
    )
