"""Secrets."""

import pulumi
import pulumi_kubernetes as k8s

from system.cluster import cluster
from system.namespace import flight_delay_namespace

prod_external_secret = k8s.apiextensions.CustomResource(
    "flight-delay-prod",
    api_version="external-secrets.io/v1",
    kind="ExternalSecret",
    metadata={
        "name": "flight-delay-prod",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "secrets",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
        },
        "annotations": {"pulumi.com/skipAwait": "true"},
    },
    spec={
        "refreshInterval": "1h",
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": "account"},
        "target": {"name": "flight-delay-prod", "creationPolicy": "Owner"},
        "data": [
            {
                "secretKey": "ONLINE_STORE_URL",
                "remoteRef": {"key": "flight-delay-prod-made", "property": "ONLINE_STORE_URL"},
            },
            {
                "secretKey": "TRACKING_DATABASE_HOST",
                "remoteRef": {
                    "key": "flight-delay-prod-made",
                    "property": "TRACKING_DATABASE_HOST",
                },
            },
            {
                "secretKey": "TRACKING_DATABASE_PASSWORD",
                "remoteRef": {
                    "key": "flight-delay-prod-made",
                    "property": "TRACKING_DATABASE_PASSWORD",
                },
            },
        ],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)
