"""An environment in a simulated cluster, as `mlsystem` finds it: a spec, Pulumi with a provider, a registry that has
every image, the kinds of Argo, and the Secret that the platform team makes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from engines import kubernetes_provider, provider_protocol
from engines.controllers import install_definitions
from engines.definitions import definition
from engines.kubectl import Cluster, Object
from engines.recipes import is_built
from engines.stacks import PulumiPlace

SEATTLE = Path(__file__).resolve().parents[4] / "templates" / "init" / "seattle" / "mlsystem.yaml"
SYSTEM, ENVIRONMENT = "seattle-weather", "staging"
KINDS = {"Workflow": "workflows", "WorkflowTemplate": "workflowtemplates", "CronWorkflow": "cronworkflows"}
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Staging:
    """`folder` holds the spec; `delay` seconds is what every change of an object takes longer."""

    folder: Path
    namespace: str
    cluster: Cluster
    place: PulumiPlace
    registry: str

    @property
    def spec(self) -> Path:
        return self.folder / "mlsystem.yaml"

    @property
    def state(self) -> Path:
        return self.folder / ".mlsystem" / ENVIRONMENT

    @property
    def locks(self) -> Path:
        """Where Pulumi keeps the locks of the stack."""
        return self.state / "pulumi" / ".pulumi" / "locks" / "organization" / f"{SYSTEM}-system" / ENVIRONMENT

    def environ(self, delay: float = 0) -> dict[str, str]:
        settings = {name: value for name, value in self.place.settings.items() if name != "PULUMI_BACKEND_URL"}
        path = f"{settings['PATH']}:{self.cluster.environment['PATH']}"
        return {**self.cluster.environment, **settings, "PATH": path, provider_protocol.DELAY: str(delay)}

    def run(self, *arguments: str, delay: float = 0, seconds: float = 300) -> Done:
        return subprocess.run(
            command(*arguments), cwd=self.folder, env=self.environ(delay), capture_output=True, text=True,
            timeout=seconds, check=False,
        )  # fmt: skip

    def start(self, *arguments: str, delay: float = 0) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command(*arguments), cwd=self.folder, env=self.environ(delay), text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def write(self, **serving: Any) -> None:
        """The spec, with these settings of `serving`."""
        written = yaml.safe_load(SEATTLE.read_text())
        written["environments"] = {
            ENVIRONMENT: {
                "target": "kubernetes", "registry": self.registry, "namespace": {"name": self.namespace},
                "platform": {"argo_workflows": True},
            }
        }  # fmt: skip
        written["sources"]["weather"]["uri"] = "s3://weather/weather.csv"
        written["serving"] = {**written.get("serving", {}), **serving}
        self.spec.write_text(yaml.safe_dump(written, sort_keys=False))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mlsystem.cli.main", *arguments]


@contextmanager
def new_staging(folder: Path, namespace: str, cluster: Cluster, place: PulumiPlace) -> Iterator[Staging]:
    kubernetes_provider.install(place)
    place.add_program("buildah", "#!/bin/sh\necho 'the registry has all' >&2; exit 1\n")
    if is_built("argo"):  # the cluster is shared: what stands in for a definition would keep the real one out
        install_definitions(cluster, "argo")
    else:
        cluster.apply(*(definition(kind, plural) for kind, plural in KINDS.items()))
        cluster.kubectl("wait", "--for=condition=Established", "crd", *(f"{one}.argoproj.io" for one in KINDS.values()))
    cluster.namespace(namespace)
    folder.mkdir(parents=True)
    with registry_of_everything() as registry:
        staging = Staging(folder, namespace, cluster, place, registry)
        staging.write()
        cluster.apply(platform_secret(namespace))
        yield staging


def platform_secret(namespace: str) -> Object:
    metadata = {"name": f"{SYSTEM}-secrets", "namespace": namespace}
    keys = {"TRACKING_DATABASE_PASSWORD": "not a secret"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": keys}


class HasEverything(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Docker-Content-Digest", f"sha256:{'0' * 64}")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextmanager
def registry_of_everything() -> Iterator[str]:
    """Its address, with a path."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), HasEverything)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}/ml"
    finally:
        server.shutdown()
        server.server_close()


def lock_of_somebody(staging: Staging) -> Path:
    """As Pulumi's CLI leaves it on another machine."""
    staging.locks.mkdir(parents=True, exist_ok=True)
    held = {"pid": 4711, "username": "ada", "hostname": "elsewhere", "timestamp": "2026-01-02T03:04:05Z"}
    path = staging.locks / "0b5a6a53-6a63-4a5e-8b0c-1d6d3a6d8a01.json"
    path.write_text(json.dumps(held))
    return path


def engine_of(parent: int) -> int | None:
    """The number of the CLI that a process has started to change a stack."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            line = (path / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        changes = b"up" in line or b"destroy" in line
        if int(fields[1]) == parent and changes and any(one.startswith(b"--client") for one in line):
            return int(path.name)
    return None


def kill(pid: int) -> None:
    """Nothing happens where it has ended by then."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
