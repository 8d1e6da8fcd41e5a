"""`run.json`: one section per process.

A process is keyed by its section's digest, so a learning rate restarts no server.

What belongs to one run only (workspace, run id, ports, secrets) is never in here: it comes from the command line
and the environment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

import msgspec

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.code import Code
from mlsystem_runtime.contract.columns import AnyCheck, Source
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.features import FeatureContract, StoredGroup
from mlsystem_runtime.contract.model import Engine, ModelType, Task
from mlsystem_runtime.contract.names import REFRESH
from mlsystem_runtime.contract.quantities import duration

FORMAT = 1


class Read(Struct):
    """What a step reads of an earlier one: only these named digests of its output are part of this step's key."""

    step: str
    parts: tuple[str, ...]


class Payload(Struct, tag_field="kind"):
    """The base of what a step is told to do."""


class IngestStep(Payload, tag="ingest"):
    """Source → typed columns, UTC microseconds. Output parts: `rows`, `clock`, and `column:NAME` for each column."""

    source: Source
    checks: tuple[AnyCheck, ...]


class Examples(Struct):
    """Which rows of `source` are examples; `where` is a canonical boolean expression (null is false)."""

    source: str
    at: str
    where: str | None


class Label(Struct):
    """`column` is the label; it can be used once the row's `known` column (a timestamp) has passed,
    and not before the column itself is available."""

    column: str
    known: str


class FeaturesStep(Payload, tag="features"):
    """Point-in-time features for every example. Output part: `dataset`."""

    model: str
    task: Task
    examples: Examples
    label: Label
    contract: FeatureContract
    sources: tuple[Source, ...]


class Split(Struct):
    """Fractions of the examples; boundaries are instants when `by` is time (ties go to the later part)."""

    by: Literal["time", "random"]
    validation: float
    test: float


class TabularParameters(Struct):
    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    dropout: float
    numeric_embedding: Literal["periodic", "piecewise", "none"]
    embedding_size: int
    patience: int


class TrainStep(Payload, tag="train", omit_defaults=True):
    """Output part: `model` (the weights' content). `threads` and `max_loss_of_work_us` are not in the fingerprint.

    `code` builds a network of the user's own, where `type` is custom.
    """

    model: str
    task: Task
    contract: FeatureContract
    type: ModelType
    parameters: TabularParameters
    split: Split
    seed: int
    threads: int | None
    max_loss_of_work_us: int
    code: Code | None = None


class Gate(Struct):
    """`at_least`/`at_most` bound the metric itself; `than` compares with another model's value on the same rows."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    than: Literal["champion", "baseline"] | None = None
    worse_by_at_most: float | None = None
    if_incomparable: Literal["pass", "fail"] = "pass"
    slice: str | None = None
    min_rows: int = 1


class EvaluateStep(Payload, tag="evaluate"):
    """Output part: `evaluation`."""

    model: str
    task: Task
    metrics: tuple[str, ...]
    slices: tuple[str, ...]
    baseline: Literal["boosted_trees", "none"]
    gates: tuple[Gate, ...]
    split: Split
    seed: int
    examples: Examples
    label: Label
    sources: tuple[Source, ...]


class RegisterStep(Payload, tag="register"):
    """Turns a trained and evaluated model into a version; releases it if its gates passed. Output part: `version`.

    `promote` says what becomes of a passed version when the system itself started the run (`names.PROPOSES`): released
    at once, or proposed. In a run that a person started it is released. `engine` is what will run the version.
    """

    model: str
    experiment: str
    promote: Literal["release", "propose"]
    engine: Engine = "onnx"


class MaterializeStep(Payload, tag="materialize"):
    """Brings one feature group of the online store up to the ingested rows. Output part: `watermark`."""

    group: StoredGroup
    source: Source


AnyPayload = IngestStep | FeaturesStep | TrainStep | EvaluateStep | RegisterStep | MaterializeStep


class Step(Struct):
    """`fingerprint` hashes the facets that decide this step's output; `reads` is what it takes from others."""

    name: str
    fingerprint: str
    reads: tuple[Read, ...]
    payload: AnyPayload


class OnlineStore(Struct, omit_defaults=True):
    """`sqlite` is a file of the workspace; where a `redis` is, the environment says (`names.ONLINE_STORE`); `uri` is
    the address of a table of DynamoDB, which is no secret."""

    type: Literal["sqlite", "redis", "dynamodb"]
    uri: str | None = None


Clock = Literal["wall", "data"]


class GroupPolicy(Struct):
    """What a request gets when the store of this group is out of reach."""

    group: str
    on_failure: Literal["nulls", "reject"]


class Slo(Struct):
    """`latency_us` is the threshold of a good request; `objective` the share that must be good (0.95 for p95)."""

    latency_us: int | None
    objective: float | None
    availability: float | None
    window_us: int


class Auth(Struct):
    """`tokens` is the name of the secret that holds the clients' tokens. `pages` says whether metrics, status and
    documentation want one too, where they are at the same port as predictions."""

    tokens: str
    pages: Literal["token", "open"]


class Tls(Struct):
    """The names of the secrets that hold a certificate (with those that sign it) and its key, both in PEM."""

    certificate: str
    key: str


class Endpoint(Struct, omit_defaults=True):
    """`auth` None: everybody may ask. `shadow_cpu`: the share of a core that a shadow version may use; None where none
    is tried. `grpc`: its server is to speak gRPC too. `workers`: of how many processes that server is to be."""

    model: str
    routes: tuple[str, ...]
    sticky: tuple[str, ...]
    groups: tuple[GroupPolicy, ...]
    slo: Slo
    log_sample: float
    log_retain_us: int
    auth: Auth | None = None
    engine: Engine = "onnx"
    grpc: bool = False
    shadow_cpu: float | None = None
    workers: int = 1

    @property
    def feedback(self) -> tuple[str, ...]:
        """By which paths it is told what came of predictions."""
        return feedback_paths(self.routes)


def feedback_paths(routes: Iterable[str]) -> tuple[str, ...]:
    """Beside each route: /main/feedback for /main/predict."""
    return tuple(f"{route.rpartition('/')[0]}/feedback" for route in routes)


class ServerSection(Struct, omit_defaults=True):
    """`threads` are those of each worker."""

    clock: Clock
    online_store: OnlineStore
    threads: int | None
    endpoints: tuple[Endpoint, ...]
    tls: Tls | None = None

    @property
    def workers(self) -> int:
        """Processes that answer on one port, each with all models in memory: as many as any of these wants."""
        return max((one.workers for one in self.endpoints), default=1)


class Alert(Struct):
    """Where alerts go; a webhook's address is the name of a secret or a plain URL."""

    kind: Literal["log", "webhook"]
    url: str | None = None
    url_secret: str | None = None


class Drift(Struct):
    """`features` None watches all inputs. `false_alarms_per_month` is for the whole model."""

    features: tuple[str, ...] | None
    predictions: bool
    window_us: int
    false_alarms_per_month: float


class Submission(Struct):
    """How a retraining begins in a cluster: as a Workflow of `template` that begins at `entrypoint`. `name` is what the
    names of these Workflows begin with (at most 52 characters)."""

    namespace: str
    template: str
    entrypoint: str
    name: str
    labels: dict[str, str]


def retrains_by_itself(retrain_on: Collection[str], approve: Collection[str]) -> bool:
    """Whether the monitor begins a retraining that it proposes: nobody has to approve it."""
    return "drift" in retrain_on and "retrain" not in approve


class MonitoredModel(Struct, omit_defaults=True):
    """`submission` only where the monitor of a cluster begins retrainings by itself; on one machine it runs
    `retrain_steps`."""

    model: str
    drift: Drift | None
    freshness_us: int | None
    missing: bool
    alerts: tuple[Alert, ...]
    retrain_on: tuple[Literal["drift", "schedule"], ...]
    cooldown_us: int
    approve: tuple[Literal["retrain", "promote"], ...]
    retrain_steps: tuple[str, ...]
    submission: Submission | None = None


class Refresh(Struct):
    """These steps run in order every `every_us`, to keep the online store fresh."""

    every_us: int
    steps: tuple[str, ...]


def refresh_entrypoint(refresh: Refresh) -> str:
    """Where it begins in a cluster's pipeline; it goes by that name in `refreshes.json` too."""
    return f"{REFRESH}{duration(refresh.every_us)}"


class MonitorSection(Struct):
    clock: Clock
    online_store: OnlineStore
    models: tuple[MonitoredModel, ...]
    refreshes: tuple[Refresh, ...]
    sources: tuple[Source, ...]


def server_secrets(section: ServerSection) -> tuple[str, ...]:
    """The names of the secrets that a server reads."""
    tokens = {endpoint.auth.tokens for endpoint in section.endpoints if endpoint.auth is not None}
    tls = () if section.tls is None else (section.tls.certificate, section.tls.key)
    return tuple(sorted({*tokens, *tls}))


def monitor_secrets(section: MonitorSection) -> tuple[str, ...]:
    """The names of the secrets that a monitor reads."""
    alerts = (alert for model in section.models for alert in model.alerts)
    return tuple(sorted({alert.url_secret for alert in alerts if alert.url_secret}))


class RunConfig(Struct):
    """`steps` stand in an order in which they can run. Secrets are listed by name; values are read at start."""

    format: int
    system: str
    environment: str
    clock: Clock
    steps: tuple[Step, ...]
    server: ServerSection
    monitor: MonitorSection
    secrets: tuple[str, ...] = ()

    def step(self, name: str) -> Step:
        """Raises MlsystemError where there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise MlsystemError(
            f"the contract has no step '{name}'", f"its steps are: {', '.join(step.name for step in self.steps)}"
        )


def decode_run_config(data: bytes) -> RunConfig:
    """Raises msgspec.ValidationError when the bytes are not a contract of this format."""
    return msgspec.json.decode(data, type=RunConfig)
