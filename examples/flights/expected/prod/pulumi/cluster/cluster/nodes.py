"""Nodes."""

import pulumi
import pulumi_aws as aws

from cluster.account import account, foundation
from cluster.eks import cluster
from cluster.node_addons import (
    addon_eks_pod_identity_agent,
    addon_kube_proxy,
    addon_vpc_cni,
)

# Of the machines, not of what runs on them.
nodes_ = aws.iam.Role(
    "nodes",
    name="flight-delay-prod-nodes",
    assume_role_policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "ec2.amazonaws.com"},
                    "Action": ["sts:AssumeRole"],
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

machine_system = aws.ec2.LaunchTemplate(
    "machine-system",
    name="flight-delay-prod-system",
    update_default_version=True,
    block_device_mappings=[
        {
            "device_name": "/dev/xvda",
            "ebs": {
                "volume_size": 50,
                "volume_type": "gp3",
                "encrypted": "true",
                "delete_on_termination": "true",
            },
        },
    ],
    metadata_options={
        "http_endpoint": "enabled",
        "http_tokens": "required",
        "http_put_response_hop_limit": 1,
    },
    tag_specifications=[
        {
            "resource_type": "instance",
            "tags": {
                "mlsystem.dev/instance": "flight-delay-prod",
                "mlsystem.dev/system": "flight-delay",
                "mlsystem.dev/environment": "prod",
                "Name": "flight-delay-prod-system",
            },
        },
        {
            "resource_type": "volume",
            "tags": {
                "mlsystem.dev/instance": "flight-delay-prod",
                "mlsystem.dev/system": "flight-delay",
                "mlsystem.dev/environment": "prod",
                "Name": "flight-delay-prod-system",
            },
        },
    ],
    opts=pulumi.ResourceOptions(provider=account),
)

machine_serving = aws.ec2.LaunchTemplate(
    "machine-serving",
    name="flight-delay-prod-serving",
    update_default_version=True,
    block_device_mappings=[
        {
            "device_name": "/dev/xvda",
            "ebs": {
                "volume_size": 50,
                "volume_type": "gp3",
                "encrypted": "true",
                "delete_on_termination": "true",
            },
        },
    ],
    metadata_options={
        "http_endpoint": "enabled",
        "http_tokens": "required",
        "http_put_response_hop_limit": 1,
    },
    tag_specifications=[
        {
            "resource_type": "instance",
            "tags": {
                "mlsystem.dev/instance": "flight-delay-prod",
                "mlsystem.dev/system": "flight-delay",
                "mlsystem.dev/environment": "prod",
                "Name": "flight-delay-prod-serving",
            },
        },
        {
            "resource_type": "volume",
            "tags": {
                "mlsystem.dev/instance": "flight-delay-prod",
                "mlsystem.dev/system": "flight-delay",
                "mlsystem.dev/environment": "prod",
                "Name": "flight-delay-prod-serving",
            },
        },
    ],
    opts=pulumi.ResourceOptions(provider=account),
)

machine_pipeline = aws.ec2.LaunchTemplate(
    "machine-pipeline",
    name="flight-delay-prod-pipeline",
    update_default_version=True,
    block_device_mappings=[
        {
            "device_name": "/dev/xvda",
            "ebs": {
                "volume_size": 50,
                "volume_type": "gp3",
                "encrypted": "true",
                "delete_on_termination": "true",
            },
        },
    ],
    metadata_options={
        "http_endpoint": "enabled",
        "http_tokens": "required",
        "http_put_response_hop_limit": 1,
    },
    tag_specifications=[
        {
            "resource_type": "instance",
            "tags": {
                "mlsystem.dev/instance": "flight-delay-prod",
                "mlsystem.dev/system": "flight-delay",
                "mlsystem.dev/environment": "prod",
                "Name": "flight-delay-prod-pipeline",
            },
        },
        {
            "resource_type": "volume",
            "tags": {
                "mlsystem.dev/instance": "flight-delay-prod",
                "mlsystem.dev/system": "flight-delay",
                "mlsystem.dev/environment": "prod",
                "Name": "flight-delay-prod-pipeline",
            },
        },
    ],
    opts=pulumi.ResourceOptions(provider=account),
)

nodes_worker = aws.iam.RolePolicyAttachment(
    "nodes-worker",
    role=nodes_.name,
    policy_arn="arn:aws:iam::aws:policy/AmazonEKSWorkerNodeMinimalPolicy",
    opts=pulumi.ResourceOptions(provider=account),
)

nodes_pull = aws.iam.RolePolicyAttachment(
    "nodes-pull",
    role=nodes_.name,
    policy_arn="arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
    opts=pulumi.ResourceOptions(provider=account),
)

# For what always runs: the platform's controllers, the monitor, the system's own stores.
nodes_system = aws.eks.NodeGroup(
    "nodes-system",
    cluster_name=cluster.name,
    node_group_name_prefix="system-",
    node_role_arn=nodes_.arn,
    subnet_ids=foundation.require_output("private_subnet_ids"),
    ami_type="AL2023_x86_64_STANDARD",
    capacity_type="ON_DEMAND",
    instance_types=["m7i.large"],
    scaling_config={"min_size": 3, "max_size": 6, "desired_size": 3},
    update_config={"max_unavailable": 1},
    node_repair_config={"enabled": True},
    labels={"mlsystem.dev/nodes": "system"},
    launch_template={"id": machine_system.id, "version": machine_system.latest_version.apply(str)},
    opts=pulumi.ResourceOptions(
        provider=account,
        depends_on=[
            nodes_worker,
            nodes_pull,
            addon_vpc_cni,
            addon_kube_proxy,
            addon_eks_pod_identity_agent,
        ],
        ignore_changes=["scalingConfig.desiredSize"],
    ),
)

# For servers and nothing else: what was measured of them holds only where nobody takes their time.
nodes_serving = aws.eks.NodeGroup(
    "nodes-serving",
    cluster_name=cluster.name,
    node_group_name_prefix="serving-",
    node_role_arn=nodes_.arn,
    subnet_ids=foundation.require_output("private_subnet_ids"),
    ami_type="AL2023_x86_64_STANDARD",
    capacity_type="ON_DEMAND",
    instance_types=["c7i.xlarge"],
    scaling_config={"min_size": 2, "max_size": 5, "desired_size": 2},
    update_config={"max_unavailable": 1},
    node_repair_config={"enabled": True},
    labels={"mlsystem.dev/nodes": "serving"},
    taints=[{"key": "mlsystem.dev/nodes", "value": "serving", "effect": "NO_SCHEDULE"}],
    launch_template={
        "id": machine_serving.id,
        "version": machine_serving.latest_version.apply(str),
    },
    opts=pulumi.ResourceOptions(
        provider=account,
        depends_on=[
            nodes_worker,
            nodes_pull,
            addon_vpc_cni,
            addon_kube_proxy,
            addon_eks_pod_identity_agent,
        ],
        ignore_changes=["scalingConfig.desiredSize"],
    ),
)

# For steps of the pipeline; none while nothing runs.
nodes_pipeline = aws.eks.NodeGroup(
    "nodes-pipeline",
    cluster_name=cluster.name,
    node_group_name_prefix="pipeline-",
    node_role_arn=nodes_.arn,
    subnet_ids=foundation.require_output("private_subnet_ids"),
    ami_type="AL2023_x86_64_STANDARD",
    capacity_type="ON_DEMAND",
    instance_types=["m7i.large"],
    scaling_config={"min_size": 0, "max_size": 9, "desired_size": 0},
    update_config={"max_unavailable": 1},
    node_repair_config={"enabled": True},
    labels={"mlsystem.dev/nodes": "pipeline"},
    taints=[{"key": "mlsystem.dev/nodes", "value": "pipeline", "effect": "NO_SCHEDULE"}],
    launch_template={
        "id": machine_pipeline.id,
        "version": machine_pipeline.latest_version.apply(str),
    },
    opts=pulumi.ResourceOptions(
        provider=account,
        depends_on=[
            nodes_worker,
            nodes_pull,
            addon_vpc_cni,
            addon_kube_proxy,
            addon_eks_pod_identity_agent,
        ],
        ignore_changes=["scalingConfig.desiredSize"],
    ),
)
