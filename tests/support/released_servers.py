"""The command line of a server whose workspace holds one released version, made by the steps themselves."""

from __future__ import annotations

import sys
from pathlib import Path

from learning import MODEL, Learning, contract
from msgspec.structs import replace

from mlsystem_runtime.contract.columns import Derived
from mlsystem_runtime.contract.features import FeatureContract
from mlsystem_runtime.contract.run import Endpoint, Slo
from mlsystem_runtime.contract.workspace import write_struct

DAY_US = 86_400_000_000


def released(folder: Path) -> list[str]:
    """What is left open is `--port`."""
    learning = Learning(folder / "workspace", contract=served())
    learning.run_all()
    config = learning.config()
    slo = Slo(latency_us=None, objective=None, availability=None, window_us=DAY_US)
    endpoint = Endpoint(
        model=MODEL, routes=("/predict",), sticky=(), groups=(), slo=slo, log_sample=0.1, log_retain_us=DAY_US)
    write_struct(folder / "run.json", replace(
        config, server=replace(config.server, clock="wall", endpoints=(endpoint,))))
    return [sys.executable, "-m", "mlsystem_runtime", "serve", "--config", str(folder / "run.json"),
            "--workspace", str(folder / "workspace")]


def served() -> FeatureContract:
    """That of the made data, with groups that give their fields on."""
    made = contract()
    inputs = {one.name: one.type for one in made.inputs}
    groups = tuple(
        replace(group, compute=tuple(
            Derived(column, column, inputs[f"{use.alias}.{column}"]) for column in use.columns
        ))
        for group, use in zip(made.groups, made.uses, strict=True)
    )
    return replace(made, groups=groups)
