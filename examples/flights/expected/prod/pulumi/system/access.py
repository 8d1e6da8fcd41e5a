"""Access."""

import pulumi
import pulumi_kubernetes as k8s

from system.cluster import cluster
from system.namespace import flight_delay_namespace

server_service_account = k8s.core.v1.ServiceAccount(
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
    },
    automount_service_account_token=True,
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

monitor_service_account = k8s.core.v1.ServiceAccount(
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
    automount_service_account_token=True,
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

pipeline_service_account = k8s.core.v1.ServiceAccount(
    "flight-delay-pipeline",
    metadata={
        "name": "flight-delay-pipeline",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "pipeline",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
        },
    },
    automount_service_account_token=True,
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

stores_service_account = k8s.core.v1.ServiceAccount(
    "flight-delay-stores",
    metadata={
        "name": "flight-delay-stores",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "stores",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
        },
    },
    automount_service_account_token=False,
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

server_role = k8s.rbac.v1.Role(
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
    },
    rules=[
        {
            "api_groups": [""],
            "resources": ["configmaps"],
            "resource_names": ["flight-delay-release"],
            "verbs": ["get", "watch"],
        },
    ],
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

server_role_binding = k8s.rbac.v1.RoleBinding(
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
    },
    role_ref={
        "api_group": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": "flight-delay-server",
    },
    subjects=[
        {"kind": "ServiceAccount", "name": "flight-delay-server", "namespace": "flight-delay"},
    ],
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

monitor_role = k8s.rbac.v1.Role(
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
    rules=[
        {
            "api_groups": [""],
            "resources": ["configmaps"],
            "resource_names": ["flight-delay-release"],
            "verbs": ["get", "watch"],
        },
    ],
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

monitor_role_binding = k8s.rbac.v1.RoleBinding(
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
    role_ref={
        "api_group": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": "flight-delay-monitor",
    },
    subjects=[
        {"kind": "ServiceAccount", "name": "flight-delay-monitor", "namespace": "flight-delay"},
    ],
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

pipeline_role = k8s.rbac.v1.Role(
    "flight-delay-pipeline",
    metadata={
        "name": "flight-delay-pipeline",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "pipeline",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
        },
    },
    rules=[
        {
            "api_groups": [""],
            "resources": ["configmaps"],
            "resource_names": ["flight-delay-release"],
            "verbs": ["get", "update"],
        },
        {"api_groups": [""], "resources": ["configmaps"], "verbs": ["create"]},
        {
            "api_groups": ["argoproj.io"],
            "resources": ["workflowtaskresults"],
            "verbs": ["create", "patch"],
        },
    ],
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

pipeline_role_binding = k8s.rbac.v1.RoleBinding(
    "flight-delay-pipeline",
    metadata={
        "name": "flight-delay-pipeline",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "pipeline",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
        },
    },
    role_ref={
        "api_group": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": "flight-delay-pipeline",
    },
    subjects=[
        {"kind": "ServiceAccount", "name": "flight-delay-pipeline", "namespace": "flight-delay"},
    ],
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)
