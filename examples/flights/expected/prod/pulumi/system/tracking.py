"""Tracking."""

import pulumi
import pulumi_kubernetes as k8s

from system.access import stores_service_account
from system.cluster import cluster
from system.namespace import flight_delay_namespace

tracking_deployment = k8s.apps.v1.Deployment(
    "flight-delay-tracking",
    metadata={
        "name": "flight-delay-tracking",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "tracking",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
        },
    },
    spec={
        "replicas": 1,
        "revision_history_limit": 5,
        "strategy": {"type": "Recreate"},
        "selector": {
            "match_labels": {
                "app.kubernetes.io/instance": "flight-delay-prod",
                "app.kubernetes.io/component": "tracking",
            },
        },
        "template": {
            "metadata": {
                "labels": {
                    "app.kubernetes.io/name": "mlsystem",
                    "app.kubernetes.io/instance": "flight-delay-prod",
                    "app.kubernetes.io/component": "tracking",
                    "app.kubernetes.io/part-of": "flight-delay",
                    "app.kubernetes.io/managed-by": "mlsystem",
                    "mlsystem.dev/system": "flight-delay",
                    "mlsystem.dev/environment": "prod",
                },
            },
            "spec": {
                "service_account_name": "flight-delay-stores",
                "automount_service_account_token": False,
                "enable_service_links": False,
                "security_context": {
                    "run_as_non_root": True,
                    "run_as_user": 65532,
                    "run_as_group": 65532,
                    "fs_group": 65532,
                    "fs_group_change_policy": "OnRootMismatch",
                    "seccomp_profile": {"type": "RuntimeDefault"},
                },
                "termination_grace_period_seconds": 30,
                "containers": [
                    {
                        "name": "mlflow",
                        "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/flight-delay-prod/flight-delay/trainer:sha256-of-trainer",
                        "image_pull_policy": "IfNotPresent",
                        "command": [
                            "python",
                            "-m",
                            "mlflow",
                            "server",
                            "--host",
                            "0.0.0.0",
                            "--port",
                            "5000",
                            "--workers",
                            "1",
                            "--backend-store-uri",
                            "postgresql+psycopg2://mlflow@/mlflow",
                            "--no-serve-artifacts",
                            "--default-artifact-root",
                            "s3://flight-delay-prod-123456789012/mlflow",
                            "--allowed-hosts",
                            "flight-delay-tracking:*,flight-delay-tracking.flight-delay*,localhost:*,127.0.0.1:*",
                        ],
                        "env": [
                            {
                                "name": "PGHOST",
                                "value_from": {
                                    "secret_key_ref": {
                                        "name": "flight-delay-prod",
                                        "key": "TRACKING_DATABASE_HOST",
                                    },
                                },
                            },
                            {"name": "PGSSLMODE", "value": "require"},
                            {
                                "name": "PGPASSWORD",
                                "value_from": {
                                    "secret_key_ref": {
                                        "name": "flight-delay-prod",
                                        "key": "TRACKING_DATABASE_PASSWORD",
                                    },
                                },
                            },
                            {"name": "MLFLOW_DISABLE_TELEMETRY", "value": "true"},
                            {"name": "MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "value": "false"},
                        ],
                        "resources": {
                            "requests": {"cpu": "1", "memory": "2Gi"},
                            "limits": {"cpu": "1", "memory": "2Gi"},
                        },
                        "security_context": {
                            "allow_privilege_escalation": False,
                            "read_only_root_filesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "volume_mounts": [{"name": "tmp", "mount_path": "/tmp"}],
                        "ports": [{"name": "http", "container_port": 5000, "protocol": "TCP"}],
                        "startup_probe": {
                            "http_get": {"path": "/health", "port": "http", "scheme": "HTTP"},
                            "period_seconds": 5,
                            "timeout_seconds": 5,
                            "failure_threshold": 60,
                        },
                        "liveness_probe": {
                            "http_get": {"path": "/health", "port": "http", "scheme": "HTTP"},
                            "period_seconds": 10,
                            "timeout_seconds": 5,
                            "failure_threshold": 6,
                        },
                        "readiness_probe": {
                            "http_get": {"path": "/health", "port": "http", "scheme": "HTTP"},
                            "period_seconds": 5,
                            "timeout_seconds": 5,
                            "failure_threshold": 3,
                        },
                    },
                ],
                "volumes": [{"name": "tmp", "empty_dir": {"size_limit": "1Gi"}}],
                "node_selector": {"mlsystem.dev/nodes": "system"},
            },
        },
    },
    opts=pulumi.ResourceOptions(
        provider=cluster,
        depends_on=[flight_delay_namespace, stores_service_account],
    ),
)

tracking_service = k8s.core.v1.Service(
    "flight-delay-tracking",
    metadata={
        "name": "flight-delay-tracking",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "tracking",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
        },
    },
    spec={
        "type": "ClusterIP",
        "selector": {
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "tracking",
        },
        "ports": [{"name": "http", "port": 5000, "target_port": "http", "protocol": "TCP"}],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)
