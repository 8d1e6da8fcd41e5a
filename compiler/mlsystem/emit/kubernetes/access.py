"""Who may ask the API server for what: one ServiceAccount per kind of process, and nothing that it does not do."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.processes import gangs, release_name
from mlsystem.system.snapshots import ENVIRONMENT

SERVER, MONITOR, PIPELINE, STORES = "server", "monitor", "pipeline", "stores"


def account_name(cluster: Cluster, kind: str) -> str:
    return cluster.name(kind)


def access(cluster: Cluster) -> Iterator[KubernetesObject]:
    yield from account(cluster, SERVER, [release(cluster, "get", "watch")])
    yield from account(cluster, MONITOR, [release(cluster, "get", "watch"), *([submit()] if retrains(cluster) else [])])
    pipeline = [release(cluster, "get", "update"), make_release(), report_to_argo()]
    yield from account(cluster, PIPELINE, [*pipeline, *([start_gangs()] if gangs(cluster) else [])])
    yield from account(cluster, STORES, [])


def account(cluster: Cluster, kind: str, rules: list[Body]) -> Iterator[KubernetesObject]:
    """Its pods carry a token only where there is something that they may do with it."""
    name = account_name(cluster, kind)
    body: Body = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": cluster.metadata(name, kind),
        "automountServiceAccountToken": bool(rules),
    }
    pull_secret = cluster.target.platform.pull_secret
    if pull_secret is not None:
        body["imagePullSecrets"] = [{"name": pull_secret}]
    yield KubernetesObject("access", body, ENVIRONMENT)
    if rules:
        yield role(cluster, name, kind, rules)
        yield binding(cluster, name, kind)


def role(cluster: Cluster, name: str, kind: str, rules: list[Body]) -> KubernetesObject:
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": cluster.metadata(name, kind),
        "rules": rules,
    }
    return KubernetesObject("access", body, ENVIRONMENT)


def binding(cluster: Cluster, name: str, kind: str) -> KubernetesObject:
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": cluster.metadata(name, kind),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": cluster.target.namespace}],
    }
    return KubernetesObject("access", body, ENVIRONMENT)


def release(cluster: Cluster, *verbs: str) -> Body:
    """Of this one ConfigMap. A watch is allowed with `fieldSelector=metadata.name=NAME` alone: so the API reads it."""
    return {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "resourceNames": [release_name(cluster)],
        "verbs": list(verbs),
    }


def make_release() -> Body:
    """Whoever writes first makes it. What is to be made has no name yet in the API's eyes: no name can limit this."""
    return {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}


def report_to_argo() -> Body:
    """How the executor in a step's pod hands over outputs and progress; their names are those of the pods."""
    return {
        "apiGroups": ["argoproj.io"],
        "resources": ["workflowtaskresults"],
        "verbs": ["create", "patch"],
    }


def retrains(cluster: Cluster) -> bool:
    """Whether the monitor begins a retraining of some model by itself."""
    return any(model.submission is not None for model in cluster.sections[MONITOR].monitor.models)


def submit() -> Body:
    """How the monitor begins it, and sees that it did so before; the name of a run is that of its proposal."""
    return {"apiGroups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["get", "create"]}


def start_gangs() -> Body:
    """How the executor makes the Job of a training on several nodes, and follows it; its name is that of the run."""
    return {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "create"]}
