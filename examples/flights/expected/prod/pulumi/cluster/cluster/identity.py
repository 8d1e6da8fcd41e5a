"""Identity."""

import pulumi
import pulumi_aws as aws

from cluster.account import account, foundation
from cluster.eks import cluster

server = aws.iam.Role(
    "server",
    name="flight-delay-prod-server",
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
                            "aws:RequestTag/kubernetes-namespace": "flight-delay",
                            "aws:RequestTag/kubernetes-service-account": "flight-delay-server",
                        },
                    },
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

monitor = aws.iam.Role(
    "monitor",
    name="flight-delay-prod-monitor",
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
                            "aws:RequestTag/kubernetes-namespace": "flight-delay",
                            "aws:RequestTag/kubernetes-service-account": "flight-delay-monitor",
                        },
                    },
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

pipeline = aws.iam.Role(
    "pipeline",
    name="flight-delay-prod-pipeline",
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
                            "aws:RequestTag/kubernetes-namespace": "flight-delay",
                            "aws:RequestTag/kubernetes-service-account": "flight-delay-pipeline",
                        },
                    },
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

server_rights = aws.iam.RolePolicy(
    "server-rights",
    role=server.name,
    name="server",
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket"],
                    "Resource": ["arn:aws:s3:::flight-delay-prod-123456789012"],
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetObject"],
                    "Resource": [
                        "arn:aws:s3:::flight-delay-prod-123456789012/models/*",
                        "arn:aws:s3:::flight-delay-prod-123456789012/clock.json",
                    ],
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:PutObject", "s3:AbortMultipartUpload"],
                    "Resource": [
                        "arn:aws:s3:::flight-delay-prod-123456789012/predictions/*",
                        "arn:aws:s3:::flight-delay-prod-123456789012/feedback/*",
                        "arn:aws:s3:::flight-delay-prod-123456789012/counts/*",
                    ],
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:DeleteObject"],
                    "Resource": [
                        "arn:aws:s3:::flight-delay-prod-123456789012/predictions/*",
                        "arn:aws:s3:::flight-delay-prod-123456789012/feedback/*",
                    ],
                },
                {
                    "Effect": "Allow",
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                    "Resource": [foundation.require_output("key_arn")],
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

server_pods = aws.eks.PodIdentityAssociation(
    "server-pods",
    cluster_name=cluster.name,
    namespace="flight-delay",
    service_account="flight-delay-server",
    role_arn=server.arn,
    opts=pulumi.ResourceOptions(provider=account),
)

monitor_rights = aws.iam.RolePolicy(
    "monitor-rights",
    role=monitor.name,
    name="monitor",
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket"],
                    "Resource": ["arn:aws:s3:::flight-delay-prod-123456789012"],
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetObject"],
                    "Resource": ["arn:aws:s3:::flight-delay-prod-123456789012/*"],
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:PutObject", "s3:AbortMultipartUpload"],
                    "Resource": [
                        "arn:aws:s3:::flight-delay-prod-123456789012/monitor/*",
                        "arn:aws:s3:::flight-delay-prod-123456789012/ledger/*",
                    ],
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:DeleteObject"],
                    "Resource": ["arn:aws:s3:::flight-delay-prod-123456789012/counts/*"],
                },
                {
                    "Effect": "Allow",
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                    "Resource": [foundation.require_output("key_arn")],
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

monitor_pods = aws.eks.PodIdentityAssociation(
    "monitor-pods",
    cluster_name=cluster.name,
    namespace="flight-delay",
    service_account="flight-delay-monitor",
    role_arn=monitor.arn,
    opts=pulumi.ResourceOptions(provider=account),
)

pipeline_rights = aws.iam.RolePolicy(
    "pipeline-rights",
    role=pipeline.name,
    name="pipeline",
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket"],
                    "Resource": ["arn:aws:s3:::flight-delay-prod-123456789012"],
                },
                {
                    "Effect": "Allow",
                    "Action": [
                        "s3:GetObject",
                        "s3:PutObject",
                        "s3:AbortMultipartUpload",
                        "s3:DeleteObject",
                    ],
                    "Resource": ["arn:aws:s3:::flight-delay-prod-123456789012/*"],
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket"],
                    "Resource": ["arn:aws:s3:::flight-delay"],
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetObject"],
                    "Resource": [
                        "arn:aws:s3:::flight-delay/data/flights.parquet",
                        "arn:aws:s3:::flight-delay/data/flights.parquet/*",
                        "arn:aws:s3:::flight-delay/data/weather.csv",
                        "arn:aws:s3:::flight-delay/data/weather.csv/*",
                    ],
                },
                {
                    "Effect": "Allow",
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                    "Resource": [foundation.require_output("key_arn")],
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

pipeline_pods = aws.eks.PodIdentityAssociation(
    "pipeline-pods",
    cluster_name=cluster.name,
    namespace="flight-delay",
    service_account="flight-delay-pipeline",
    role_arn=pipeline.arn,
    opts=pulumi.ResourceOptions(provider=account),
)
