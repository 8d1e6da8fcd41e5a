"""What a change to a facet costs, from light to heavy, and which steps carry it out."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from mlsystem.system.snapshot import Facet, Kind


class Consequence(enum.StrEnum):
    """In order: each one is heavier than those before it."""

    NOTHING = "nothing"
    RECONFIGURE = "reconfigure"
    RESTART = "restart"
    RE_EVALUATE = "re-evaluate"
    RELEASE = "release"
    RETRAIN = "retrain"
    RECOMPUTE = "recompute features"
    RE_INGEST = "re-ingest"
    REPLACE = "replace"

    @property
    def weight(self) -> int:
        return _WEIGHTS[self]


_WEIGHTS = {consequence: weight for weight, consequence in enumerate(Consequence)}

CONSEQUENCES: Mapping[tuple[Kind, Facet], Consequence] = {
    (Kind.SOURCE, Facet.DATA): Consequence.RE_INGEST,
    (Kind.SOURCE, Facet.EVALUATE): Consequence.RE_EVALUATE,  # its checks run again, over the rows as they are
    (Kind.GROUP, Facet.FEATURES): Consequence.RECOMPUTE,
    (Kind.GROUP, Facet.OPERATE): Consequence.RECONFIGURE,
    (Kind.DATASET, Facet.FEATURES): Consequence.RECOMPUTE,
    (Kind.MODEL, Facet.FIT): Consequence.RETRAIN,
    (Kind.EVALUATION, Facet.EVALUATE): Consequence.RE_EVALUATE,
    (Kind.IMAGE, Facet.OPERATE): Consequence.RECONFIGURE,  # it is built; what runs in it restarts
    (Kind.ENDPOINT, Facet.EVALUATE): Consequence.RELEASE,  # its model is a new version
    (Kind.ENDPOINT, Facet.OPERATE): Consequence.RESTART,
    (Kind.MONITOR, Facet.OPERATE): Consequence.RESTART,
    (Kind.INFRASTRUCTURE, Facet.OPERATE): Consequence.RESTART,
}
"""What a change to a facet means. A facet that is not listed only describes: its change costs nothing."""

REPLACED_PATHS = ("workspace", "online_store", "account", "region", "cluster", "network.cidr")
"""Values of infrastructure that cannot change in place: what they hold is lost."""

CERTIFIED = tuple(
    f"certified.{name}"
    for name in (
        "scenario", "latency", "in_time", "available", "margin", "dollars_a_month", "binding", "inputs",
    )
)  # fmt: skip
"""What stands beside an autoscaler."""

APART: Mapping[tuple[Kind, Facet], Mapping[str, Consequence]] = {
    (Kind.INFRASTRUCTURE, Facet.OPERATE): dict.fromkeys(
        (
            "context", "namespace.create", "delivery", "storage", "pulumi.backend", "pulumi.secrets_provider",
            "secrets.store", "images.signing_key", "platform.kubernetes", "platform.prometheus",
            "platform.argo_workflows", "platform.keda", "platform.knative", "platform.ingress", "platform.host",
            "platform.tls_secret", "platform.gpu_selector", "network.zones", "network.flow_logs", "log_retention",
            "network.api_access", "permissions_boundary", "review.plan_role", "review.apply_role",
            "nodes.system", "nodes.serving", "nodes.pipeline", "nodes.training",
        ),
        Consequence.RECONFIGURE,
    ),
    (Kind.ENDPOINT, Facet.OPERATE): {
        **dict.fromkeys(
            (
                "scaling.controller", "scaling.min_replicas", "scaling.max_replicas", "scaling.metric",
                "scaling.target", "scaling.up", "scaling.down", "traffic.mean", "traffic.peak", *CERTIFIED,
            ),
            Consequence.RECONFIGURE,
        ),
        "server": Consequence.REPLACE,  # by one that Knative runs, or of a Deployment again
        "engine": Consequence.RELEASE,  # what another engine runs is judged again; nothing is trained or evaluated
    },
    (Kind.MODEL, Facet.OPERATE): {"schedule": Consequence.RECONFIGURE},
}  # fmt: skip
"""Values whose change means something else than that of the others of their facet."""

CREATED: Mapping[Kind, Consequence] = {
    Kind.SOURCE: Consequence.RE_INGEST,
    Kind.GROUP: Consequence.RECOMPUTE,
    Kind.DATASET: Consequence.RECOMPUTE,
    Kind.MODEL: Consequence.RETRAIN,
    Kind.EVALUATION: Consequence.RE_EVALUATE,
    Kind.IMAGE: Consequence.RECONFIGURE,
    Kind.ENDPOINT: Consequence.RELEASE,
    Kind.MONITOR: Consequence.RESTART,
    Kind.INFRASTRUCTURE: Consequence.RECONFIGURE,
}

REMOVED: Mapping[Kind, Consequence] = {
    Kind.SOURCE: Consequence.NOTHING,
    Kind.GROUP: Consequence.RECONFIGURE,
    Kind.DATASET: Consequence.NOTHING,
    Kind.MODEL: Consequence.REPLACE,
    Kind.EVALUATION: Consequence.NOTHING,
    Kind.IMAGE: Consequence.NOTHING,
    Kind.ENDPOINT: Consequence.RESTART,
    Kind.MONITOR: Consequence.RESTART,
    Kind.INFRASTRUCTURE: Consequence.REPLACE,
}

STEPS: Mapping[Kind, Mapping[str, Consequence]] = {
    Kind.SOURCE: {"ingest": Consequence.RE_EVALUATE},
    Kind.GROUP: {"materialize": Consequence.RECOMPUTE},
    Kind.DATASET: {"features": Consequence.RECOMPUTE},
    Kind.MODEL: {"train": Consequence.RETRAIN},
    Kind.EVALUATION: {"evaluate": Consequence.RE_EVALUATE, "register": Consequence.RE_EVALUATE},
    Kind.ENDPOINT: {"register": Consequence.RELEASE},
}
"""Which steps a node has, and from which consequence on each is run again."""


def consequence_of(kind: Kind, facet: Facet, paths: frozenset[str]) -> Consequence:
    """What a change of these values of a facet means; no values: of something that the facet reads."""
    if kind is Kind.INFRASTRUCTURE and paths & frozenset(REPLACED_PATHS):
        return Consequence.REPLACE
    whole = CONSEQUENCES.get((kind, facet), Consequence.NOTHING)
    apart = APART.get((kind, facet), {})
    return max((apart.get(path, whole) for path in paths), key=lambda one: one.weight, default=whole)


def steps_of(kind: Kind, name: str, consequence: Consequence) -> tuple[str, ...]:
    """The steps of node `kind.name` that a consequence runs again. A server that is replaced answers with the versions
    that are released: nothing of them is made anew."""
    if kind is Kind.ENDPOINT and consequence is Consequence.REPLACE:
        return ()
    return tuple(f"{step}.{name}" for step, least in STEPS.get(kind, {}).items() if consequence.weight >= least.weight)
