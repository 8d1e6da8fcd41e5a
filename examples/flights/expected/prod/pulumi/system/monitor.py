"""Monitor."""

import pulumi
import pulumi_kubernetes as k8s

from system.access import monitor_service_account
from system.cluster import cluster
from system.config import config_monitor_config_map
from system.namespace import flight_delay_namespace

monitor_deployment = k8s.apps.v1.Deployment(
    "flight-delay-monitor",
    metadata={
        "name": "flight-delay-monitor",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "monitor",
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
                "app.kubernetes.io/component": "monitor",
            },
        },
        "template": {
            "metadata": {
                "labels": {
                    "app.kubernetes.io/name": "mlsystem",
                    "app.kubernetes.io/instance": "flight-delay-prod",
                    "app.kubernetes.io/component": "monitor",
                    "app.kubernetes.io/part-of": "flight-delay",
                    "app.kubernetes.io/managed-by": "mlsystem",
                    "mlsystem.dev/system": "flight-delay",
                    "mlsystem.dev/environment": "prod",
                },
            },
            "spec": {
                "service_account_name": "flight-delay-monitor",
                "automount_service_account_token": True,
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
                        "name": "monitor",
                        "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/flight-delay-prod/flight-delay/trainer:sha256-of-trainer",
                        "image_pull_policy": "IfNotPresent",
                        "command": [
                            "python",
                            "-m",
                            "mlsystem_runtime",
                            "monitor",
                            "--config",
                            "/etc/mlsystem/run.json",
                            "--workspace",
                            "s3://flight-delay-prod-123456789012",
                            "--release",
                            "configmap://flight-delay/flight-delay-release",
                            "--metrics-port",
                            "9090",
                        ],
                        "env": [
                            {"name": "MLSYSTEM_MIRROR", "value": "/var/lib/mlsystem/mirror"},
                            {
                                "name": "MLSYSTEM_ONLINE_STORE",
                                "value_from": {
                                    "secret_key_ref": {
                                        "name": "flight-delay-prod",
                                        "key": "ONLINE_STORE_URL",
                                    },
                                },
                            },
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
                        "volume_mounts": [
                            {"name": "config", "mount_path": "/etc/mlsystem", "read_only": True},
                            {"name": "tmp", "mount_path": "/tmp"},
                            {"name": "mirror", "mount_path": "/var/lib/mlsystem/mirror"},
                        ],
                        "ports": [{"name": "metrics", "container_port": 9090, "protocol": "TCP"}],
                    },
                ],
                "volumes": [
                    {
                        "name": "config",
                        "config_map": {"name": "flight-delay-config-monitor-ef85e7cd"},
                    },
                    {"name": "tmp", "empty_dir": {"size_limit": "1Gi"}},
                    {"name": "mirror", "empty_dir": {"size_limit": "20Gi"}},
                ],
                "node_selector": {"mlsystem.dev/nodes": "system"},
            },
        },
    },
    opts=pulumi.ResourceOptions(
        provider=cluster,
        depends_on=[flight_delay_namespace, monitor_service_account, config_monitor_config_map],
    ),
)
