"""The servers that ours is measured against, each in a virtual environment of its own outside this repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from support.servers import Server

FOLDER = Path(__file__).resolve().parent.parent / "peers"
HOME = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mlsystem", "bench")
ROW = [round(0.1 * number - 0.7, 1) for number in range(16)]
PLAIN = json.dumps({"x": ROW}).encode()
BATCHED = json.dumps({"x": [ROW]}).encode()
PROTOCOL = json.dumps({"inputs": [{"name": "x", "shape": [1, 16], "datatype": "FP32", "data": ROW}]}).encode()
V2 = "/v2/models/classifier/infer"


def peers(service_seconds: float | None = None) -> dict[str, Server]:
    """By name. With `service_seconds` each answers after that time, one request after another."""
    environ = {} if service_seconds is None else {"SERVICE_SECONDS": str(service_seconds)}
    found = (
        Server("FastAPI, inline", partial(fastapi), "/predict", PLAIN, told("fastapi", environ)),
        Server("LitServe", partial(script, "litserve"), "/predict", PLAIN, told("litserve", environ)),
        Server("BentoML", partial(bentoml, "Single"), "/predict", PLAIN, told("bentoml", environ)),
        Server("BentoML, batchable", partial(bentoml, "Batched"), "/predict", BATCHED, told("bentoml", environ)),
        Server("MLServer", partial(mlserver, 1), V2, PROTOCOL, told("mlserver", environ)),
        Server("MLServer, in process", partial(mlserver, 0), V2, PROTOCOL, told("mlserver", environ)),
        Server("KServe", partial(script, "kserve"), V2, PROTOCOL, told("kserve", environ)),
    )
    return {one.name: one for one in found}


def told(name: str, environ: Mapping[str, str]) -> dict[str, str]:
    """No peer reports to its makers, and none writes into the home of whoever runs the bench."""
    quiet = {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(HOME / "bentoml-home")}
    return {**environ, **quiet, "PYTHONPATH": str(FOLDER), "PATH": f"{HOME / name / 'bin'}:{os.environ['PATH']}"}


def fastapi(port: int) -> list[str]:
    return [program("fastapi", "uvicorn"), "fastapi_app:app", "--port", str(port), "--no-access-log",
            "--log-level", "warning"]


def script(name: str, port: int) -> list[str]:
    return [program(name, "python"), str(FOLDER / f"{name}_app.py"), str(port)]


def bentoml(service: str, port: int) -> list[str]:
    return [program("bentoml", "bentoml"), "serve", f"bentoml_app:{service}", "--working-dir", str(FOLDER),
            "--host", "127.0.0.1", "--port", str(port)]


def mlserver(workers: int, port: int) -> list[str]:
    settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2,
                "parallel_workers": workers, "debug": False}
    told = [f"MLSERVER_{name.upper()}={value}" for name, value in settings.items()]
    return ["env", *told, program("mlserver", "mlserver"), "start", str(FOLDER / "mlserver")]


def program(name: str, command: str) -> str:
    return str(HOME / name / "bin" / command)


def install() -> list[str]:
    """Installs what is absent, from PyPI in the versions of peers/NAME.txt; the names."""
    names = sorted(path.stem for path in FOLDER.glob("*.txt"))
    for name in names:
        pins, done = FOLDER / f"{name}.txt", HOME / name / "pins.txt"
        if not done.exists() or done.read_text() != pins.read_text():
            uv("venv", "--quiet", "--clear", "--python", "3.11", str(HOME / name))
            uv("pip", "install", "--quiet", "--python", program(name, "python"), "--requirement", str(pins))
            shutil.copyfile(pins, done)
    return names


def uv(*arguments: str) -> None:
    subprocess.run(["uv", *arguments], check=True)


if __name__ == "__main__":
    install()
