"""A system that was applied to a cluster in memory, and runs there: what commands ask and tell is to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from stacks_by_hand import SEATTLE, STAGING

from mlsystem.apply.cluster import ClusterEngine
from mlsystem.apply.cluster_api import MemoryApi, Reference
from mlsystem.apply.cluster_environment import ClusterEnvironment
from mlsystem.apply.events import nobody
from mlsystem.apply.running import Running
from mlsystem.apply.stack import MemoryStack
from mlsystem.compile import Compiled, compile_system
from mlsystem.diagnostics.report import Report
from mlsystem.emit.argo import API
from mlsystem.emit.cluster import InCluster
from mlsystem.errors import MlsystemError
from mlsystem.state.store import FOLDER, FileStore
from mlsystem_runtime.contract.release_store import FileReleaseStore
from mlsystem_runtime.contract.workspace import Workspace

NAMESPACE = "seattle-weather"
SERVER = f"{NAMESPACE}-main-server"


class NoImages:
    def make(self, *_: object) -> object:
        return ()


def compiled_in(folder: Path, example: Path = SEATTLE, **settings: Any) -> Compiled:
    """An environment `staging` with these settings."""
    written = yaml.safe_load(example.read_text())
    written["environments"] = {"staging": {**STAGING, **settings}}
    for source in written["sources"].values():
        source["uri"] = f"s3://{source['uri']}"
    spec = folder / "mlsystem.yaml"
    spec.write_text(yaml.safe_dump(written, sort_keys=False))
    report = Report()
    compiled = compile_system(spec, "staging", {}, report)
    assert compiled is not None, report.diagnostics
    return compiled


def environment_in(folder: Path, compiled: Compiled, api: MemoryApi | None = None) -> ClusterEnvironment:
    inside = compiled.cluster
    assert inside is not None
    store, stack = FileStore(folder / FOLDER / "staging"), MemoryStack()
    stack.wanted = {(one.kind, one.name): str(one.body) for one in inside.objects}
    engine = ClusterEngine(
        inside, store.folder, folder / "generated", api or memory_api(inside), lambda name, program: stack,
        lambda _: NoImages(),
    )
    return ClusterEnvironment("staging", folder, store, engine, compiled)


def memory_api(inside: InCluster) -> MemoryApi:
    """With all objects, as the stack has made them, and what the platform has."""
    target, api = inside.cluster.target, MemoryApi()
    secret = {"metadata": {"name": target.secrets.name}, "data": {"TRACKING_DATABASE_PASSWORD": "eA=="}}
    api.objects[Reference("v1", "Secret", target.secrets.name, target.namespace)] = secret
    api.objects[Reference("v1", "Namespace", target.namespace)] = {"metadata": {"name": target.namespace}}
    for one in inside.objects:
        api.objects[Reference.of(one.body)] = one.body
    return api


def running_in(folder: Path, *, applied: bool = True, in_reach: bool = True, **settings: Any) -> Running:
    """The workspace is a folder here, as if it were the bucket, or out of reach."""
    compiled = compiled_in(folder, **settings)
    environment = environment_in(folder, compiled)
    if applied:
        environment.apply(environment.plan(), nobody)
    workspace = Workspace(str(folder / "bucket"))

    def opened() -> Workspace:
        if not in_reach:
            raise MlsystemError("the bucket is too far away", "go there")
        return workspace

    return Running(environment, FileReleaseStore(workspace), opened)


def api_of(running: Running) -> MemoryApi:
    assert isinstance(running.api, MemoryApi)
    return running.api


def workflows(running: Running) -> list[Any]:
    return [body for one, body in api_of(running).objects.items() if (one.api_version, one.kind) == (API, "Workflow")]


def deployment(running: Running, name: str = SERVER) -> Any:
    return api_of(running).objects[Reference("apps/v1", "Deployment", name, NAMESPACE)]
