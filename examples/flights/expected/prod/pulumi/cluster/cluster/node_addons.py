"""Node addons."""

import pulumi
import pulumi_aws as aws

from cluster.account import account
from cluster.eks import cluster

vpc_cni = aws.iam.Role(
    "vpc-cni",
    name="flight-delay-prod-vpc-cni",
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
                            "aws:RequestTag/kubernetes-service-account": "aws-node",
                        },
                    },
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

addon_kube_proxy = aws.eks.Addon(
    "addon-kube-proxy",
    cluster_name=cluster.name,
    addon_name="kube-proxy",
    resolve_conflicts_on_create="OVERWRITE",
    resolve_conflicts_on_update="OVERWRITE",
    opts=pulumi.ResourceOptions(provider=account),
)

addon_eks_pod_identity_agent = aws.eks.Addon(
    "addon-eks-pod-identity-agent",
    cluster_name=cluster.name,
    addon_name="eks-pod-identity-agent",
    resolve_conflicts_on_create="OVERWRITE",
    resolve_conflicts_on_update="OVERWRITE",
    opts=pulumi.ResourceOptions(provider=account),
)

vpc_cni_policy = aws.iam.RolePolicyAttachment(
    "vpc-cni-policy",
    role=vpc_cni.name,
    policy_arn="arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy",
    opts=pulumi.ResourceOptions(provider=account),
)

addon_vpc_cni = aws.eks.Addon(
    "addon-vpc-cni",
    cluster_name=cluster.name,
    addon_name="vpc-cni",
    resolve_conflicts_on_create="OVERWRITE",
    resolve_conflicts_on_update="OVERWRITE",
    configuration_values=pulumi.Output.json_dumps({"enableNetworkPolicy": "true"}),
    pod_identity_associations=[{"role_arn": vpc_cni.arn, "service_account": "aws-node"}],
    opts=pulumi.ResourceOptions(provider=account, depends_on=[vpc_cni_policy]),
)
