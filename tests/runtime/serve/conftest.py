"""A server over stand-ins: a small contract, versions that score with a bias, and a client that needs no network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.columns import Column, ColumnType, Derived
from mlsystem_runtime.contract.features import (
    Feature,
    FeatureContract,
    FeatureUse,
    KeyPart,
    LatestGroup,
    Lookup,
    ModelInput,
    RequestGroup,
)
from mlsystem_runtime.contract.model import CategoryProfile, Lineage, ModelCard, NumericProfile, Reference
from mlsystem_runtime.contract.release import ModelRelease, Release, Share, write_release
from mlsystem_runtime.contract.run import (
    Endpoint,
    GroupPolicy,
    MonitorSection,
    OnlineStore,
    RunConfig,
    ServerSection,
    Slo,
)
from mlsystem_runtime.contract.workspace import Workspace, write_atomically
from mlsystem_runtime.serve.app import App
from mlsystem_runtime.serve.fakes import FakeAssembler, FakeScorer
from mlsystem_runtime.serve.service import service_of
from mlsystem_runtime.serve.versions import LoadedVersion

CLOCK_US = 1_388_188_800_000_000  # 2013-12-28T00:00:00Z
DAY_US = 86_400_000_000
STRING, INT, FLOAT, BOOL, TIMESTAMP = ColumnType
GOOD_ROW = {
    "carrier": "UA", "distance": 1400.0, "seats": 180, "express": False, "departure": "2013-12-28T08:00:00-05:00",
}


def contract() -> FeatureContract:
    request = (
        Column("carrier", STRING), Column("distance", FLOAT), Column("seats", INT), Column("express", BOOL),
        Column("departure", TIMESTAMP), Column("note", STRING, nullable=True),
    )
    used = (("carrier", STRING), ("express", BOOL), ("seats", INT))
    trip = RequestGroup(
        name="trip", fingerprint="t1", fields=request, compute=tuple(Derived(name, name, kind) for name, kind in used),
    )
    history = LatestGroup(
        name="history", fingerprint="h1", source="flights", key=(KeyPart("carrier", "carrier", STRING),),
        columns=(Feature("delay", FLOAT),), ttl_us=None,
    )
    return FeatureContract(
        request=request, groups=(trip, history),
        uses=(FeatureUse("trip", "trip", ("carrier", "express", "seats"), ()),
              FeatureUse("history", "past", ("delay",), (Lookup("carrier", "carrier"),))),
        inputs=(ModelInput("trip.carrier", STRING), ModelInput("trip.express", BOOL), ModelInput("trip.seats", INT),
                ModelInput("past.delay", FLOAT)),
    )


def reference(outputs: tuple[str, ...] = ("probability",)) -> Reference:
    return Reference(
        numeric=(NumericProfile("trip.seats", (100.0, 200.0), (10, 80, 10), 0),
                 NumericProfile("past.delay", (0.0,), (60, 40), 5)),
        categorical=(CategoryProfile("trip.carrier", ("UA", "AA"), (60, 40), 0, 0),
                     CategoryProfile("trip.express", ("false", "true"), (90, 10), 0, 0)),
        predictions=tuple(NumericProfile(name, (0.25, 0.5, 0.75), (25, 25, 25, 25), 0) for name in outputs),
    )


def card(version: int, task: str = "binary_classification", outputs: tuple[str, ...] = ("probability",)) -> ModelCard:
    features = contract()
    return ModelCard(
        format=1, model="main", version=version, task=task, type="tabular",
        contract=features, contract_digest=digest(features), architecture={}, outputs=outputs,
        reference=reference(outputs), metrics=(), gates=(),
        lineage=Lineage("r1", "d1", "f1", 100, None, "3.11", {}, CLOCK_US),
    )


@dataclass(frozen=True)
class FailingScorer(FakeScorer):
    """Fails for one carrier, the first input."""

    carrier: str | None = None

    def predict(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[float]]:
        if self.carrier is not None and any(row[0] == self.carrier for row in rows):
            raise ZeroDivisionError
        return super().predict(rows)


@dataclass
class World:
    """A workspace, the configuration of a server on it, and what its loader gives. A version's bias is its number."""

    root: Path
    clock: str = "data"
    sticky: tuple[str, ...] = ()
    on_failure: str = "reject"
    sample: float = 1.0
    task: str = "binary_classification"
    outputs: tuple[str, ...] = ("probability",)
    unreachable: frozenset[str] = frozenset()
    failing_carrier: str | None = None
    failing_versions: frozenset[int] = frozenset()
    models: tuple[str, ...] = ("main",)
    shadow_cpu: float | None = None
    damaged: set[int] = field(default_factory=set)
    loads: list[int] = field(default_factory=list)

    @property
    def workspace(self) -> Workspace:
        return Workspace(str(self.root))

    @property
    def config(self) -> RunConfig:
        endpoints = tuple(self._endpoint(model) for model in self.models)
        store = OnlineStore("sqlite")
        return RunConfig(
            format=1, system="flight-delay", environment="dev", clock=self.clock, steps=(),
            server=ServerSection(clock=self.clock, online_store=store, threads=1, endpoints=endpoints),
            monitor=MonitorSection(clock=self.clock, online_store=store, models=(), refreshes=(), sources=()),
        )

    def _endpoint(self, model: str) -> Endpoint:
        alone = ("/predict",) if len(self.models) == 1 else ()
        return Endpoint(
            model=model, routes=(*alone, f"/{model}/predict"), sticky=self.sticky,
            groups=(GroupPolicy("history", self.on_failure),),
            slo=Slo(latency_us=40_000, objective=0.95, availability=0.999, window_us=30 * DAY_US),
            log_sample=self.sample, log_retain_us=2 * DAY_US, shadow_cpu=self.shadow_cpu,
        )

    def load(self, model: str, number: int) -> LoadedVersion:
        self.loads.append(number)
        if number in self.damaged:
            raise RuntimeError("the weights are cut off")
        loaded = card(number, self.task, self.outputs)
        store = {("history", ("UA",)): {"delay": 0.5}, ("history", ("AA",)): {"delay": None}}
        assembler = FakeAssembler(loaded.contract, store, self.unreachable)
        failing = "UA" if number in self.failing_versions else self.failing_carrier
        return LoadedVersion.of(number, FailingScorer(loaded, float(number), failing), assembler)

    def release(self, *shares: tuple[int, float], serial: int = 1, shadow: int | None = None) -> None:
        release = ModelRelease("s", tuple(Share(version, share) for version, share in shares), shadow)
        write_release(self.workspace.release, Release(serial=serial, models=dict.fromkeys(self.models, release)))

    def set_clock(self, clock_us: int) -> None:
        write_atomically(self.root / "clock.json", json.dumps({"clock_us": clock_us}))


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Calls the app in this process; each call is one request with its own body chunks."""

    def __init__(self, app: App, runner: asyncio.Runner) -> None:
        self.app = app
        self.runner = runner

    def send(
        self, method: str, path: str, *chunks: bytes, headers: dict[str, str] | None = None, leave: bool = False,
    ) -> Reply:
        return self.runner.run(self._send(method, path, chunks or (b"",), headers or {}, leave))

    def get(self, path: str) -> Reply:
        return self.send("GET", path)

    def predict(self, body: Any, path: str = "/predict", **headers: str) -> Reply:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("POST", path, data, headers=headers)

    def settle(self) -> None:
        """Lets the server look at the release file and flush what it holds."""
        self.runner.run(self.app.service.watcher.look())
        self.runner.run(self.app.service.flush())

    async def _send(
        self, method: str, path: str, chunks: tuple[bytes, ...], headers: dict[str, str], leave: bool,
    ) -> Reply:
        messages = [{"type": "http.request", "body": chunk, "more_body": leave or number < len(chunks)}
                    for number, chunk in enumerate(chunks, start=1)]
        messages.append({"type": "http.disconnect"})
        sent: list[Any] = []

        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        raw = [(name.lower().replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
        await self.app({"type": "http", "method": method, "path": path, "headers": raw}, receive, send)
        if not sent:
            return Reply(0, {}, b"")
        received = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Reply(sent[0]["status"], received, sent[1]["body"])


@pytest.fixture(scope="session")
def world_of() -> Callable[..., World]:
    """Makes a world in a folder whose clock runs and whose version 1 is released."""
    def made(root: Path, **other: Any) -> World:
        world = World(root, **other)
        world.set_clock(CLOCK_US)
        world.release((1, 1.0))
        return world

    return made


@pytest.fixture
def world(tmp_path: Path, world_of: Callable[..., World]) -> World:
    return world_of(tmp_path)


@pytest.fixture
def start() -> Iterator[Callable[[World], Client]]:
    """Starts a server on a world: loaded, not watching by itself; `settle` makes it look."""
    with asyncio.Runner() as runner:
        def started(world: World) -> Client:
            client = Client(App(service_of(world.config, world.workspace, world.load)), runner)
            client.settle()
            return client

        yield started


@pytest.fixture
def client(world: World, start: Callable[[World], Client]) -> Client:
    return start(world)


@pytest.fixture
def good_row() -> dict[str, Any]:
    return dict(GOOD_ROW)


@pytest.fixture(scope="session")
def card_of() -> Callable[[int], ModelCard]:
    return card
