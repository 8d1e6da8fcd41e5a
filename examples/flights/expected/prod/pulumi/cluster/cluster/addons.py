"""Addons."""

import pulumi
import pulumi_aws as aws

from cluster.account import account
from cluster.eks import cluster
from cluster.nodes import nodes_system

addon_coredns = aws.eks.Addon(
    "addon-coredns",
    cluster_name=cluster.name,
    addon_name="coredns",
    resolve_conflicts_on_create="OVERWRITE",
    resolve_conflicts_on_update="OVERWRITE",
    opts=pulumi.ResourceOptions(provider=account, depends_on=[nodes_system]),
)

aws_ebs_csi_driver = aws.iam.Role(
    "aws-ebs-csi-driver",
    name="flight-delay-prod-aws-ebs-csi-driver",
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
                            "aws:RequestTag/kubernetes-service-account": "ebs-csi-controller-sa",
                        },
                    },
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

addon_metrics_server = aws.eks.Addon(
    "addon-metrics-server",
    cluster_name=cluster.name,
    addon_name="metrics-server",
    resolve_conflicts_on_create="OVERWRITE",
    resolve_conflicts_on_update="OVERWRITE",
    opts=pulumi.ResourceOptions(provider=account, depends_on=[nodes_system]),
)

aws_ebs_csi_driver_policy = aws.iam.RolePolicyAttachment(
    "aws-ebs-csi-driver-policy",
    role=aws_ebs_csi_driver.name,
    policy_arn="arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy",
    opts=pulumi.ResourceOptions(provider=account),
)

addon_aws_ebs_csi_driver = aws.eks.Addon(
    "addon-aws-ebs-csi-driver",
    cluster_name=cluster.name,
    addon_name="aws-ebs-csi-driver",
    resolve_conflicts_on_create="OVERWRITE",
    resolve_conflicts_on_update="OVERWRITE",
    pod_identity_associations=[
        {"role_arn": aws_ebs_csi_driver.arn, "service_account": "ebs-csi-controller-sa"},
    ],
    opts=pulumi.ResourceOptions(
        provider=account,
        depends_on=[nodes_system, aws_ebs_csi_driver_policy],
    ),
)
