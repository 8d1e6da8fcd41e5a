"""Online store."""

import pulumi
import pulumi_kubernetes as k8s

from system.access import stores_service_account
from system.cluster import cluster
from system.namespace import flight_delay_namespace

online_store_stateful_set = k8s.apps.v1.StatefulSet(
    "flight-delay-online-store",
    metadata={
        "name": "flight-delay-online-store",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-staging",
            "app.kubernetes.io/component": "online-store",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "staging",
        },
    },
    spec={
        "replicas": 1,
        "revision_history_limit": 5,
        "service_name": "flight-delay-online-store",
        "update_strategy": {"type": "RollingUpdate"},
        "persistent_volume_claim_retention_policy": {
            "when_deleted": "Retain",
            "when_scaled": "Retain",
        },
        "selector": {
            "match_labels": {
                "app.kubernetes.io/instance": "flight-delay-staging",
                "app.kubernetes.io/component": "online-store",
            },
        },
        "template": {
            "metadata": {
                "labels": {
                    "app.kubernetes.io/name": "mlsystem",
                    "app.kubernetes.io/instance": "flight-delay-staging",
                    "app.kubernetes.io/component": "online-store",
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
                        "name": "redis",
                        "image": "docker.io/library/redis:7.4-bookworm",
                        "image_pull_policy": "IfNotPresent",
                        "command": [
                            "redis-server",
                            "--dir",
                            "/data",
                            "--port",
                            "6379",
                            "--protected-mode",
                            "no",
                            "--appendonly",
                            "yes",
                            "--appendfsync",
                            "everysec",
                            "--save",
                            "",
                            "--maxmemory",
                            "1073741824",
                            "--maxmemory-policy",
                            "noeviction",
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
                            {"name": "data", "mount_path": "/data"},
                            {"name": "tmp", "mount_path": "/tmp"},
                        ],
                        "ports": [{"name": "redis", "container_port": 6379, "protocol": "TCP"}],
                        "startup_probe": {
                            "exec_": {"command": ["redis-cli", "-e", "-p", "6379", "ping"]},
                            "period_seconds": 2,
                            "timeout_seconds": 5,
                            "failure_threshold": 300,
                        },
                        "liveness_probe": {
                            "exec_": {"command": ["redis-cli", "-e", "-p", "6379", "ping"]},
                            "period_seconds": 10,
                            "timeout_seconds": 5,
                            "failure_threshold": 6,
                        },
                        "readiness_probe": {
                            "exec_": {"command": ["redis-cli", "-e", "-p", "6379", "ping"]},
                            "period_seconds": 5,
                            "timeout_seconds": 5,
                            "failure_threshold": 3,
                        },
                    },
                ],
                "volumes": [{"name": "tmp", "empty_dir": {"size_limit": "1Gi"}}],
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

online_store_service = k8s.core.v1.Service(
    "flight-delay-online-store",
    metadata={
        "name": "flight-delay-online-store",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-staging",
            "app.kubernetes.io/component": "online-store",
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
            "app.kubernetes.io/component": "online-store",
        },
        "ports": [{"name": "redis", "port": 6379, "target_port": "redis", "protocol": "TCP"}],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)
