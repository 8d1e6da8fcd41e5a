"""Platform."""

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from cluster.account import account, foundation
from cluster.addons import (
    addon_aws_ebs_csi_driver,
    addon_coredns,
    addon_metrics_server,
)
from cluster.eks import cluster
from cluster.nodes import nodes_system

inside = k8s.Provider(
    "inside",
    kubeconfig=pulumi.Output.json_dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "flight-delay-prod",
                    "cluster": {
                        "server": cluster.endpoint,
                        "certificate-authority-data": cluster.certificate_authority.data,
                    },
                },
            ],
            "users": [
                {
                    "name": "flight-delay-prod",
                    "user": {
                        "exec": {
                            "apiVersion": "client.authentication.k8s.io/v1beta1",
                            "command": "aws",
                            "args": [
                                "eks",
                                "get-token",
                                "--cluster-name",
                                "flight-delay-prod",
                                "--region",
                                "us-east-1",
                                "--output",
                                "json",
                            ],
                            "interactiveMode": "Never",
                        },
                    },
                },
            ],
            "contexts": [
                {
                    "name": "flight-delay-prod",
                    "context": {
                        "cluster": "flight-delay-prod",
                        "user": "flight-delay-prod",
                        "namespace": "flight-delay",
                    },
                },
            ],
            "current-context": "flight-delay-prod",
        },
    ),
    cluster_identifier="flight-delay-prod",
    opts=pulumi.ResourceOptions(depends_on=[nodes_system]),
)

cluster_autoscaler = aws.iam.Role(
    "cluster-autoscaler",
    name="flight-delay-prod-cluster-autoscaler",
    assume_role_policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "pods.eks.amazonaws.com"},
                    "Action": ["sts:AssumeRole", "sts:TagSession"],
                    "Condition": {
                        "StringEquals": {
                            "aws:SourceAccount": "123456789012",
                            "aws:RequestTag/eks-cluster-name": "flight-delay-prod",
                            "aws:RequestTag/kubernetes-namespace": "kube-system",
                            "aws:RequestTag/kubernetes-service-account": "cluster-autoscaler",
                        },
                    },
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

external_secrets = aws.iam.Role(
    "external-secrets",
    name="flight-delay-prod-external-secrets",
    assume_role_policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "pods.eks.amazonaws.com"},
                    "Action": ["sts:AssumeRole", "sts:TagSession"],
                    "Condition": {
                        "StringEquals": {
                            "aws:SourceAccount": "123456789012",
                            "aws:RequestTag/eks-cluster-name": "flight-delay-prod",
                            "aws:RequestTag/kubernetes-namespace": "external-secrets",
                            "aws:RequestTag/kubernetes-service-account": "external-secrets",
                        },
                    },
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

# Volumes that name no class; what was on one stays when it is deleted.
encrypted = k8s.storage.v1.StorageClass(
    "encrypted",
    metadata={
        "name": "encrypted",
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    },
    provisioner="ebs.csi.aws.com",
    parameters={
        "type": "gp3",
        "encrypted": "true",
        "tagSpecification_1": "mlsystem.dev/environment=prod",
        "tagSpecification_2": "mlsystem.dev/instance=flight-delay-prod",
        "tagSpecification_3": "mlsystem.dev/system=flight-delay",
    },
    reclaim_policy="Retain",
    volume_binding_mode="WaitForFirstConsumer",
    allow_volume_expansion=True,
    opts=pulumi.ResourceOptions(provider=inside),
)

# These only describe, and AWS knows no single resources for them.
cluster_autoscaler_rights = aws.iam.RolePolicy(
    "cluster-autoscaler-rights",
    role=cluster_autoscaler.name,
    name="cluster-autoscaler",
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": [
                        "autoscaling:SetDesiredCapacity",
                        "autoscaling:TerminateInstanceInAutoScalingGroup",
                    ],
                    "Resource": [
                        "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:*:autoScalingGroupName/eks-*",
                    ],
                    "Condition": {
                        "StringEquals": {
                            "aws:ResourceTag/k8s.io/cluster-autoscaler/flight-delay-prod": "owned",
                        },
                    },
                },
                {
                    "Effect": "Allow",
                    "Action": ["eks:DescribeNodegroup"],
                    "Resource": [
                        "arn:aws:eks:us-east-1:123456789012:nodegroup/flight-delay-prod/*",
                    ],
                },
                {
                    "Effect": "Allow",
                    "Action": [
                        "autoscaling:DescribeAutoScalingGroups",
                        "autoscaling:DescribeAutoScalingInstances",
                        "autoscaling:DescribeLaunchConfigurations",
                        "autoscaling:DescribeScalingActivities",
                        "autoscaling:DescribeTags",
                        "ec2:DescribeImages",
                        "ec2:DescribeInstanceTypes",
                        "ec2:DescribeLaunchTemplateVersions",
                        "ec2:GetInstanceTypesFromInstanceRequirements",
                    ],
                    "Resource": ["*"],
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

cluster_autoscaler_pods = aws.eks.PodIdentityAssociation(
    "cluster-autoscaler-pods",
    cluster_name=cluster.name,
    namespace="kube-system",
    service_account="cluster-autoscaler",
    role_arn=cluster_autoscaler.arn,
    opts=pulumi.ResourceOptions(provider=account),
)

external_secrets_rights = aws.iam.RolePolicy(
    "external-secrets-rights",
    role=external_secrets.name,
    name="external-secrets",
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                    "Resource": [
                        "arn:aws:secretsmanager:us-east-1:123456789012:secret:flight-delay-prod-??????",
                        "arn:aws:secretsmanager:us-east-1:123456789012:secret:flight-delay-prod-made-??????",
                    ],
                },
                {
                    "Effect": "Allow",
                    "Action": ["kms:Decrypt"],
                    "Resource": [foundation.require_output("key_arn")],
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

external_secrets_pods = aws.eks.PodIdentityAssociation(
    "external-secrets-pods",
    cluster_name=cluster.name,
    namespace="external-secrets",
    service_account="external-secrets",
    role_arn=external_secrets.arn,
    opts=pulumi.ResourceOptions(provider=account),
)

chart_argo_workflows = k8s.helm.v3.Release(
    "chart-argo-workflows",
    name="argo-workflows",
    chart="argo-workflows",
    version="0.46.2",
    repository_opts={"repo": "https://argoproj.github.io/argo-helm"},
    namespace="argo",
    create_namespace=True,
    atomic=True,
    timeout=900,
    values={
        "controller": {
            "resources": {
                "requests": {"cpu": "200m", "memory": "512Mi"},
                "limits": {"memory": "512Mi"},
            },
            "workflowNamespaces": ["flight-delay"],
            "metricsConfig": {"enabled": True},
        },
        "executor": {
            "resources": {
                "requests": {"cpu": "100m", "memory": "128Mi"},
                "limits": {"memory": "128Mi"},
            },
        },
        "server": {"enabled": False},
        "workflow": {"serviceAccount": {"create": False}, "rbac": {"create": False}},
    },
    opts=pulumi.ResourceOptions(
        provider=inside,
        depends_on=[encrypted, addon_coredns, addon_aws_ebs_csi_driver, addon_metrics_server],
    ),
)

chart_kube_prometheus_stack = k8s.helm.v3.Release(
    "chart-kube-prometheus-stack",
    name="kube-prometheus-stack",
    chart="kube-prometheus-stack",
    version="79.7.1",
    repository_opts={"repo": "https://prometheus-community.github.io/helm-charts"},
    namespace="monitoring",
    create_namespace=True,
    atomic=True,
    timeout=900,
    values={
        "kubeControllerManager": {"enabled": False},
        "kubeScheduler": {"enabled": False},
        "kubeEtcd": {"enabled": False},
        "kubeProxy": {"enabled": False},
        "prometheus": {
            "prometheusSpec": {
                "ruleSelectorNilUsesHelmValues": False,
                "serviceMonitorSelectorNilUsesHelmValues": False,
                "podMonitorSelectorNilUsesHelmValues": False,
                "retention": "15d",
                "resources": {
                    "requests": {"cpu": "500m", "memory": "2Gi"},
                    "limits": {"memory": "2Gi"},
                },
                "storageSpec": {
                    "volumeClaimTemplate": {
                        "spec": {
                            "accessModes": ["ReadWriteOnce"],
                            "resources": {"requests": {"storage": "50Gi"}},
                        },
                    },
                },
            },
        },
        "prometheusOperator": {
            "resources": {
                "requests": {"cpu": "100m", "memory": "256Mi"},
                "limits": {"memory": "256Mi"},
            },
        },
        "alertmanager": {
            "alertmanagerSpec": {
                "resources": {
                    "requests": {"cpu": "100m", "memory": "256Mi"},
                    "limits": {"memory": "256Mi"},
                },
            },
        },
        "grafana": {
            "adminPassword": "",
            "resources": {
                "requests": {"cpu": "200m", "memory": "512Mi"},
                "limits": {"memory": "512Mi"},
            },
            "sidecar": {"dashboards": {"searchNamespace": "ALL"}},
        },
        "kube-state-metrics": {
            "resources": {
                "requests": {"cpu": "100m", "memory": "256Mi"},
                "limits": {"memory": "256Mi"},
            },
        },
        "prometheus-node-exporter": {
            "resources": {
                "requests": {"cpu": "50m", "memory": "64Mi"},
                "limits": {"memory": "64Mi"},
            },
            "tolerations": [{"operator": "Exists"}],
        },
    },
    opts=pulumi.ResourceOptions(
        provider=inside,
        depends_on=[encrypted, addon_coredns, addon_aws_ebs_csi_driver, addon_metrics_server],
    ),
)

chart_ingress_nginx = k8s.helm.v3.Release(
    "chart-ingress-nginx",
    name="ingress-nginx",
    chart="ingress-nginx",
    version="4.13.3",
    repository_opts={"repo": "https://kubernetes.github.io/ingress-nginx"},
    namespace="ingress-nginx",
    create_namespace=True,
    atomic=True,
    timeout=900,
    values={
        "controller": {
            "replicaCount": 2,
            "resources": {
                "requests": {"cpu": "200m", "memory": "512Mi"},
                "limits": {"memory": "512Mi"},
            },
            "ingressClassResource": {"name": "nginx", "default": False},
            "service": {
                "externalTrafficPolicy": "Local",
                "annotations": {
                    "service.beta.kubernetes.io/aws-load-balancer-type": "nlb",
                    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing",
                    "service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags": "mlsystem.dev/environment=prod,mlsystem.dev/instance=flight-delay-prod,mlsystem.dev/system=flight-delay",
                },
            },
            "metrics": {"enabled": True},
        },
    },
    opts=pulumi.ResourceOptions(
        provider=inside,
        depends_on=[encrypted, addon_coredns, addon_aws_ebs_csi_driver, addon_metrics_server],
    ),
)

chart_cluster_autoscaler = k8s.helm.v3.Release(
    "chart-cluster-autoscaler",
    name="cluster-autoscaler",
    chart="cluster-autoscaler",
    version="9.59.1",
    repository_opts={"repo": "https://kubernetes.github.io/autoscaler"},
    namespace="kube-system",
    create_namespace=False,
    atomic=True,
    timeout=900,
    values={
        "fullnameOverride": "cluster-autoscaler",
        "autoDiscovery": {"clusterName": "flight-delay-prod"},
        "awsRegion": "us-east-1",
        "rbac": {"serviceAccount": {"name": "cluster-autoscaler"}},
        "resources": {
            "requests": {"cpu": "100m", "memory": "512Mi"},
            "limits": {"memory": "512Mi"},
        },
        "extraArgs": {
            "expander": "least-waste",
            "balance-similar-node-groups": True,
            "skip-nodes-with-system-pods": False,
        },
    },
    opts=pulumi.ResourceOptions(
        provider=inside,
        depends_on=[
            encrypted,
            addon_coredns,
            addon_aws_ebs_csi_driver,
            addon_metrics_server,
            cluster_autoscaler_pods,
        ],
    ),
)

chart_external_secrets = k8s.helm.v3.Release(
    "chart-external-secrets",
    name="external-secrets",
    chart="external-secrets",
    version="0.20.4",
    repository_opts={"repo": "https://charts.external-secrets.io"},
    namespace="external-secrets",
    create_namespace=True,
    atomic=True,
    timeout=900,
    values={
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi"},
            "limits": {"memory": "256Mi"},
        },
        "serviceAccount": {"name": "external-secrets"},
        "webhook": {
            "resources": {
                "requests": {"cpu": "50m", "memory": "128Mi"},
                "limits": {"memory": "128Mi"},
            },
        },
        "certController": {
            "resources": {
                "requests": {"cpu": "50m", "memory": "128Mi"},
                "limits": {"memory": "128Mi"},
            },
        },
    },
    opts=pulumi.ResourceOptions(
        provider=inside,
        depends_on=[
            encrypted,
            addon_coredns,
            addon_aws_ebs_csi_driver,
            addon_metrics_server,
            external_secrets_pods,
        ],
    ),
)

store_account = k8s.apiextensions.CustomResource(
    "store-account",
    api_version="external-secrets.io/v1",
    kind="ClusterSecretStore",
    metadata={"name": "account"},
    spec={"provider": {"aws": {"service": "SecretsManager", "region": "us-east-1"}}},
    opts=pulumi.ResourceOptions(provider=inside, depends_on=[chart_external_secrets]),
)
