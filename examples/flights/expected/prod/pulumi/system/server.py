"""Server."""

import pulumi
import pulumi_kubernetes as k8s

from system.access import server_service_account
from system.cluster import cluster
from system.config import config_server_main_config_map
from system.namespace import flight_delay_namespace

main_server_deployment = k8s.apps.v1.Deployment(
    "flight-delay-main-server",
    metadata={
        "name": "flight-delay-main-server",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "server",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
            "mlsystem.dev/model": "main",
        },
        "annotations": {"pulumi.com/skipAwait": "true"},
    },
    spec={
        "revision_history_limit": 5,
        "min_ready_seconds": 5,
        "strategy": {
            "type": "RollingUpdate",
            "rolling_update": {"max_unavailable": 0, "max_surge": "25%"},
        },
        "selector": {
            "match_labels": {
                "app.kubernetes.io/instance": "flight-delay-prod",
                "app.kubernetes.io/component": "server",
                "mlsystem.dev/model": "main",
            },
        },
        "template": {
            "metadata": {
                "labels": {
                    "app.kubernetes.io/name": "mlsystem",
                    "app.kubernetes.io/instance": "flight-delay-prod",
                    "app.kubernetes.io/component": "server",
                    "app.kubernetes.io/part-of": "flight-delay",
                    "app.kubernetes.io/managed-by": "mlsystem",
                    "mlsystem.dev/system": "flight-delay",
                    "mlsystem.dev/environment": "prod",
                    "mlsystem.dev/model": "main",
                },
            },
            "spec": {
                "service_account_name": "flight-delay-server",
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
                        "name": "server",
                        "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/flight-delay-prod/flight-delay/server:sha256-of-server",
                        "image_pull_policy": "IfNotPresent",
                        "command": [
                            "python",
                            "-m",
                            "mlsystem_runtime",
                            "serve",
                            "--config",
                            "/etc/mlsystem/run.json",
                            "--workspace",
                            "s3://flight-delay-prod-123456789012",
                            "--release",
                            "configmap://flight-delay/flight-delay-release",
                            "--host",
                            "0.0.0.0",
                            "--port",
                            "8080",
                            "--drain-delay",
                            "5",
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
                        "ports": [{"name": "http", "container_port": 8080, "protocol": "TCP"}],
                        "startup_probe": {
                            "http_get": {"path": "/livez", "port": "http", "scheme": "HTTP"},
                            "period_seconds": 2,
                            "timeout_seconds": 2,
                            "failure_threshold": 150,
                        },
                        "liveness_probe": {
                            "http_get": {"path": "/livez", "port": "http", "scheme": "HTTP"},
                            "period_seconds": 10,
                            "timeout_seconds": 2,
                            "failure_threshold": 6,
                        },
                        "readiness_probe": {
                            "http_get": {"path": "/readyz", "port": "http", "scheme": "HTTP"},
                            "period_seconds": 2,
                            "timeout_seconds": 2,
                            "failure_threshold": 3,
                        },
                    },
                ],
                "volumes": [
                    {
                        "name": "config",
                        "config_map": {"name": "flight-delay-config-server-main-25c42817"},
                    },
                    {"name": "tmp", "empty_dir": {"size_limit": "1Gi"}},
                    {"name": "mirror", "empty_dir": {"size_limit": "10Gi"}},
                ],
                "node_selector": {"mlsystem.dev/nodes": "serving"},
                "tolerations": [
                    {
                        "key": "mlsystem.dev/nodes",
                        "operator": "Equal",
                        "value": "serving",
                        "effect": "NoSchedule",
                    },
                ],
                "topology_spread_constraints": [
                    {
                        "max_skew": 1,
                        "topology_key": "topology.kubernetes.io/zone",
                        "when_unsatisfiable": "ScheduleAnyway",
                        "label_selector": {
                            "match_labels": {
                                "app.kubernetes.io/instance": "flight-delay-prod",
                                "app.kubernetes.io/component": "server",
                                "mlsystem.dev/model": "main",
                            },
                        },
                        "match_label_keys": ["pod-template-hash"],
                    },
                    {
                        "max_skew": 1,
                        "topology_key": "kubernetes.io/hostname",
                        "when_unsatisfiable": "ScheduleAnyway",
                        "label_selector": {
                            "match_labels": {
                                "app.kubernetes.io/instance": "flight-delay-prod",
                                "app.kubernetes.io/component": "server",
                                "mlsystem.dev/model": "main",
                            },
                        },
                        "match_label_keys": ["pod-template-hash"],
                    },
                ],
            },
        },
    },
    opts=pulumi.ResourceOptions(
        provider=cluster,
        depends_on=[flight_delay_namespace, server_service_account, config_server_main_config_map],
    ),
)

main_server_service = k8s.core.v1.Service(
    "flight-delay-main-server",
    metadata={
        "name": "flight-delay-main-server",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "server",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
            "mlsystem.dev/model": "main",
        },
        "annotations": {"pulumi.com/skipAwait": "true"},
    },
    spec={
        "type": "ClusterIP",
        "selector": {
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "server",
            "mlsystem.dev/model": "main",
        },
        "ports": [{"name": "http", "port": 80, "target_port": "http", "protocol": "TCP"}],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

main_server_horizontal_pod_autoscaler = k8s.autoscaling.v2.HorizontalPodAutoscaler(
    "flight-delay-main-server",
    metadata={
        "name": "flight-delay-main-server",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "server",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
            "mlsystem.dev/model": "main",
        },
    },
    spec={
        "scale_target_ref": {
            "api_version": "apps/v1",
            "kind": "Deployment",
            "name": "flight-delay-main-server",
        },
        "min_replicas": 2,
        "max_replicas": 10,
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "average_utilization": 70},
                },
            },
        ],
        "behavior": {
            "scale_up": {
                "stabilization_window_seconds": 0,
                "select_policy": "Max",
                "policies": [
                    {"type": "Percent", "value": 100, "period_seconds": 15},
                    {"type": "Pods", "value": 4, "period_seconds": 15},
                ],
            },
            "scale_down": {
                "stabilization_window_seconds": 300,
                "select_policy": "Max",
                "policies": [{"type": "Percent", "value": 50, "period_seconds": 60}],
            },
        },
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

main_server_pod_disruption_budget = k8s.policy.v1.PodDisruptionBudget(
    "flight-delay-main-server",
    metadata={
        "name": "flight-delay-main-server",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "server",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
            "mlsystem.dev/model": "main",
        },
    },
    spec={
        "max_unavailable": 1,
        "unhealthy_pod_eviction_policy": "AlwaysAllow",
        "selector": {
            "match_labels": {
                "app.kubernetes.io/instance": "flight-delay-prod",
                "app.kubernetes.io/component": "server",
                "mlsystem.dev/model": "main",
            },
        },
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

server_ingress = k8s.networking.v1.Ingress(
    "flight-delay-server",
    metadata={
        "name": "flight-delay-server",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "server",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
        },
        "annotations": {"pulumi.com/skipAwait": "true"},
    },
    spec={
        "ingress_class_name": "nginx",
        "rules": [
            {
                "host": "flight-delay.example.com",
                "http": {
                    "paths": [
                        {
                            "path": "/main/predict",
                            "path_type": "Exact",
                            "backend": {
                                "service": {
                                    "name": "flight-delay-main-server",
                                    "port": {"name": "http"},
                                },
                            },
                        },
                        {
                            "path": "/predict",
                            "path_type": "Exact",
                            "backend": {
                                "service": {
                                    "name": "flight-delay-main-server",
                                    "port": {"name": "http"},
                                },
                            },
                        },
                        {
                            "path": "/main/feedback",
                            "path_type": "Exact",
                            "backend": {
                                "service": {
                                    "name": "flight-delay-main-server",
                                    "port": {"name": "http"},
                                },
                            },
                        },
                        {
                            "path": "/feedback",
                            "path_type": "Exact",
                            "backend": {
                                "service": {
                                    "name": "flight-delay-main-server",
                                    "port": {"name": "http"},
                                },
                            },
                        },
                    ],
                },
            },
        ],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)
