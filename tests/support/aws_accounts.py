"""Systems with an account below their cluster, and what the SDK's constructors take."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from stacks_by_hand import SEATTLE

from mlsystem.compile import resolve_system
from mlsystem.diagnostics.report import Report
from mlsystem.emit.aws.foundation import foundation_stack
from mlsystem.emit.aws.resource import Lookup, Resource, Stack
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.system.target import KubernetesTarget

ACCOUNT_NUMBER = "123456789012"
PROD = {"target": "aws", "region": "eu-central-1", "account": ACCOUNT_NUMBER}
REMEMBERED = {"state": "s3://state/weather", "pulumi": {"secrets_provider": "awskms://alias/pulumi"}}
EXISTING = {"cluster": {"existing": "company"}, "platform": {"argo_workflows": True}, "secrets": {"store": "company"}}
"""What an environment says of the platform team's cluster."""


def account_cluster(
    folder: Path, called: str = "prod", roles: Mapping[str, str] | None = None, **environment: Any
) -> Cluster:
    """seattle-weather in an account of its own; `environment` adds to what it says there. `roles`: of a review."""
    written = yaml.safe_load(SEATTLE.read_text())
    written["environments"] = {called: {**PROD, **environment}}
    if roles is not None:
        written["environments"][called] |= REMEMBERED
        written["review"] = {"github": {"repository": "acme/weather", "environments": {called: dict(roles)}}}
    for source in written["sources"].values():
        source["uri"] = "s3://weather/weather.csv"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mlsystem.yaml").write_text(yaml.safe_dump(written, sort_keys=False))
    report = Report()
    system = resolve_system(folder / "mlsystem.yaml", called, {}, report)
    assert system is not None, report.diagnostics
    assert isinstance(system.target, KubernetesTarget)
    return Cluster(system, system.target, {"server": "example/server:1", "trainer": "example/trainer:1"}, {})


def foundation(folder: Path, **environment: Any) -> Stack:
    cluster = account_cluster(folder, **environment)
    return foundation_stack(cluster, [f"{cluster.target.registry}/weather/{name}" for name in ("server", "trainer")])


def misfits_of(stack: Stack) -> Iterator[str]:
    """Inputs that a constructor of the SDK does not take, and those that it cannot do without."""
    made: tuple[Resource | Lookup, ...] = (*stack.resources, *stack.lookups)
    for one in made:
        if one.kind.startswith("aws."):
            takes = parameters(one)
            yield from (f"{one.kind} has no {name}" for name in one.inputs if name not in takes)
            needs = {name for name, parameter in takes.items() if parameter.default is inspect.Parameter.empty}
            yield from (f"{one.kind} needs {name}" for name in needs - set(one.inputs))


def parameters(one: Resource | Lookup) -> dict[str, inspect.Parameter]:
    """Where a part of another resource has the name `NAMEArgs`, those of the resource are `NAMEInitArgs`."""
    module, name = one.kind.removeprefix("aws.").rsplit(".", 1)
    found = importlib.import_module(f"pulumi_aws.{module}")
    names = (name,) if isinstance(one, Lookup) else (f"{name}InitArgs", f"{name}Args")
    named = next(name for name in names if hasattr(found, name))
    signature = inspect.signature(getattr(found, named))
    return {key: value for key, value in signature.parameters.items() if key not in ("__self__", "self", "opts")}
