"""`serving`: how predictions are answered."""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from pydantic import ValidationInfo, field_validator, model_validator

from mlsystem.spec.base import (
    ColumnName,
    Cost,
    Duration,
    Load,
    LoadValue,
    Rate,
    SecretOnly,
    Section,
    Share,
    Size,
    at_least,
    declare,
    problem,
)


class SloSpec(Section):
    """What is promised to callers."""

    latency: dict[str, Duration] | None = declare(
        "The latency that a share of the requests must keep.",
        "operate",
        default=None,
        example="{p95: 50ms}",
        implied="no promise",
    )
    availability: Share | None = declare(
        "The share of valid requests that are answered.", "operate", default=None, example="99.9%", implied="no promise"
    )
    window: Duration = declare("The time over which the promises are counted.", "operate", default_of="slo.window")

    @field_validator("availability")
    @classmethod
    def _not_all(cls, value: float | None) -> float | None:
        if value == 1.0:
            raise problem("MLS601", "an objective of 100% leaves no budget: no request could ever fail",
                          "write what callers can live with, for example 99.9%")  # fmt: skip
        return value

    @field_validator("latency", mode="before")
    @classmethod
    def _one_percentile(cls, value: Any) -> Any:
        if isinstance(value, dict):
            wrong = [name for name in value if re.fullmatch(r"p[1-9]\d(\.\d{1,3})?", name) is None]
            if wrong or len(value) != 1:
                raise problem("MLS118", "`latency` is one percentile and its bound", "for example {p95: 50ms}")
        return value

    @property
    def latency_us(self) -> int | None:
        return next(iter(self.latency.values())) if self.latency else None

    @property
    def latency_objective(self) -> float | None:
        """0.95 for p95."""
        return round(float(next(iter(self.latency))[1:]) / 100, 6) if self.latency else None


class TrafficSpec(Section):
    """What callers are expected to ask for. Replicas and alerts are derived from it."""

    mean: Rate | None = declare(
        "Requests per second, on average.", "operate", default=None, example="40rps", implied="not known"
    )
    peak: Rate | None = declare(
        "Requests per second in the busiest minutes.", "operate", default=None, example="120rps", implied="not known"
    )
    trace: str | None = declare(
        "A CSV file of past traffic, below the folder of the file.", None,
        default=None, example="traffic/week.csv", implied="none",
    )  # fmt: skip

    @field_validator("mean", "peak")
    @classmethod
    def _something(cls, value: float | None) -> float | None:
        if value == 0.0:
            raise problem("MLS123", "no requests are no traffic", "write for example 40rps, or leave it out")
        return value

    @field_validator("peak")
    @classmethod
    def _not_below_the_mean(cls, value: float | None, info: ValidationInfo) -> float | None:
        mean = info.data.get("mean")
        if value is not None and mean is not None and value < mean:
            message = f"`peak` {value:g}rps is less than `mean` {mean:g}rps"
            raise problem("MLS114", message, "raise one or lower the other")
        return value


class ProfileSpec(Section):
    """How fast one replica answers, where nobody has measured it: `mlsystem capacity profile` does. It sees the start
    of a process, and what comes before that in a cluster is declared here."""

    service_time: Duration | None = declare(
        "How long the server works on one request that is alone.", None, default=None, example="20ms",
        implied="what was measured",
    )  # fmt: skip
    cold_start: Duration = declare(
        "How long a new replica takes from being asked for to answering, its image and its place on a node included.",
        None, default_of="profile.cold_start",
    )  # fmt: skip


class LogSpec(Section):
    """The log of predictions."""

    sample: Share = declare("The share of requests that are logged.", "operate", default_of="log.sample")
    retain: Duration = declare("How long the log is kept.", "operate", default_of="log.retain")


class AuthSpec(Section):
    """Who may ask: clients with a token. Without this everybody may."""

    tokens: SecretOnly = declare(
        "The secret that holds the tokens: lines such as `shop: TOKEN`, or `shop: TOKEN 100rps` for a client with a"
        " quota.",
        "operate",
        example='"${secret:API_TOKENS}"',
    )
    pages: Literal["token", "open"] = declare(
        "Whether metrics, status and documentation want a token too (`token`) or not (`open`); probes never do.",
        "operate",
        default_of="auth.pages",
    )


class ServingHardwareSpec(Section):
    """What one replica of the server has, in a cluster."""

    cpu: float = declare("Cores.", "operate", default_of="serving.hardware.cpu", ge=0.1, le=256)
    memory: Size = declare("Memory.", "operate", default_of="serving.hardware.memory")

    _enough = field_validator("memory")(at_least("256Mi"))


Controller = Literal["hpa", "keda", "knative"]
Metric = Literal["cpu", "requests", "concurrency"]

COUNTED: Final[Mapping[Controller, tuple[Metric, ...]]] = {
    "hpa": ("cpu",), "keda": ("cpu", "requests", "concurrency"), "knative": ("concurrency", "requests"),
}  # fmt: skip
"""What each controller can scale by, first what it does where nothing else is written."""

CARRIED: Final[Mapping[Metric, str]] = {
    "cpu": "a share of the CPU, such as 70%", "requests": "requests per second, such as 20rps",
    "concurrency": "requests held at once, such as 4",
}  # fmt: skip

TARGETS: Final[Mapping[Metric, float]] = {"cpu": 0.7, "concurrency": 1.0}
"""Where none is written. What a replica answers in a second nobody can know."""

LEAST_OF_KNATIVE: Final = 0.01


class ScalingSpec(Section):
    """How many replicas there are, in a cluster."""

    controller: Controller = declare(
        "What scales the server: Kubernetes' own autoscaler (`hpa`), KEDA, or Knative, which runs it too.", "operate",
        default_of="scaling.controller",
    )  # fmt: skip
    min_replicas: int = declare("The least replicas.", "operate", default_of="scaling.min_replicas", ge=1, le=1000)
    max_replicas: int = declare("The most replicas.", "operate", default_of="scaling.max_replicas", ge=1, le=1000)
    metric: Metric | None = declare(
        "What is measured: `cpu` in use, offered `requests`, or their `concurrency`, how many a replica holds at once.",
        "operate", default=None, example="requests", implied="`cpu`; with Knative `concurrency`",
    )  # fmt: skip
    target: Load | None = declare(
        "What a replica should carry: a share of its CPU, requests per second, or a number of requests at once.",
        "operate", default=None, example="20rps", implied="70% of the CPU; 1 request at once",
    )  # fmt: skip
    max_cost: Cost | None = declare(
        "The most that the replicas may cost, on average over a month.", None, default=None, example="$400/month",
        implied="no limit",
    )  # fmt: skip

    @field_validator("max_replicas")
    @classmethod
    def _at_least_the_least(cls, value: int, info: ValidationInfo) -> int:
        if value < (least := info.data.get("min_replicas", value)):
            message = f"`max_replicas` {value} is less than `min_replicas` {least}"
            raise problem("MLS114", message, "raise one or lower the other")
        return value

    @field_validator("max_cost")
    @classmethod
    def _something(cls, value: float | None) -> float | None:
        if value == 0.0:
            raise problem("MLS123", "no replica costs nothing", "write for example $400/month, or leave it out")
        return value

    @field_validator("metric")
    @classmethod
    def _counted_by_the_controller(cls, value: Metric | None, info: ValidationInfo) -> Metric | None:
        controller: Controller | None = info.data.get("controller")
        if value is None or controller is None or value in COUNTED[controller]:
            return value
        others = " or ".join(f"`controller: {one}`" for one, metrics in COUNTED.items() if value in metrics)
        only = " or ".join(COUNTED[controller])
        raise problem("MLS114", f"controller {controller} scales by {only} only", f"scale by {value} with {others}")

    @field_validator("target")
    @classmethod
    def _of_the_metric(cls, value: LoadValue | None, info: ValidationInfo) -> LoadValue | None:
        if value is None or "metric" not in info.data or "controller" not in info.data:
            return value
        metric: Metric = info.data["metric"] or COUNTED[info.data["controller"]][0]
        wanted = CARRIED[metric]
        if value.of != metric:
            raise problem("MLS114", f"the `target` of metric {metric} is {wanted}", f"write {wanted}")
        if value.value <= 0:
            raise problem("MLS123", "nothing is not a `target`", f"write {wanted}")
        if info.data["controller"] == "knative" and value.value < LEAST_OF_KNATIVE:
            raise problem("MLS123", f"Knative takes no `target` below {LEAST_OF_KNATIVE}", f"write {wanted}")
        return value

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        if self.target is None and self.counted not in TARGETS:
            wanted = CARRIED[self.counted]
            raise problem("MLS114", f"the `target` of metric {self.counted} is {wanted}", f"write {wanted}")
        return self

    @property
    def counted(self) -> Metric:
        return self.metric or COUNTED[self.controller][0]

    @property
    def carried(self) -> float:
        """By a replica, in the unit of what is counted."""
        return TARGETS[self.counted] if self.target is None else self.target.value


class ServingSpec(Section):
    """How predictions are answered."""

    mode: Literal["online"] = declare(
        "How predictions are asked for.", "operate", default_of="serving.mode",
        not_yet={"batch": "scoring tables on a schedule", "stream": "scoring events of a stream"},
    )  # fmt: skip
    engine: Literal["onnx", "torch"] = declare(
        "What runs the model: `onnx`, ONNX Runtime, whose servers start faster and are much smaller, or `torch`.",
        "operate",
        default_of="serving.engine",
    )
    slo: SloSpec = declare("What is promised to callers.", "operate", default={})
    traffic: TrafficSpec = declare("What callers are expected to ask for, in a cluster.", "operate", default={})
    profile: ProfileSpec | None = declare(
        "How fast one replica answers, where that has not been measured.", None, default=None,
        example="{service_time: 20ms}", implied="what was measured",
    )  # fmt: skip
    sticky: tuple[ColumnName, ...] = declare(
        "Requests with the same values here are answered by the same version.",
        "operate",
        default=(),
        example="[carrier]",
        implied="the request id",
    )
    log: LogSpec = declare("The log of predictions.", "operate", default={})
    grpc: bool = declare(
        "Whether the Open Inference Protocol is spoken over gRPC too: on this machine at the port after the endpoint's,"
        " in a cluster at port 8081.",
        "operate",
        default_of="serving.grpc",
    )
    workers: int = declare(
        "The processes of one server, each with every released version in memory: one answers on about one core, so"
        " that more of them need as many cores and as many times the memory.",
        "operate",
        default_of="serving.workers",
        ge=1,
        le=64,
    )
    shadow: Share | None = declare(
        "The share of a core that a proposed version may use to be tried on requests that another one answers.",
        "operate",
        default=None,
        example="10%",
        implied="nothing is tried",
    )
    auth: AuthSpec | None = declare("Who may ask.", "operate", default=None, implied="everybody")
    hardware: ServingHardwareSpec = declare("What one replica has, in a cluster.", "operate", default={})
    scaling: ScalingSpec = declare("How many replicas there are, in a cluster.", "operate", default={})

    NOT_YET = {"rollout": "rolling out a new version step by step"}

    @field_validator("shadow")
    @classmethod
    def _something(cls, value: float | None) -> float | None:
        if value == 0.0:
            raise problem("MLS123", "nothing can be tried with no share of a core", "leave `shadow` out, or write 10%")
        return value
