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
            "app.kubernetes.io/instance": "flight-delay-staging",
            "app.kubernetes.io/component": "tracking",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "staging",
        },
    },
    spec={
        "replicas": 1,
        "revision_history_limit": 5,
        "strategy": {"type": "Recreate"},
        "selector": {
            "match_labels": {
                "app.kubernetes.io/instance": "flight-delay-staging",
                "app.kubernetes.io/component": "tracking",
            },
        },
        "template": {
            "metadata": {
                "labels": {
                    "app.kubernetes.io/name": "mlsystem",
                    "app.kubernetes.io/instance": "flight-delay-staging",
                    "app.kubernetes.io/component": "tracking",
                    "app.kubernetes.io/part-of": "flight-delay",
                    "app.kubernetes.io/managed-by": "mlsystem",
                    "mlsystem.dev/system": "flight-delay",
                    "mlsystem.dev/environment": "staging",
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
                        "image": "registry.example.com/ml/flight-delay/trainer:sha256-of-trainer",
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
                            "postgresql+psycopg2://mlflow@flight-delay-tracking-database:5432/mlflow",
                            "--no-serve-artifacts",
                            "--default-artifact-root",
                            "s3://flight-delay/staging/mlflow",
                            "--allowed-hosts",
                            "flight-delay-tracking:*,flight-delay-tracking.flight-delay*,localhost:*,127.0.0.1:*",
                        ],
                        "env": [
                            {
                                "name": "PGPASSWORD",
                                "value_from": {
                                    "secret_key_ref": {
                                        "name": "flight-delay-secrets",
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
            "app.kubernetes.io/instance": "flight-delay-staging",
            "app.kubernetes.io/component": "tracking",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "staging",
        },
    },
    spec={
        "type": "ClusterIP",
        "selector": {
            "app.kubernetes.io/instance": "flight-delay-staging",
            "app.kubernetes.io/component": "tracking",
        },
        "ports": [{"name": "http", "port": 5000, "target_port": "http", "protocol": "TCP"}],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

tracking_database_stateful_set = k8s.apps.v1.StatefulSet(
    "flight-delay-tracking-database",
    metadata={
        "name": "flight-delay-tracking-database",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-staging",
            "app.kubernetes.io/component": "tracking-database",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "staging",
        },
    },
    spec={
        "replicas": 1,
        "revision_history_limit": 5,
        "service_name": "flight-delay-tracking-database",
        "update_strategy": {"type": "RollingUpdate"},
        "persistent_volume_claim_retention_policy": {
            "when_deleted": "Retain",
            "when_scaled": "Retain",
        },
        "selector": {
            "match_labels": {
                "app.kubernetes.io/instance": "flight-delay-staging",
                "app.kubernetes.io/component": "tracking-database",
            },
        },
        "template": {
            "metadata": {
                "labels": {
                    "app.kubernetes.io/name": "mlsystem",
                    "app.kubernetes.io/instance": "flight-delay-staging",
                    "app.kubernetes.io/component": "tracking-database",
                    "app.kubernetes.io/part-of": "flight-delay",
                    "app.kubernetes.io/managed-by": "mlsystem",
                    "mlsystem.dev/system": "flight-delay",
                    "mlsystem.dev/environment": "staging",
                },
            },
            "spec": {
                "service_account_name": "flight-delay-stores",
                "automount_service_account_token": False,
                "enable_service_links": False,
                "security_context": {
                    "run_as_non_root": True,
                    "run_as_user": 999,
                    "run_as_group": 999,
                    "fs_group": 999,
                    "fs_group_change_policy": "OnRootMismatch",
                    "seccomp_profile": {"type": "RuntimeDefault"},
                },
                "termination_grace_period_seconds": 60,
                "containers": [
                    {
                        "name": "postgres",
                        "image": "docker.io/library/postgres:16-bookworm",
                        "image_pull_policy": "IfNotPresent",
                        "command": ["docker-entrypoint.sh", "postgres"],
                        "env": [
                            {"name": "POSTGRES_USER", "value": "mlflow"},
                            {"name": "POSTGRES_DB", "value": "mlflow"},
                            {
                                "name": "POSTGRES_PASSWORD",
                                "value_from": {
                                    "secret_key_ref": {
                                        "name": "flight-delay-secrets",
                                        "key": "TRACKING_DATABASE_PASSWORD",
                                    },
                                },
                            },
                            {"name": "PGDATA", "value": "/var/lib/postgresql/data/pgdata"},
                        ],
                        "resources": {
                            "requests": {"cpu": "500m", "memory": "1Gi"},
                            "limits": {"cpu": "500m", "memory": "1Gi"},
                        },
                        "security_context": {
                            "allow_privilege_escalation": False,
                            "read_only_root_filesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "volume_mounts": [
                            {"name": "data", "mount_path": "/var/lib/postgresql/data"},
                            {"name": "run", "mount_path": "/var/run/postgresql"},
                            {"name": "tmp", "mount_path": "/tmp"},
                        ],
                        "ports": [{"name": "postgres", "container_port": 5432, "protocol": "TCP"}],
                        "startup_probe": {
                            "exec_": {
                                "command": [
                                    "pg_isready",
                                    "--host",
                                    "127.0.0.1",
                                    "--username",
                                    "mlflow",
                                    "--dbname",
                                    "mlflow",
                                ],
                            },
                            "period_seconds": 2,
                            "timeout_seconds": 5,
                            "failure_threshold": 300,
                        },
                        "liveness_probe": {
                            "exec_": {
                                "command": [
                                    "pg_isready",
                                    "--host",
                                    "127.0.0.1",
                                    "--username",
                                    "mlflow",
                                    "--dbname",
                                    "mlflow",
                                ],
                            },
                            "period_seconds": 10,
                            "timeout_seconds": 5,
                            "failure_threshold": 6,
                        },
                        "readiness_probe": {
                            "exec_": {
                                "command": [
                                    "pg_isready",
                                    "--host",
                                    "127.0.0.1",
                                    "--username",
                                    "mlflow",
                                    "--dbname",
                                    "mlflow",
                                ],
                            },
                            "period_seconds": 5,
                            "timeout_seconds": 5,
                            "failure_threshold": 3,
                        },
                    },
                ],
                "volumes": [
                    {"name": "run", "empty_dir": {"size_limit": "16Mi"}},
                    {"name": "tmp", "empty_dir": {"size_limit": "1Gi"}},
                ],
            },
        },
        "volume_claim_templates": [
            {
                "metadata": {"name": "data"},
                "spec": {
                    "access_modes": ["ReadWriteOnce"],
                    "volume_mode": "Filesystem",
                    "resources": {"requests": {"storage": "10Gi"}},
                },
            },
        ],
    },
    opts=pulumi.ResourceOptions(
        provider=cluster,
        depends_on=[flight_delay_namespace, stores_service_account],
    ),
)

tracking_database_service = k8s.core.v1.Service(
    "flight-delay-tracking-database",
    metadata={
        "name": "flight-delay-tracking-database",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-staging",
            "app.kubernetes.io/component": "tracking-database",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "staging",
        },
    },
    spec={
        "type": "ClusterIP",
        "selector": {
            "app.kubernetes.io/instance": "flight-delay-staging",
            "app.kubernetes.io/component": "tracking-database",
        },
        "ports": [{"name": "postgres", "port": 5432, "target_port": "postgres", "protocol": "TCP"}],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)
