"""The account: nothing is done in another one."""

import pulumi_aws as aws

account = aws.Provider(
    "account",
    region="us-east-1",
    allowed_account_ids=["123456789012"],
    default_tags={
        "tags": {
            "mlsystem.dev/instance": "flight-delay-prod",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
        },
    },
)
