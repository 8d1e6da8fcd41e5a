"""Our server as it is run, with the three inputs as columns of a request; the model and its store are stand-ins."""

from __future__ import annotations

import sys
from pathlib import Path

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.columns import Column, ColumnType, Derived
from mlsystem_runtime.contract.features import FeatureContract, FeatureUse, ModelInput, RequestGroup
from mlsystem_runtime.contract.model import Lineage, ModelCard, NumericProfile, Reference
from mlsystem_runtime.contract.release import ModelRelease, Release, Share, write_release
from mlsystem_runtime.contract.run import Endpoint, MonitorSection, OnlineStore, RunConfig, ServerSection, Slo
from mlsystem_runtime.contract.workspace import Workspace, write_struct
from mlsystem_runtime.serve.fakes import fake_loader
from mlsystem_runtime.serve.process import listen, run

NAME = "mixed"
COLUMNS = {"amount": ColumnType.FLOAT, "count": ColumnType.INT, "word": ColumnType.STRING}
DAY_US = 86_400_000_000


def contract() -> FeatureContract:
    columns = tuple(Column(name, kind) for name, kind in COLUMNS.items())
    computed = tuple(Derived(name, name, kind) for name, kind in COLUMNS.items())
    inputs = tuple(ModelInput(f"row.{name}", kind) for name, kind in COLUMNS.items())
    group = RequestGroup(name="row", fingerprint="1", fields=columns, compute=computed)
    return FeatureContract(columns, (group,), (FeatureUse("row", "row", tuple(COLUMNS), ()),), inputs)


def card() -> ModelCard:
    features = contract()
    amounts, scores = (NumericProfile(name, (0.5,), (50, 50), 0) for name in ("row.amount", "probability"))
    return ModelCard(
        format=1, model=NAME, version=1, task="binary_classification", type="tabular", contract=features,
        contract_digest=digest(features), architecture={}, outputs=("probability",),
        reference=Reference((amounts,), (), (scores,)), metrics=(), gates=(),
        lineage=Lineage("r1", "d1", "f1", 100, None, "3.11", {}, 0),
    )  # fmt: skip


def config() -> RunConfig:
    slo = Slo(latency_us=1_000_000, objective=0.95, availability=0.999, window_us=30 * DAY_US)
    endpoint = Endpoint(NAME, ("/predict",), (), (), slo, 0.0, DAY_US)
    store = OnlineStore("sqlite")
    return RunConfig(
        format=1, system="conformance", environment="dev", clock="wall", steps=(),
        server=ServerSection(clock="wall", online_store=store, threads=1, endpoints=(endpoint,)),
        monitor=MonitorSection(clock="wall", online_store=store, models=(), refreshes=(), sources=()),
    )  # fmt: skip


def main(port: int) -> int:
    workspace = Workspace(str(Path.cwd() / "workspace"))
    write_struct(workspace.version(NAME, 1) / "model.json", card())
    write_release(workspace.release, Release(serial=1, models={NAME: ModelRelease("s", (Share(1, 1.0),))}))
    return run(config(), workspace, listen("127.0.0.1", port), fake_loader(workspace), grpc_port=port + 1)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
