"""Rules for Prometheus, with their unit tests, and how it finds what to scrape.

Series carry `system`, `environment` and `model` whatever finds them: the operator by ServiceMonitor and PodMonitor, or
a plain Prometheus by `scrape.yaml`. So the same rules fit both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlsystem.emit.alerts import groups, healthy
from mlsystem.emit.burn import LOOKS
from mlsystem.emit.kubernetes.knative import USER_PORT
from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject, label_value
from mlsystem.emit.kubernetes.processes import SERVER_PORT, by_knative
from mlsystem.emit.kubernetes.server import METRICS, scraped_port
from mlsystem.emit.manifests import manifest
from mlsystem.emit.rules import VALUE, Alert, Case, Group
from mlsystem.emit.tree import Artifact
from mlsystem.system.target import METRICS_PORT_BESIDE_KNATIVE

API = "monitoring.coreos.com/v1"
INTERVAL = "15s"
RUNBOOK = "docs/guides/alerts.md"
EVERYWHERE = "infrastructure.environment"
LABELS = {
    "model": "mlsystem_dev_model",
    "component": "app_kubernetes_io_component",
}
"""Of a target, from the labels of its Service or pod."""


def rule_objects(cluster: Cluster) -> tuple[KubernetesObject, ...]:
    """For the Prometheus operator; none where the platform does not declare it."""
    if not cluster.target.platform.prometheus:
        return ()
    rules = tuple(
        KubernetesObject(
            "observability",
            resource(cluster, "PrometheusRule", rules_name(cluster, group), "monitor",
                     {"groups": [group_body(cluster, group)]}, group.model),
            group.origin, "observability",
        )
        for group in groups(cluster)
    )  # fmt: skip
    monitor: Body = {"podMetricsEndpoints": [endpoint(cluster, "metrics", "pod")]}  # it has no Service
    return (*rules, *scraped_servers(cluster),
            scraped(cluster, "PodMonitor", cluster.name("monitor"), "monitor", monitor))


def scraped_servers(cluster: Cluster) -> Iterator[KubernetesObject]:
    """Those that Knative runs by their pods: its Services have other ports, and our labels too."""
    knative = [label_value(model.name) for model in cluster.system.models if by_knative(model)]
    others = [label_value(model.name) for model in cluster.system.models if not by_knative(model)]
    if others:
        found = endpoint(cluster, scraped_port(cluster), "service")
        yield scraped(cluster, "ServiceMonitor", cluster.name("server"), "server", {"endpoints": [found]},
                      others if knative else ())  # fmt: skip
    if knative:
        found = endpoint(cluster, USER_PORT, "pod")
        found["relabelings"] += [
            {"sourceLabels": one["source_labels"], "regex": one["regex"], "targetLabel": one["target_label"],
             "replacement": one["replacement"]}
            for one in apart_beside_knative(cluster)
        ]  # fmt: skip
        yield scraped(cluster, "PodMonitor", cluster.name("server", "knative"), "server",
                      {"podMetricsEndpoints": [found]}, knative if others else ())  # fmt: skip


def apart_beside_knative(cluster: Cluster) -> list[Body]:
    """Pods of Knative name one port: metrics at another are found from there."""
    if not cluster.system.metrics_apart:
        return []
    return [{
        "source_labels": ["__meta_kubernetes_pod_container_port_name", "__address__"],
        "regex": f"{USER_PORT};(.+):{SERVER_PORT}", "target_label": "__address__",
        "replacement": f"$1:{METRICS_PORT_BESIDE_KNATIVE}",
    }]  # fmt: skip


def rules_name(cluster: Cluster, group: Group) -> str:
    return cluster.name("pipeline", "rules") if group.model is None else cluster.name("rules", group.model)


def scraped(
    cluster: Cluster, kind: str, name: str, component: str, endpoints: Body, models: Sequence[str] = ()
) -> KubernetesObject:
    """What has the component's labels is asked at its endpoints; of `models` alone, where any are given."""
    these = [{"key": "mlsystem.dev/model", "operator": "In", "values": list(models)}]
    spec = {
        "selector": {"matchLabels": cluster.selector(component), **({"matchExpressions": these} if models else {})},
        "namespaceSelector": {"matchNames": [cluster.target.namespace]},
        **endpoints,
    }
    body = resource(cluster, kind, name, component, spec)
    return KubernetesObject("observability", body, EVERYWHERE, "observability")


def endpoint(cluster: Cluster, port: str, kind: str) -> Body:
    """What a process says of itself (`model`) stands above what is known of its pod."""
    constants = {"system": cluster.prefix, "environment": cluster.system.environment}
    return {
        "port": port,
        "path": "/metrics",
        "interval": INTERVAL,
        "honorLabels": True,
        "relabelings": [
            *({"targetLabel": label, "replacement": value} for label, value in constants.items()),
            *(
                {"sourceLabels": [f"__meta_kubernetes_{kind}_label_{source}"], "targetLabel": label}
                for label, source in LABELS.items()
            ),
        ],
    }


def resource(
    cluster: Cluster, kind: str, name: str, component: str, spec: Body, model: str | None = None
) -> Body:
    return {"apiVersion": API, "kind": kind, "metadata": cluster.metadata(name, component, model), "spec": spec}


def rule_files(cluster: Cluster) -> tuple[Artifact, ...]:
    """The rules as a plain file, their unit tests, and a scrape configuration that sets the labels that they read."""
    found = groups(cluster)
    contents: dict[str, Body] = {
        "rules.yaml": {"groups": [group_body(cluster, group) for group in found]},
        "rules.test.yaml": unit_tests(cluster, found, every=1),
        "tickets.test.yaml": unit_tests(cluster, found, every=LOOKS),
        "scrape.yaml": {"scrape_configs": [scrape(cluster)]},
    }
    return tuple(
        Artifact(f"observability/{name}", manifest(body), EVERYWHERE) for name, body in contents.items()
        if body.get("tests", True)
    )  # fmt: skip


def unit_tests(cluster: Cluster, found: tuple[Group, ...], every: int) -> Body:
    """The cases that look at the rules every so many minutes: what takes days is looked at less often."""
    alerts = [alert for group in found for alert in group.alerts]
    return {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": f"{every}m",
        "tests": [
            case_body(cluster, alert, case) for alert in alerts for case in alert.cases if case.every == every
        ],
    }


def group_body(cluster: Cluster, group: Group) -> Body:
    recorded = labels(cluster, group.model)
    recordings = [{"record": one.record, "expr": one.expression, "labels": recorded} for one in group.recordings]
    return {"name": group.name, "rules": [*recordings, *(alert_body(cluster, one) for one in group.alerts)]}


def labels(cluster: Cluster, model: str | None) -> dict[str, str]:
    found = {"system": cluster.prefix, "environment": cluster.system.environment}
    return found if model is None else {**found, "model": model}


def alert_body(cluster: Cluster, alert: Alert) -> Body:
    lasting = {"for": f"{alert.minutes}m"} if alert.minutes else {}
    return {
        "alert": alert.name,
        "expr": alert.expression,
        **lasting,
        "labels": {"severity": alert.severity, **labels(cluster, alert.model)},
        "annotations": {
            "summary": f"{alert.summary} ({cluster.system.name}, {cluster.system.environment})",
            "description": alert.description,
            "runbook": f"{RUNBOOK}#{alert.name.lower()}",
        },
    }


def case_body(cluster: Cluster, alert: Alert, case: Case) -> Body:
    """Silent the time before, firing at the predicted one, with the labels and the text that people get; another model
    that is well changes nothing."""
    others = [model for model in cluster.system.models if model.name != alert.model]
    another = [one for model in others[:1] for one in healthy(cluster, model)]
    at, every = case.fires, case.every
    fires = () if at is None else ((at - every, []), (at, [told(cluster, alert, case)]))
    return {
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in (*case.input, *another)],
        "alert_rule_test": [
            {"alertname": alert.name, "eval_time": f"{minute}m", "exp_alerts": expected}
            for minute, expected in (*fires, *((minute, []) for minute in case.silent))
        ],
    }


def told(cluster: Cluster, alert: Alert, case: Case) -> Body:
    """The alert as it reaches people when it fires."""
    body, found = alert_body(cluster, alert), dict(case.labels)
    annotations = {key: rendered(value, case.value, found) for key, value in body["annotations"].items()}
    return {"exp_labels": {**body["labels"], **found}, "exp_annotations": annotations}


def rendered(template: str, value: str, found: dict[str, str]) -> str:
    """As Prometheus prints it."""
    for label, content in found.items():
        template = template.replace(f"{{{{ $labels.{label} }}}}", content)
    return template.replace(VALUE, value)


def scrape(cluster: Cluster) -> Body:
    """Pods of this system, by the names of their ports."""
    knative = [USER_PORT] if any(by_knative(model) for model in cluster.system.models) else []
    pod, ports = "__meta_kubernetes_pod", "|".join(sorted({scraped_port(cluster), METRICS, *knative}))
    keep = {f"{pod}_label_app_kubernetes_io_instance": cluster.instance, f"{pod}_container_port_name": ports}
    constants = {"system": cluster.prefix, "environment": cluster.system.environment}
    copied = {
        **{label: f"{pod}_label_{source}" for label, source in LABELS.items()},
        "namespace": "__meta_kubernetes_namespace",
        "pod": f"{pod}_name",
    }
    return {
        "job_name": cluster.instance,
        "scrape_interval": INTERVAL,
        "honor_labels": True,
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [cluster.target.namespace]}}],
        "relabel_configs": [
            *({"source_labels": [source], "regex": value, "action": "keep"} for source, value in keep.items()),
            *({"target_label": label, "replacement": value} for label, value in constants.items()),
            *({"source_labels": [source], "target_label": label} for label, source in copied.items()),
            *(apart_beside_knative(cluster) if knative else ()),
        ],
    }
