"""Eks."""

import pulumi
import pulumi_aws as aws

from cluster.account import account, foundation

# Of the control plane, which EKS runs.
control_plane = aws.iam.Role(
    "control-plane",
    name="flight-delay-prod-control-plane",
    assume_role_policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "eks.amazonaws.com"},
                    "Action": ["sts:AssumeRole"],
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

control_plane_logs = aws.cloudwatch.LogGroup(
    "control-plane-logs",
    name="/aws/eks/flight-delay-prod/cluster",
    retention_in_days=90,
    kms_key_id=foundation.require_output("key_arn"),
    opts=pulumi.ResourceOptions(provider=account),
)

# EKS lets in the cluster's own nodes; a runner or a person in the network is none of them.
control_plane_callers = aws.ec2.SecurityGroup(
    "control-plane-callers",
    vpc_id=foundation.require_output("network_id"),
    description="To the API server of flight-delay-prod.",
    ingress=[
        {
            "protocol": "tcp",
            "from_port": 443,
            "to_port": 443,
            "description": "TLS from within the network.",
            "cidr_blocks": ["10.0.0.0/16"],
        },
    ],
    tags={"Name": "flight-delay-prod-control-plane"},
    opts=pulumi.ResourceOptions(provider=account),
)

control_plane_policy = aws.iam.RolePolicyAttachment(
    "control-plane-policy",
    role=control_plane.name,
    policy_arn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy",
    opts=pulumi.ResourceOptions(provider=account),
)

# Whoever makes it may administer it; anybody else needs an access entry.
cluster = aws.eks.Cluster(
    "cluster",
    name="flight-delay-prod",
    role_arn=control_plane.arn,
    version="1.33",
    vpc_config={
        "subnet_ids": foundation.require_output("private_subnet_ids"),
        "security_group_ids": [control_plane_callers.id],
        "endpoint_private_access": True,
        "endpoint_public_access": False,
    },
    encryption_config={
        "provider": {"key_arn": foundation.require_output("key_arn")},
        "resources": ["secrets"],
    },
    access_config={
        "authentication_mode": "API",
        "bootstrap_cluster_creator_admin_permissions": True,
    },
    enabled_cluster_log_types=["api", "audit", "authenticator", "controllerManager", "scheduler"],
    bootstrap_self_managed_addons=False,
    opts=pulumi.ResourceOptions(
        provider=account,
        depends_on=[control_plane_policy, control_plane_logs],
        ignore_changes=["accessConfig.bootstrapClusterCreatorAdminPermissions"],
    ),
)
