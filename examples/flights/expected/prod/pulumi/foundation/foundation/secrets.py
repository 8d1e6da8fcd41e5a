"""Secrets."""

import pulumi
import pulumi_aws as aws

from foundation.account import account
from foundation.databases import online_store, tracking
from foundation.keys import key
from foundation.passwords import (
    online_store_password_value,
    tracking_password_value,
)

made = aws.secretsmanager.Secret(
    "made",
    name="flight-delay-prod-made",
    kms_key_id=key.arn,
    recovery_window_in_days=0,
    opts=pulumi.ResourceOptions(provider=account, protect=True),
)

made_values = aws.secretsmanager.SecretVersion(
    "made-values",
    secret_id=made.id,
    secret_string=pulumi.Output.json_dumps(
        {
            "ONLINE_STORE_URL": pulumi.Output.format(
                "rediss://:{0}@{1}:6379/0",
                online_store_password_value.secret_string,
                online_store.primary_endpoint_address,
            ),
            "TRACKING_DATABASE_HOST": tracking.address,
            "TRACKING_DATABASE_PASSWORD": tracking_password_value.secret_string,
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)
