"""Changed pods step by step, where the platform has Argo Rollouts: an image, hardware, a setting of the server.

New models are not rolled out here: the server shares traffic among versions itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.kubernetes.disruption import replacement
from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.processes import server_name
from mlsystem.emit.kubernetes.scaling import PROMETHEUS
from mlsystem.emit.promql import NOT_OURS_TO_ANSWER, series
from mlsystem.system.nodes import ModelNode
from mlsystem_runtime.contract.names import DRAIN_DELAY_SECONDS, REQUESTS

REVISIONS = 5
SHARES = (25, 50, 75)
PAUSE = "60s"
FAILED_SHARE = 0.05
FAILURES = "error|rejected"
HASH = "pods"
"""The argument of the analysis: which pods are the changed ones."""


def rollout(cluster: Cluster, model: ModelNode, template: Body) -> KubernetesObject:
    """Without `replicas`, which are the scaler's. A first one has no steps; after each the share of pods rises."""
    body = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": cluster.metadata(server_name(cluster, model.name), "server", model.name),
        "spec": {
            "revisionHistoryLimit": REVISIONS,
            "minReadySeconds": DRAIN_DELAY_SECONDS,
            "selector": {"matchLabels": cluster.selector("server", model.name)},
            "strategy": {"canary": canary(cluster, model)},
            "template": template,
        },
    }
    return KubernetesObject("server", body, f"endpoint.{model.name}", skip_await=True)


def canary(cluster: Cluster, model: ModelNode) -> Body:
    steps: list[Body] = []
    for share in SHARES:
        steps += [{"setWeight": share}, {"pause": {"duration": PAUSE}}]
    found: Body = {**replacement(model), "steps": steps}
    if not cluster.target.platform.prometheus:
        return found
    return {**found, "analysis": analysis(cluster, model)}


def analysis(cluster: Cluster, model: ModelNode) -> Body:
    """From the first pause on, beside the steps; when it fails, the old pods stay."""
    return {
        "templates": [{"templateName": server_name(cluster, model.name)}],
        "startingStep": 1,
        "args": [{"name": HASH, "valueFrom": {"podTemplateHashValue": "Latest"}}],
    }


def analyses(cluster: Cluster) -> Iterator[KubernetesObject]:
    """What the changed pods are held to, where Prometheus counts their answers."""
    platform = cluster.target.platform
    if not (platform.argo_rollouts and platform.prometheus):
        return
    for model in cluster.system.models:
        body = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AnalysisTemplate",
            "metadata": cluster.metadata(server_name(cluster, model.name), "server", model.name),
            "spec": {"args": [{"name": HASH}], "metrics": [failed_share(cluster, model)]},
        }
        yield KubernetesObject("server", body, f"endpoint.{model.name}")


def failed_share(cluster: Cluster, model: ModelNode) -> Body:
    """No requests, no verdict."""
    return {
        "name": "failed-share",
        "interval": "15s",
        "failureLimit": 1,
        "consecutiveErrorLimit": 4,
        "successCondition": f"len(result) == 0 || isNaN(result[0]) || result[0] <= {FAILED_SHARE}",
        "provider": {"prometheus": {"address": PROMETHEUS, "query": failed_share_query(cluster, model)}},
    }


def failed_share_query(cluster: Cluster, model: ModelNode) -> str:
    """PromQL: of the answers of the changed pods, the share that our side is to blame for."""
    changed = f"=~{server_name(cluster, model.name)}-{{{{args.{HASH}}}}}-.*"
    ours = series(REQUESTS, cluster, model.name, pod=changed, outcome=f"!~{NOT_OURS_TO_ANSWER}")
    failed = series(REQUESTS, cluster, model.name, pod=changed, outcome=f"=~{FAILURES}")
    return f"sum(rate({failed}[1m])) / sum(rate({ours}[1m]))"
