"""Kubernetes objects with good defaults, for tests."""

from __future__ import annotations

from engines.kubectl import Object


def deployment(name: str, namespace: str, image: str = "none:1", replicas: int = 1, **container: object) -> Object:
    """Pods labelled `app: NAME` with one container `main`; `container` adds to it, or replaces."""
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                 "template": pod_template(name, image, **container)},
    }  # fmt: skip


def pod_template(name: str, image: str, **container: object) -> Object:
    main = {"name": "main", "image": image, "imagePullPolicy": "IfNotPresent", **container}
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [main]}}


def service(name: str, namespace: str, port: int = 80, target: int = 8080) -> Object:
    """For the pods labelled `app: NAME`."""
    spec = {"selector": {"app": name}, "ports": [{"name": "http", "port": port, "targetPort": target}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def workflow(name: str, namespace: str, image: str = "none:1", command: tuple[str, ...] = ("true",)) -> Object:
    """One step, under the service account `default`."""
    step = {"name": "main", "container": {"image": image, "command": list(command)}}
    return {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name, "namespace": namespace},
        "spec": {"entrypoint": "main", "serviceAccountName": "default", "templates": [step]},
    }  # fmt: skip


def is_rolled_out(one: Object) -> bool:
    """A Deployment whose every wanted replica is of the newest pod template and ready."""
    status, wanted = one.get("status", {}), one["spec"]["replicas"]
    newest = status.get("observedGeneration") == one["metadata"]["generation"]
    counts = [status.get(key, 0) for key in ("readyReplicas", "updatedReplicas", "replicas")]
    return newest and counts == [wanted] * 3
