"""Storage."""

import pulumi
import pulumi_aws as aws

from foundation.account import account
from foundation.keys import key

# Data, models, the ledger and the prediction logs.
workspace = aws.s3.Bucket(
    "workspace",
    bucket="flight-delay-prod-123456789012",
    opts=pulumi.ResourceOptions(provider=account, protect=True),
)

workspace_versions = aws.s3.BucketVersioning(
    "workspace-versions",
    bucket=workspace.bucket,
    versioning_configuration={"status": "Enabled"},
    opts=pulumi.ResourceOptions(provider=account),
)

workspace_encryption = aws.s3.BucketServerSideEncryptionConfiguration(
    "workspace-encryption",
    bucket=workspace.bucket,
    rules=[
        {
            "apply_server_side_encryption_by_default": {
                "sse_algorithm": "aws:kms",
                "kms_master_key_id": key.arn,
            },
            "bucket_key_enabled": True,
        },
    ],
    opts=pulumi.ResourceOptions(provider=account),
)

workspace_private = aws.s3.BucketPublicAccessBlock(
    "workspace-private",
    bucket=workspace.bucket,
    block_public_acls=True,
    block_public_policy=True,
    ignore_public_acls=True,
    restrict_public_buckets=True,
    opts=pulumi.ResourceOptions(provider=account),
)

workspace_owner = aws.s3.BucketOwnershipControls(
    "workspace-owner",
    bucket=workspace.bucket,
    rule={"object_ownership": "BucketOwnerEnforced"},
    opts=pulumi.ResourceOptions(provider=account),
)

workspace_tls = aws.s3.BucketPolicy(
    "workspace-tls",
    bucket=workspace.bucket,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": ["s3:*"],
                    "Resource": [workspace.arn, pulumi.Output.format("{0}/*", workspace.arn)],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

workspace_ages = aws.s3.BucketLifecycleConfiguration(
    "workspace-ages",
    bucket=workspace.bucket,
    rules=[
        {
            "id": "old-versions",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "noncurrent_version_expiration": {"noncurrent_days": 90},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
        },
    ],
    opts=pulumi.ResourceOptions(provider=account, depends_on=[workspace_versions]),
)
