"""Keys."""

import pulumi
import pulumi_aws as aws

from foundation.account import account

# Without it nothing that it encrypted can be read again.
# A key's policy is about that key alone: it has no other name for it than `*`.
key = aws.kms.Key(
    "key",
    description="What is kept of flight-delay-prod.",
    enable_key_rotation=True,
    deletion_window_in_days=30,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                    "Action": ["kms:*"],
                    "Resource": ["*"],
                },
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
                    "Action": [
                        "kms:Encrypt",
                        "kms:Decrypt",
                        "kms:ReEncrypt*",
                        "kms:GenerateDataKey*",
                        "kms:DescribeKey",
                    ],
                    "Resource": ["*"],
                    "Condition": {
                        "ArnLike": {
                            "kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:123456789012:*",
                        },
                    },
                },
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "budgets.amazonaws.com"},
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                    "Resource": ["*"],
                    "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account, protect=True),
)

key_alias = aws.kms.Alias(
    "key-alias",
    name="alias/flight-delay-prod",
    target_key_id=key.key_id,
    opts=pulumi.ResourceOptions(provider=account),
)
