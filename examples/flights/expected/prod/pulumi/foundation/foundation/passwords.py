"""Passwords."""

import pulumi
import pulumi_aws as aws

from foundation.account import account
from foundation.keys import key

# Another one each time; the first one is kept.
online_store_random = aws.secretsmanager.get_random_password_output(
    password_length=48,
    exclude_punctuation=True,
    opts=pulumi.InvokeOptions(provider=account),
)

# Another one each time; the first one is kept.
tracking_random = aws.secretsmanager.get_random_password_output(
    password_length=48,
    exclude_punctuation=True,
    opts=pulumi.InvokeOptions(provider=account),
)

online_store_password = aws.secretsmanager.Secret(
    "online-store-password",
    name="flight-delay-prod-online-store",
    kms_key_id=key.arn,
    recovery_window_in_days=0,
    opts=pulumi.ResourceOptions(provider=account, protect=True),
)

tracking_password = aws.secretsmanager.Secret(
    "tracking-password",
    name="flight-delay-prod-tracking",
    kms_key_id=key.arn,
    recovery_window_in_days=0,
    opts=pulumi.ResourceOptions(provider=account, protect=True),
)

online_store_password_value = aws.secretsmanager.SecretVersion(
    "online-store-password-value",
    secret_id=online_store_password.id,
    secret_string=online_store_random.random_password,
    opts=pulumi.ResourceOptions(provider=account, ignore_changes=["secretString"]),
)

tracking_password_value = aws.secretsmanager.SecretVersion(
    "tracking-password-value",
    secret_id=tracking_password.id,
    secret_string=tracking_random.random_password,
    opts=pulumi.ResourceOptions(provider=account, ignore_changes=["secretString"]),
)
