"""A system that really runs on loopback, seen by a real Prometheus: a server over stand-ins that can be made slow, the
monitor, the generated rules with minutes made seconds."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from clusters import PLATFORM, cluster_of
from environments import free_port

from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.emit.prometheus import rule_files
from mlsystem_runtime.contract.base import canonical_json, digest
from mlsystem_runtime.contract.model import Lineage, ModelCard, Reference
from mlsystem_runtime.contract.monitor_state import FORMAT, DriftTest, MonitorState, WindowState
from mlsystem_runtime.contract.release import ModelRelease, Release, Share, write_release
from mlsystem_runtime.contract.run import RunConfig
from mlsystem_runtime.contract.workspace import StepRecord, Workspace
from mlsystem_runtime.steps import recording

SPEC = """
apiVersion: mlsystem/v1
name: observed
sources:
  events:
    type: csv
    uri: s3://data/events.csv
    time: at
    timezone: UTC
    available: known_at
    known_at_time: [at, who, amount]
    columns: {at: timestamp, known_at: timestamp, who: string, amount: float, value: float, target: float}
entities:
  who: {key: {who: string}}
features:
  asked: {kind: request, fields: [amount], compute: {amount: amount}}
  history: {kind: latest, source: events, entity: who, columns: [value], ttl: 3d}
model:
  task: regression
  examples: {source: events, at: at}
  label: {is: target, known: known_at}
  features: [asked.*, history.*]
serving:
  slo: {latency: {p95: 50ms}, availability: 99.9%, window: 30d}
monitoring:
  drift: {features: all, predictions: true, window: 1d, false_alarms: 1/month}
  data: {freshness: 2d, missing: true}
environments:
  dev: {target: local}
"""
SLOW_SECONDS = 0.1
SERVER = f"""
import sys, time
from dataclasses import dataclass
from pathlib import Path
from mlsystem_runtime.contract.run import decode_run_config
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.serve.fakes import FakeScorer, fake_loader
from mlsystem_runtime.serve.process import listen, run
from mlsystem_runtime.serve.versions import LoadedVersion
config, workspace = decode_run_config(Path(sys.argv[1]).read_bytes()), Workspace(sys.argv[2])
slow = Path(sys.argv[4])

@dataclass(frozen=True)
class Slowed(FakeScorer):
    def predict(self, rows):
        if slow.exists():
            time.sleep({SLOW_SECONDS})
        return super().predict(rows)

fake = fake_loader(workspace)
def load(model, number):
    version = fake(model, number)
    return LoadedVersion.of(number, Slowed(version.scorer.card, version.scorer.bias), version.assembler)
sys.exit(run(config, workspace, listen("127.0.0.1", int(sys.argv[3])), load))
"""


def observed_cluster() -> Cluster:
    return cluster_of(SPEC, platform={**PLATFORM, "prometheus": True})


@dataclass
class Observed:
    """`folder` holds everything; ports are on loopback."""

    cluster: Cluster
    folder: Path
    server: int
    monitor: int
    prometheus: int

    @classmethod
    def new(cls, folder: Path) -> Observed:
        return cls(observed_cluster(), folder, free_port(), free_port(), free_port())

    @property
    def workspace(self) -> Workspace:
        return Workspace(str(self.folder / "workspace"))

    def commands(self, prometheus: Path | str) -> dict[str, list[str]]:
        """By name; what they read is written."""
        place = str(self.folder / "workspace")
        self._write_workspace()
        configs = {name: self._write_config(name, section) for name, section in self.cluster.sections.items()}
        server = [sys.executable, "-c", SERVER, configs["server-main"], place, str(self.server), str(self.slow)]
        monitor = [
            sys.executable, "-m", "mlsystem_runtime", "monitor", "--config", configs["monitor"], "--workspace", place,
            "--metrics-port", str(self.monitor),
        ]  # fmt: skip
        return {"server": server, "monitor": monitor, "prometheus": [str(prometheus), *self._prometheus_flags()]}

    @property
    def slow(self) -> Path:
        """While it exists, every answer takes longer than the objective."""
        return self.folder / "slow"

    def _write_config(self, name: str, section: RunConfig) -> str:
        path = self.folder / f"{name}.json"
        path.write_bytes(canonical_json(section))
        return str(path)

    def _write_workspace(self) -> None:
        """A released model, a run and a refresh that ended, and what the monitor has judged so far."""
        workspace, now_us = self.workspace, time.time_ns() // 1000
        contract = self.cluster.system.models[0].contract
        card = ModelCard(
            format=1, model="main", version=1, task="regression", type="tabular", contract=contract,
            contract_digest=digest(contract), architecture={}, outputs=("value",), metrics=(), gates=(),
            reference=Reference(numeric=(), categorical=(), predictions=()),
            lineage=Lineage("r1", "d1", "f1", 100, None, "3.11", {}, now_us),
        )  # fmt: skip
        workspace.write(card, "models", "main", "1", "model.json")
        release = ModelRelease(salt="s", shares=(Share(1, 1.0),))
        write_release(workspace.release, Release(serial=1, models={"main": release}))
        ingested = StepRecord(
            step="ingest.events", key="k", status="done", output="o", digests={},
            facts={"max_time_us": now_us - 3_600_000_000}, summary="", seconds=0.0,
        )  # fmt: skip
        workspace.write(ingested, "runs", "r1", "ingest.events.json")
        self._record_ends()
        test = DriftTest(column="asked.amount", test="ks", verdict="no_drift", p_value=0.5, threshold=0.01, effect=0.1)
        window = WindowState(
            version=1, start_us=0, end_us=1, rows=1, complete=True, looks=1, verdict="no_drift", tests=(test,)
        )
        state = MonitorState(format=FORMAT, model="main", clock_us=now_us, written_us=now_us, last=window)
        workspace.write(state, "monitor", "main.json")

    def _record_ends(self) -> None:
        config = self.cluster.sections["pipeline"]
        recording.begin(self.workspace, "r1", "a test")
        recording.end(config, self.workspace, "r1", "all", "Succeeded", "")
        recording.end(config, self.workspace, "refresh-1", "refresh-15m", "Succeeded", "")

    def _prometheus_flags(self) -> tuple[str, ...]:
        """Rules look at ten seconds, however long their windows are, and wait for two."""
        rules = next(one.content for one in rule_files(self.cluster) if one.path.endswith("/rules.yaml"))
        hurried = re.sub(r"\[\d+[mhd]\]", "[10s]", rules).replace("for: 5m", "for: 2s")
        (self.folder / "rules.yaml").write_text(hurried)
        constants = {"system": self.cluster.prefix, "environment": "staging", "model": "main"}
        jobs = [
            {"job_name": name, "honor_labels": True,
             "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {**constants, "component": name}}]}
            for name, port in (("server", self.server), ("monitor", self.monitor))
        ]  # fmt: skip
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": ["rules.yaml"],
            "scrape_configs": jobs,
        }  # fmt: skip
        (self.folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        return (
            f"--config.file={self.folder / 'prometheus.yaml'}", f"--storage.tsdb.path={self.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.prometheus}",
        )  # fmt: skip

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an instant query."""
        text = urllib.parse.urlencode({"query": expression})
        found: list[dict[str, Any]] = self._asked(f"/api/v1/query?{text}")["data"]["result"]
        return found

    def firing(self) -> set[str]:
        alerts = self._asked("/api/v1/alerts")["data"]["alerts"]
        return {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}

    def _asked(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.prometheus}{path}", timeout=10) as answer:
            return json.load(answer)

    def answers(self) -> bool:
        """Whether server, monitor and Prometheus all do."""
        where = {self.server: "/readyz", self.monitor: "/metrics", self.prometheus: "/-/ready"}
        try:
            for port, path in where.items():
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).close()
        except OSError:
            return False
        return True

    def ask(self) -> None:
        """One request for a prediction, and one that the signature refuses."""
        self._predict({"amount": 1.0, "who": "nobody"})
        try:
            self._predict({"amount": "much", "who": "nobody"})
        except urllib.error.HTTPError as refused:
            if refused.code != 422:
                raise

    def _predict(self, row: dict[str, Any]) -> None:
        body = json.dumps(row).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.server}/predict", body, method="POST")
        urllib.request.urlopen(request, timeout=10).close()


class Traffic:
    """Asks twenty times a second, one request after the other, while the block lasts."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(0.05):
            try:
                self._observed.ask()
            except urllib.error.URLError:
                return


def eventually(so: Callable[[], object], what: str, seconds: float) -> float:
    """How long it took."""
    begun = time.monotonic()
    while not so():
        assert time.monotonic() - begun < seconds, f"after {seconds:g} s not {what}"
        time.sleep(0.2)
    return time.monotonic() - begun
