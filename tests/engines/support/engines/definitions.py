"""Kinds that an API server does not have by itself, with any content."""

from __future__ import annotations

from engines.kubectl import Object


def definition(
    kind: str, plural: str, group: str = "argoproj.io", version: str = "v1alpha1", scope: str = "Namespaced"
) -> Object:
    """Of Argo's, where nothing else is said; its own definitions come with its engine."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": scope, "versions": [served],
                 "names": {"kind": kind, "plural": plural, "singular": kind.lower()}},
    }  # fmt: skip
