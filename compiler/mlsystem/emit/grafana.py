"""Dashboards for Grafana: one for each endpoint and one for the system. Whichever Prometheus there is, is chosen in it.

A panel is a title, a unit and queries; where it stands follows from its place in the list.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from mlsystem.emit.alerts import WINDOW
from mlsystem.emit.burn import RECORDED, REQUESTS, Objective, objectives, recorded
from mlsystem.emit.contract import refreshes
from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.promql import bad, exact, fast, seconds, series, valid
from mlsystem.emit.tree import Artifact
from mlsystem.system.burn import beyond
from mlsystem.system.nodes import ModelNode
from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.quantities import duration, percent

SCHEMA = 39
WIDTH, HEIGHT, PER_ROW = 8, 8, 3
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
INTERVAL = "$__rate_interval"
"""Grafana's own: as long as the chosen time range and the scrape interval need."""

Unit = Literal["reqps", "s", "percentunit", "short", "dateTimeAsIso"]


@dataclass(frozen=True)
class Query:
    """`legend` as Grafana fills it in: `{{version}}`."""

    expression: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """`limit`: where the objective is, in the panel's unit. `least`: where its axis begins, None: where values do."""

    title: str
    description: str
    unit: Unit
    queries: tuple[Query, ...]
    limit: float | None = None
    stacked: bool = False
    least: float | None = 0


def dashboards(cluster: Cluster) -> tuple[Artifact, ...]:
    """JSON as Grafana imports it."""
    return tuple(
        Artifact(f"observability/dashboards/{name}.json", text(body), origin) for name, origin, body in found(cluster)
    )


def dashboard_objects(cluster: Cluster) -> tuple[KubernetesObject, ...]:
    """ConfigMaps that Grafana's sidecar takes up; none where the platform declares no Prometheus."""
    if not cluster.target.platform.prometheus:
        return ()
    return tuple(
        KubernetesObject("observability", config_map(cluster, name, body), origin, "observability")
        for name, origin, body in found(cluster)
    )


def found(cluster: Cluster) -> Iterator[tuple[str, str, Body]]:
    """Name, origin, content."""
    for model in cluster.system.models:
        title = f"{cluster.system.name} / {cluster.system.environment}: {model.name}"
        body = dashboard(cluster, f"endpoint-{model.name}", title, tuple(endpoint_panels(cluster, model)))
        yield f"endpoint-{model.name}", f"endpoint.{model.name}", body
    title = f"{cluster.system.name} / {cluster.system.environment}"
    body = dashboard(cluster, "system", title, tuple(system_panels(cluster)))
    yield "system", "infrastructure.environment", body


def config_map(cluster: Cluster, name: str, body: Body) -> Body:
    metadata = cluster.metadata(cluster.name("dashboard", name), "monitor")
    labels = {**metadata["labels"], "grafana_dashboard": "1"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**metadata, "labels": labels},
        "data": {f"{cluster.instance}-{name}.json": text(body)},
    }


def text(body: Body) -> str:
    return json.dumps(body, indent=1) + "\n"


def endpoint_panels(cluster: Cluster, model: ModelNode) -> Iterator[Panel]:
    return chain(
        request_panels(cluster, model), work_panels(cluster, model), version_panels(cluster, model),
        feature_panels(cluster, model), replica_panels(cluster, model), lost_panels(cluster, model),
    )  # fmt: skip


def request_panels(cluster: Cluster, model: ModelNode) -> Iterator[Panel]:
    name, slo = model.name, model.serving.slo
    requests = series(names.REQUESTS, cluster, name)
    share = f"sum(rate({bad(cluster, name)}[{INTERVAL}])) / sum(rate({valid(cluster, name)}[{INTERVAL}]))"
    yield Panel(
        "Requests", "Per second, by how they ended.", "reqps",
        (Query(f"sum by (outcome) (rate({requests}[{INTERVAL}]))", "{{outcome}}"),), stacked=True,
    )  # fmt: skip
    left = None if slo.availability is None else float(beyond(slo.availability))
    yield Panel("Errors", said("Requests without an answer", "availability", slo.availability), "percentunit",
                (Query(share, "errors"),), left)  # fmt: skip
    bound = None if slo.latency_us is None else float(seconds(slo.latency_us))
    yield Panel("Latency", "Of answers, from the first byte of a request.", "s",
                quantiles(cluster, names.LATENCY, name), bound)  # fmt: skip
    if slo.latency_us is not None and slo.objective is not None:
        within = f"sum(rate({fast(cluster, name, slo)}[{INTERVAL}]))"
        query = f"{within} / sum(rate({valid(cluster, name)}[{INTERVAL}]))"
        described = said(f"Requests answered within {duration(slo.latency_us)}", "latency", slo.objective)
        yield Panel("Answers in time", described, "percentunit", (Query(query, "in time"),), slo.objective)
    refused = series(names.REFUSED, cluster, name)
    yield Panel("Refusals", "Requests per second without a prediction, by reason.", "reqps",
                (Query(f"sum by (reason) (rate({refused}[{INTERVAL}]))", "{{reason}}"),), stacked=True)  # fmt: skip
    if model.serving.auth is not None:
        clients = series(names.CLIENT_REQUESTS, cluster, name)
        yield Panel("Clients", "Requests per second, by whose token it was and whether they came in.", "reqps",
                    (Query(f"sum by (client, outcome) (rate({clients}[{INTERVAL}]))", "{{client}} {{outcome}}"),),
                    stacked=True)  # fmt: skip
    if budgets := tuple(budget(cluster, model, one) for one in objectives(model)):
        yield Panel("Budget left", f"Of what may be bad in {duration(slo.window_us)}; below 0 the objective is missed.",
                    "percentunit", budgets, least=None)  # fmt: skip


def budget(cluster: Cluster, model: ModelNode, objective: Objective) -> Query:
    """Every hour of the period counts once, by its requests."""
    hours = f"[{duration(model.serving.slo.window_us)}:{RECORDED}m]"
    bad_ones, all_of_them = (
        f"sum_over_time({recorded(cluster, model, kind, RECORDED)}{hours})" for kind in (objective.kind, REQUESTS)
    )
    return Query(f"1 - {bad_ones} / {all_of_them} / {exact(beyond(objective.share))}", objective.name.lower())


def quantiles(cluster: Cluster, histogram: str, model: str, by: str = "") -> tuple[Query, ...]:
    """The median and the tail; `by`: a label, each of whose values has lines of its own."""
    bucket, kept = series(f"{histogram}_bucket", cluster, model), f"le, {by}" if by else "le"
    legend = f" of {{{{{by}}}}}" if by else ""
    return tuple(
        Query(f"histogram_quantile({quantile}, sum by ({kept}) (rate({bucket}[{INTERVAL}])))", f"p{label}{legend}")
        for quantile, label in (("0.5", "50"), ("0.95", "95"), ("0.99", "99"))
    )


def work_panels(cluster: Cluster, model: ModelNode) -> Iterator[Panel]:
    """What stands between a request and its answer: the queue, the batch, the model."""
    name = model.name
    offered, predicted = series(names.OFFERED_ROWS, cluster, name), series(names.PREDICTIONS, cluster, name)
    yield Panel(
        "Rows", "Per second: understood, those of refused requests too, and predicted.", "short",
        (Query(f"sum(rate({offered}[{INTERVAL}]))", "offered"),
         Query(f"sum(rate({predicted}[{INTERVAL}]))", "predicted")),
    )  # fmt: skip
    rows, flying = series(names.QUEUE_ROWS, cluster, name), series(names.IN_FLIGHT, cluster, name)
    yield Panel("Waiting", "Rows that wait for the model, and requests that are not answered yet.", "short",
                (Query(f"sum({rows})", "rows"), Query(f"sum({flying})", "requests")))  # fmt: skip
    yield Panel("Time in the queue", "Of requests, until the model takes them.", "s",
                quantiles(cluster, names.QUEUE_SECONDS, name))  # fmt: skip
    yield Panel("Batches", "Rows that the model is given at once.", "short",
                quantiles(cluster, names.BATCH_ROWS, name))  # fmt: skip
    time = series(names.SERVICE_TIME, cluster, name)
    yield Panel("Service time", "A batch of n rows takes a·n + b, as the slowest server measures it.", "s",
                (Query(f"max by (part) ({time})", "{{part}}"),))  # fmt: skip


def said(what: str, objective: str, share: float | None) -> str:
    return f"{what}." if share is None else f"{what}; the objective for {objective} is {percent(share)}."


def version_panels(cluster: Cluster, model: ModelNode) -> Iterator[Panel]:
    name = model.name
    predictions = series(names.PREDICTIONS, cluster, name)
    yield Panel(
        "Predictions by version", "Rows per second.", "reqps",
        (Query(f"sum by (version) (rate({predictions}[{INTERVAL}]))", "version {{version}}"),), stacked=True,
    )  # fmt: skip
    share = series(names.RELEASE_SHARE, cluster, name)
    yield Panel("Released shares", "Of requests, as the servers follow the release.", "percentunit",
                (Query(f"max by (version) ({share})", "version {{version}}"),))  # fmt: skip
    yield Panel("Latency by version", "Of answers, from the first byte of a request.", "s",
                quantiles(cluster, names.VERSION_LATENCY, name, by="version"))  # fmt: skip
    serial, failures = series(names.RELEASE_SERIAL, cluster, name), series(names.RELEASE_FAILURES, cluster, name)
    yield Panel(
        "Release in force", "Its serial; servers that differ have not followed yet.", "short",
        (Query(f"max({serial})", "newest"), Query(f"min({serial})", "oldest")),
    )  # fmt: skip
    yield Panel("Releases that could not be followed", "How often in an hour; what was released before answers.",
                "short", (Query(f"sum(increase({failures}[1h]))", "failures"),))  # fmt: skip
    if model.serving.shadow_cpu is not None:
        yield from shadow_panels(cluster, name)


def shadow_panels(cluster: Cluster, name: str) -> Iterator[Panel]:
    rows, apart = series(names.SHADOW_ROWS, cluster, name), series(names.SHADOW_DISAGREEMENTS, cluster, name)
    yield Panel("Shadow: rows", "Per second, by what became of them.", "short",
                (Query(f"sum by (outcome) (rate({rows}[{INTERVAL}]))", "{{outcome}}"),), stacked=True)  # fmt: skip
    yield Panel("Shadow: difference", "How far its outputs are from those that were answered.", "short",
                quantiles(cluster, names.SHADOW_DIFFERENCE, name, by="version"))  # fmt: skip
    yield Panel("Shadow: disagreements", "Rows per second of which it says something else.", "short",
                (Query(f"sum by (version) (rate({apart}[{INTERVAL}]))", "version {{version}}"),))  # fmt: skip


def feature_panels(cluster: Cluster, model: ModelNode) -> Iterator[Panel]:
    name = model.name
    missing = series(names.MISSING_FEATURES, cluster, name)
    nulls = f"rate({missing}[{INTERVAL}])"
    yield Panel(
        "Missing features by cause", "Values per second that were null.", "short",
        (Query(f"sum by (cause) ({nulls})", "{{cause}}"),), stacked=True,
    )  # fmt: skip
    yield Panel("Most missing features", "Values per second that were null, by cause.", "short",
                (Query(f"topk(10, sum by (feature, cause) ({nulls}))", "{{feature}} ({{cause}})"),))  # fmt: skip
    if model.monitoring.freshness_us is not None:
        age = series(names.SOURCE_AGE, cluster, name)
        limit = float(seconds(model.monitoring.freshness_us))
        yield Panel("Age of sources", "Of the newest row, on the environment's clock.", "s",
                    (Query(f"max by (source) ({age})", "{{source}}"),), limit)  # fmt: skip
    if model.monitoring.drift is not None:
        effect = series(names.DRIFT_EFFECT, cluster, name)
        yield Panel("Drift", "The share of rows that moved, of the columns that moved most.", "percentunit",
                    (Query(f"topk(10, max by (column, test) ({effect}))", "{{column}} ({{test}})"),))  # fmt: skip


def replica_panels(cluster: Cluster, model: ModelNode) -> Iterator[Panel]:
    scaling = model.serving.scaling
    up = series("up", cluster, model.name, component="server")
    yield Panel(
        "Replicas", "Those that Prometheus reaches, and the bounds of the autoscaler.", "short",
        (Query(f"sum({up})", "up"), Query(f"vector({scaling.min_replicas})", "least"),
         Query(f"vector({scaling.max_replicas})", "most")),
    )  # fmt: skip
    cpu = series("process_cpu_seconds_total", cluster, model.name)
    memory = series("process_resident_memory_bytes", cluster, model.name)
    hardware = model.serving.hardware
    yield Panel(
        "Use of a replica", "Of what it requested: the busiest, and the one with the most memory.", "percentunit",
        (Query(f"max(rate({cpu}[{INTERVAL}])) / {hardware.cpu:g}", "CPU"),
         Query(f"max({memory}) / {hardware.memory_bytes}", "memory")), 1.0,
    )  # fmt: skip


def lost_panels(cluster: Cluster, model: ModelNode) -> Iterator[Panel]:
    """Where it is not 0, the log or the dashboard tells less than there was."""
    dropped = series(names.LOG_DROPPED, cluster, model.name)
    refused = series(names.METRICS_REFUSED, cluster, model.name)
    yield Panel(
        "Not kept", "In an hour: records of the prediction log by reason, and numbers that metrics had no room for.",
        "short", (Query(f"sum by (reason) (increase({dropped}[1h]))", "log: {{reason}}"),
                  Query(f"sum(increase({refused}[1h]))", "metrics")),
    )  # fmt: skip


def system_panels(cluster: Cluster) -> Iterator[Panel]:
    requests = series(names.REQUESTS, cluster)
    bad, counted = (
        series(names.REQUESTS, cluster, outcome=one) for one in ("=~error|rejected", "!~invalid|cancelled")
    )
    yield Panel("Requests", "Per second, by model.", "reqps",
                (Query(f"sum by (model) (rate({requests}[{INTERVAL}]))", "{{model}}"),), stacked=True)  # fmt: skip
    share = (
        f"(sum by (model) (rate({bad}[{INTERVAL}])) or 0 * sum by (model) (rate({counted}[{INTERVAL}])))"
        f" / sum by (model) (rate({counted}[{INTERVAL}]))"
    )
    yield Panel("Errors", "Requests without an answer, by model.", "percentunit", (Query(share, "{{model}}"),))
    up = series("up", cluster, component="server")
    yield Panel("Replicas", "That Prometheus reaches, by model.", "short",
                (Query(f"sum by (model) ({up})", "{{model}}"),))  # fmt: skip
    drifted = series(names.DRIFTED, cluster)
    yield Panel("Drift", "1 where what a model is asked has changed.", "short",
                (Query(f"max by (model) ({drifted})", "{{model}}"),))  # fmt: skip
    yield from freshness_panels(cluster)


def freshness_panels(cluster: Cluster) -> Iterator[Panel]:
    if longest := max((refresh.every_us for refresh in refreshes(cluster.system)), default=None):
        end = series(names.REFRESH_END, cluster, outcome="done")
        yield Panel("Age of the online store", "Since a refresh last ended well, by period.", "s",
                    (Query(f"time() - max by (refresh) ({end})", "every {{refresh}}"),),
                    float(seconds(3 * longest)))  # fmt: skip
    run, look = series(names.RUN_END, cluster), series(names.MONITOR_LOOK, cluster)
    yield Panel("Runs of the pipeline", "Since one last ended, by how it did.", "s",
                (Query(f"time() - max by (outcome) ({run})", "{{outcome}}"),))  # fmt: skip
    yield Panel("Monitor", "Since it last looked, by model.", "s",
                (Query(f"time() - max by (model) ({look})", "{{model}}"),), float(WINDOW * 60))  # fmt: skip


def dashboard(cluster: Cluster, name: str, title: str, panels: tuple[Panel, ...]) -> Body:
    """`uid` is the same as long as system, environment and name are: links to it stay."""
    uid = hashlib.sha256(f"{cluster.instance}/{name}".encode()).hexdigest()[:16]
    return {
        "uid": f"mlsystem-{uid}",
        "title": title,
        "tags": ["mlsystem", cluster.prefix, cluster.system.environment],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": False,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "timezone": "utc",
        "templating": {"list": [{"name": "datasource", "label": "Prometheus", "type": "datasource",
                                 "query": "prometheus", "hide": 0}]},
        "annotations": {"list": []},
        "panels": [panel_body(number, panel) for number, panel in enumerate(panels)],
    }  # fmt: skip


def panel_body(number: int, panel: Panel) -> Body:
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": {
            "x": number % PER_ROW * WIDTH, "y": number // PER_ROW * HEIGHT, "w": WIDTH, "h": HEIGHT,
        },
        "fieldConfig": {"defaults": field_defaults(panel), "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": list(targets(panel.queries)),
    }  # fmt: skip


def field_defaults(panel: Panel) -> dict[str, Any]:
    steps: list[Body] = [{"color": "green", "value": None}]
    drawn: Body = {"drawStyle": "line", "fillOpacity": 10, "showPoints": "never"}
    if panel.stacked:
        drawn["stacking"] = {"mode": "normal", "group": "A"}
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
        drawn["thresholdsStyle"] = {"mode": "line"}
    axis = {} if panel.least is None else {"min": panel.least}
    return {"unit": panel.unit, **axis, "custom": drawn, "thresholds": {"mode": "absolute", "steps": steps}}


def targets(queries: Iterable[Query]) -> Iterator[Body]:
    for letter, query in zip("ABCDEFGH", queries, strict=False):
        yield {
            "refId": letter, "datasource": DATASOURCE, "expr": query.expression, "legendFormat": query.legend,
            "range": True,
        }  # fmt: skip
