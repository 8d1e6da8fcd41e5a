"""Our server as it is run: a project compiled, trained and registered by its own steps, then served by one process."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from support.servers import Server

FOLDER = Path(__file__).resolve().parent.parent
ROWS, INPUTS, MINUTE_US, FIRST_US = 4000, 16, 60_000_000, 1_700_000_000_000_000
ROW = {f"f{number}": round(0.1 * number - 0.7, 1) for number in range(INPUTS)}

TOKEN = secrets.token_urlsafe(24)  # what the server is told of it, and what its client sends:
KNOWN = ({"BENCH_TOKENS": f"bench: {TOKEN}"}, {"Authorization": f"Bearer {TOKEN}"})
PROTOCOL = {"inputs": [
    {"name": name, "shape": [1], "datatype": "FP64", "data": [value]} for name, value in ROW.items()
]}  # fmt: skip


def variants(folder: Path) -> tuple[Server, ...]:
    """What is measured of ours; each name begins with `ours`."""
    contract = project(folder / "ours")
    spec = folder / "ours" / "mlsystem.yaml"
    spec.write_text(spec.read_text().replace("  engine: onnx\n", "  engine: torch\n"))
    torch = compiled(folder / "ours", "generated-torch")
    return (
        ours("ours, ONNX Runtime", folder / "ours", contract),
        ours("ours, torch", folder / "ours", torch),
        ours("ours, Open Inference Protocol", folder / "ours", contract, "/v2/models/main/infer", PROTOCOL),
    )


def project(folder: Path) -> Path:
    """mlsystem.yaml of this folder, and a version of its model, released; the contract."""
    (folder / "data").mkdir(parents=True)
    (folder / "mlsystem.yaml").write_text((FOLDER / "mlsystem.yaml").read_text())
    pa.parquet.write_table(rows(), folder / "data" / "rows.parquet")
    return carried_out(folder)


def carried_out(folder: Path) -> Path:
    """The project in `folder` compiled, and every step of its pipeline run; the contract."""
    contract = compiled(folder, "generated")
    run_steps(folder, contract, "")
    return contract


def compiled(folder: Path, out: str) -> Path:
    told(folder, "mlsystem.cli.main", "compile", "--environment", "dev", "--out", out)
    return folder / out / "contract" / "run.json"


def run_steps(folder: Path, contract: Path, prefix: str, environ: Mapping[str, str] | None = None) -> None:
    for step in json.loads(contract.read_text())["steps"]:
        if step["name"].startswith(prefix):
            arguments = (step["name"], *common(folder, contract), "--run-id", "bench")
            told(folder, "mlsystem_runtime", "step", *arguments, environ=environ)


def rows() -> pa.Table:
    """Four classes that a linear map of sixteen normal numbers decides."""
    random = np.random.default_rng(7)
    x_BN = random.normal(size=(ROWS, INPUTS))
    label = np.array(["a", "b", "c", "d"])[(x_BN @ random.normal(size=(INPUTS, 4))).argmax(axis=1)]
    time = pa.array(FIRST_US + MINUTE_US * np.arange(ROWS)).cast(pa.timestamp("us", "UTC"))
    return pa.table({"time": time, "label": label, **{f"f{column}": x_BN[:, column] for column in range(INPUTS)}})


def told(folder: Path, module: str, *arguments: str, environ: Mapping[str, str] | None = None) -> None:
    """The runtime reports its progress in JSON on standard output, which nobody reads here."""
    subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=folder, stdout=subprocess.DEVNULL, check=True,
        env={**os.environ, **(environ or {})},
    )  # fmt: skip


def common(folder: Path, contract: Path) -> tuple[str, ...]:
    return "--config", str(contract), "--workspace", str(folder / "workspace")


def ours(name: str, folder: Path, contract: Path, path: str = "/predict", body: object = ROW) -> Server:
    return Server(name, partial(serve, folder, contract), path, json.dumps(body).encode(), *KNOWN)


def serve(folder: Path, contract: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "mlsystem_runtime", "serve", *common(folder, contract), "--port", str(port)]


def slow(name: str, folder: Path, contract: Path, service_seconds: float) -> Server:
    """The same server around a model that takes a known time for every row."""
    def command(port: int) -> list[str]:
        launcher = str(FOLDER / "support" / "slow_server.py")
        return [sys.executable, launcher, str(contract), str(folder / "workspace"), str(port), str(service_seconds)]

    return Server(name, command, "/predict", json.dumps(ROW).encode(), *KNOWN)
