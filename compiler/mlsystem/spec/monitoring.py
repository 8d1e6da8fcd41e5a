"""`monitoring`: what is watched while the model answers, and what follows."""

from typing import Annotated, Any, Literal

from pydantic import Field

from mlsystem.spec.base import Duration, Frequency, Section, TextOrSecret, Written, declare, problem


def _features(value: Any) -> tuple[str, ...] | None:
    if value == "all":
        return None
    if not isinstance(value, tuple) or not value or not all(isinstance(name, str) for name in value):
        raise problem(
            "MLS119",
            "`features` is `all` or a list of the model's features",
            "for example [trip.hour, carrier_history.flights_1d]",
        )
    return value


WatchedFeatures = Annotated[
    tuple[str, ...] | None,
    Written(
        "`all` or a list of features",
        _features,
        {"anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
    ),
]


class DriftSpec(Section):
    """Watches whether requests still look like the training rows."""

    features: WatchedFeatures = declare(
        "Which features are watched.", "operate", default_of="drift.features", example="[trip.hour]"
    )
    predictions: bool = declare(
        "Whether the model's answers are watched too.", "operate", default_of="drift.predictions"
    )
    window: Duration = declare(
        "How much recent time is compared with the training rows.", "operate", default_of="drift.window"
    )
    false_alarms: Frequency = declare(
        "How many false alarms the whole model may raise.", "operate", default_of="drift.false_alarms"
    )


class DataSpec(Section):
    """Watches what the model is fed."""

    freshness: Duration | None = declare(
        "The greatest age of the newest rows of the model's sources.",
        "operate",
        default=None,
        example="2d",
        implied="not watched",
    )
    missing: bool = declare("Whether the share of missing features is watched.", "operate", default_of="data.missing")


class LogAlert(Section):
    """Writes alerts to the monitor's log."""

    kind: Literal["log"] = declare("Where the alert goes.", "operate")


class WebhookAlert(Section):
    """Posts alerts as JSON."""

    kind: Literal["webhook"] = declare("Where the alert goes.", "operate")
    url: TextOrSecret = declare("The address.", "operate", example='"${secret:ALERT_URL}"')


Alert = Annotated[LogAlert | WebhookAlert, Field(discriminator="kind")]


class AlertsSpec(Section):
    """Who is told."""

    to: tuple[Alert, ...] = declare(
        "Where alerts go, beside the monitor's log.",
        "operate",
        default=(),
        example="[{kind: log}]",
        implied="the monitor's log",
    )


RetrainReason = Literal["drift"]


class RetrainSpec(Section):
    """What makes the system propose a retraining."""

    on: tuple[RetrainReason, ...] = declare(
        "The reasons to retrain.", "operate", example="[drift]", min_length=1,
        not_yet={"performance": "retraining when the measured quality falls", "schedule": "retraining on a schedule"},
    )  # fmt: skip
    cooldown: Duration = declare("The least time between two retrainings.", "operate", default_of="retrain.cooldown")


Proposal = Literal["retrain", "promote"]


class MonitoringSpec(Section):
    """What is watched while the model answers."""

    drift: DriftSpec | None = declare(
        "Watches whether requests still look like the training rows.", "operate", default=None, implied="not watched"
    )
    data: DataSpec = declare("Watches what the model is fed.", "operate", default={})
    alerts: AlertsSpec = declare("Who is told.", "operate", default={})
    retrain: RetrainSpec | None = declare(
        "What makes the system propose a retraining.", "operate", default=None, implied="only `mlsystem run` retrains"
    )
    approve: tuple[Proposal, ...] = declare(
        "Which of the system's own proposals wait for a person; [] is fully automatic.",
        "operate",
        default_of="monitoring.approve",
    )

    NOT_YET = {"performance": "measuring the model's quality on labels that arrive later"}
