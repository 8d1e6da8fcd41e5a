"""Network."""

import pulumi
import pulumi_kubernetes as k8s

from system.cluster import cluster
from system.namespace import flight_delay_namespace

deny_network_policy = k8s.networking.v1.NetworkPolicy(
    "flight-delay-deny",
    metadata={
        "name": "flight-delay-deny",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "network",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
        },
    },
    spec={
        "pod_selector": {"match_labels": {"app.kubernetes.io/instance": "flight-delay-prod"}},
        "policy_types": ["Ingress", "Egress"],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

server_network_policy = k8s.networking.v1.NetworkPolicy(
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
    spec={
        "pod_selector": {
            "match_labels": {
                "app.kubernetes.io/instance": "flight-delay-prod",
                "app.kubernetes.io/component": "server",
            },
        },
        "policy_types": ["Ingress", "Egress"],
        "ingress": [{"ports": [{"protocol": "TCP", "port": 8080}]}],
        "egress": [
            {
                "to": [
                    {
                        "namespace_selector": {
                            "match_labels": {"kubernetes.io/metadata.name": "kube-system"},
                        },
                        "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
                    },
                    {"ip_block": {"cidr": "169.254.20.10/32"}},
                ],
                "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
            },
            {
                "to": [{"ip_block": {"cidr": "0.0.0.0/0"}}, {"ip_block": {"cidr": "::/0"}}],
                "ports": [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}],
            },
            {
                "to": [{"ip_block": {"cidr": "10.0.0.0/16"}}],
                "ports": [{"protocol": "TCP", "port": 6379}],
            },
            {
                "to": [
                    {"ip_block": {"cidr": "169.254.170.23/32"}},
                    {"ip_block": {"cidr": "fd00:ec2::23/128"}},
                ],
                "ports": [{"protocol": "TCP", "port": 80}],
            },
        ],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

monitor_network_policy = k8s.networking.v1.NetworkPolicy(
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
        "pod_selector": {
            "match_labels": {
                "app.kubernetes.io/instance": "flight-delay-prod",
                "app.kubernetes.io/component": "monitor",
            },
        },
        "policy_types": ["Ingress", "Egress"],
        "ingress": [
            {"from_": [{"namespace_selector": {}}], "ports": [{"protocol": "TCP", "port": 9090}]},
        ],
        "egress": [
            {
                "to": [
                    {
                        "namespace_selector": {
                            "match_labels": {"kubernetes.io/metadata.name": "kube-system"},
                        },
                        "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
                    },
                    {"ip_block": {"cidr": "169.254.20.10/32"}},
                ],
                "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
            },
            {
                "to": [{"ip_block": {"cidr": "0.0.0.0/0"}}, {"ip_block": {"cidr": "::/0"}}],
                "ports": [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}],
            },
            {
                "to": [{"ip_block": {"cidr": "10.0.0.0/16"}}],
                "ports": [{"protocol": "TCP", "port": 6379}],
            },
            {
                "to": [
                    {"ip_block": {"cidr": "169.254.170.23/32"}},
                    {"ip_block": {"cidr": "fd00:ec2::23/128"}},
                ],
                "ports": [{"protocol": "TCP", "port": 80}],
            },
        ],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

pipeline_network_policy = k8s.networking.v1.NetworkPolicy(
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
    spec={
        "pod_selector": {
            "match_labels": {
                "app.kubernetes.io/instance": "flight-delay-prod",
                "app.kubernetes.io/component": "pipeline",
            },
        },
        "policy_types": ["Ingress", "Egress"],
        "egress": [
            {
                "to": [
                    {
                        "namespace_selector": {
                            "match_labels": {"kubernetes.io/metadata.name": "kube-system"},
                        },
                        "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
                    },
                    {"ip_block": {"cidr": "169.254.20.10/32"}},
                ],
                "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
            },
            {
                "to": [{"ip_block": {"cidr": "0.0.0.0/0"}}, {"ip_block": {"cidr": "::/0"}}],
                "ports": [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}],
            },
            {
                "to": [{"ip_block": {"cidr": "10.0.0.0/16"}}],
                "ports": [{"protocol": "TCP", "port": 6379}],
            },
            {
                "to": [
                    {"ip_block": {"cidr": "169.254.170.23/32"}},
                    {"ip_block": {"cidr": "fd00:ec2::23/128"}},
                ],
                "ports": [{"protocol": "TCP", "port": 80}],
            },
            {
                "to": [
                    {
                        "pod_selector": {
                            "match_labels": {
                                "app.kubernetes.io/instance": "flight-delay-prod",
                                "app.kubernetes.io/component": "tracking",
                            },
                        },
                    },
                ],
                "ports": [{"protocol": "TCP", "port": 5000}],
            },
        ],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

tracking_network_policy = k8s.networking.v1.NetworkPolicy(
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
        "pod_selector": {
            "match_labels": {
                "app.kubernetes.io/instance": "flight-delay-prod",
                "app.kubernetes.io/component": "tracking",
            },
        },
        "policy_types": ["Ingress", "Egress"],
        "ingress": [
            {
                "from_": [
                    {
                        "pod_selector": {
                            "match_labels": {
                                "app.kubernetes.io/instance": "flight-delay-prod",
                                "app.kubernetes.io/component": "pipeline",
                            },
                        },
                    },
                ],
                "ports": [{"protocol": "TCP", "port": 5000}],
            },
        ],
        "egress": [
            {
                "to": [
                    {
                        "namespace_selector": {
                            "match_labels": {"kubernetes.io/metadata.name": "kube-system"},
                        },
                        "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
                    },
                    {"ip_block": {"cidr": "169.254.20.10/32"}},
                ],
                "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
            },
            {
                "to": [{"ip_block": {"cidr": "10.0.0.0/16"}}],
                "ports": [{"protocol": "TCP", "port": 5432}],
            },
        ],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)
