"""What each process of a cluster is told: `run.json` without everything that is not its business.

A process is keyed by its section, so that a learning rate restarts no server.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from mlsystem.emit.tree import Artifact
from mlsystem.system.nodes import System
from mlsystem_runtime.contract.base import digest, pretty_json
from mlsystem_runtime.contract.run import RunConfig, Step, monitor_secrets, server_secrets

MONITOR, PIPELINE = "monitor", "pipeline"


def server_section(model: str) -> str:
    return f"server-{model}"


def pipeline_section(model: str) -> str:
    return f"{PIPELINE}-{model}"


def section_of(one: Step) -> str:
    """Which section tells about a step: a model's own, or what all models share."""
    model = getattr(one.payload, "model", None)
    return PIPELINE if model is None else pipeline_section(model)


def sections(config: RunConfig) -> Mapping[str, RunConfig]:
    """By name: `server-MODEL` and `pipeline-MODEL` for each model, `monitor`, and `pipeline` for the steps that models
    share. A ConfigMap holds a mebibyte, which all models together may need more than."""
    nobody = replace(config.server, endpoints=())
    unwatched = replace(config.monitor, models=(), refreshes=(), sources=())
    nothing = replace(config, steps=(), server=nobody, monitor=unwatched, secrets=())
    servers = {one.model: replace(nobody, endpoints=(one,)) for one in config.server.endpoints}
    found = {
        server_section(model): replace(nothing, server=section, secrets=server_secrets(section))
        for model, section in servers.items()
    }
    watched = replace(config.monitor, refreshes=())
    nothing = replace(nothing, server=replace(nobody, tls=None))
    found[MONITOR] = replace(nothing, monitor=watched, secrets=monitor_secrets(watched))
    told = replace(unwatched, refreshes=config.monitor.refreshes)
    for name in dict.fromkeys([PIPELINE, *(section_of(one) for one in config.steps)]):
        steps = tuple(one for one in config.steps if section_of(one) == name)
        found[name] = replace(nothing, steps=steps, monitor=told)
    return found


def section_path(name: str) -> str:
    return f"contract/{name}.json"


def section_hash(section: RunConfig) -> str:
    """What names the ConfigMap that holds it."""
    return digest(section)[:8]


def emit_sections(system: System, found: Mapping[str, RunConfig]) -> tuple[Artifact, ...]:
    origins = {server_section(model.name): f"endpoint.{model.name}" for model in system.models}
    origins |= {pipeline_section(model.name): f"model.{model.name}" for model in system.models}
    return tuple(
        Artifact(section_path(name), pretty_json(section), origin=origins.get(name, "infrastructure.environment"))
        for name, section in found.items()
    )
