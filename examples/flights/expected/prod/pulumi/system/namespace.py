"""Namespace."""

import pulumi
import pulumi_kubernetes as k8s

from system.cluster import cluster

flight_delay_namespace = k8s.core.v1.Namespace(
    "flight-delay",
    metadata={
        "name": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "namespace",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
            "pod-security.kubernetes.io/enforce": "restricted",
            "pod-security.kubernetes.io/audit": "restricted",
            "pod-security.kubernetes.io/warn": "restricted",
        },
    },
    opts=pulumi.ResourceOptions(provider=cluster, retain_on_delete=True),
)
