"""`serving`: how predictions are answered."""

import re
from typing import Any, Literal

from pydantic import field_validator

from mlsystem.spec.base import ColumnName, Duration, Section, Share, declare, problem


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


class LogSpec(Section):
    """The log of predictions."""

    sample: Share = declare("The share of requests that are logged.", "operate", default_of="log.sample")
    retain: Duration = declare("How long the log is kept.", "operate", default_of="log.retain")


class ServingSpec(Section):
    """How predictions are answered."""

    mode: Literal["online"] = declare(
        "How predictions are asked for.", "operate", default_of="serving.mode",
        not_yet={"batch": "scoring tables on a schedule", "stream": "scoring events of a stream"},
    )  # fmt: skip
    engine: Literal["torch"] = declare(
        "What runs the model.",
        "operate",
        default_of="serving.engine",
        not_yet={"onnx": "running the model in ONNX Runtime"},
    )
    slo: SloSpec = declare("What is promised to callers.", "operate", default={})
    sticky: tuple[ColumnName, ...] = declare(
        "Requests with the same values here are answered by the same version.",
        "operate",
        default=(),
        example="[carrier]",
        implied="the request id",
    )
    log: LogSpec = declare("The log of predictions.", "operate", default={})

    NOT_YET = {
        "hardware": "what a replica of the server runs on",
        "traffic": "the traffic that is expected",
        "scaling": "how many replicas there are",
        "rollout": "rolling out a new version step by step",
    }
