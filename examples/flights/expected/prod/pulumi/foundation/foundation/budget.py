"""Budget."""

import pulumi
import pulumi_aws as aws

from foundation.account import account
from foundation.keys import key

budget_alarm = aws.sns.Topic(
    "budget-alarm",
    name="flight-delay-prod-budget",
    kms_master_key_id=key.arn,
    opts=pulumi.ResourceOptions(provider=account),
)

budget_alarm_callers = aws.sns.TopicPolicy(
    "budget-alarm-callers",
    arn=budget_alarm.arn,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "budgets.amazonaws.com"},
                    "Action": ["sns:Publish"],
                    "Resource": [budget_alarm.arn],
                    "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

budget_told_1 = aws.sns.TopicSubscription(
    "budget-told-1",
    topic=budget_alarm.arn,
    protocol="email",
    endpoint="ml-platform@example.com",
    opts=pulumi.ResourceOptions(provider=account),
)

budget_ = aws.budgets.Budget(
    "budget",
    name="flight-delay-prod",
    budget_type="COST",
    time_unit="MONTHLY",
    limit_amount="1500.00",
    limit_unit="USD",
    cost_filters=[
        {"name": "TagKeyValue", "values": ["user:mlsystem.dev/instance$flight-delay-prod"]},
    ],
    notifications=[
        {
            "notification_type": "FORECASTED",
            "comparison_operator": "GREATER_THAN",
            "threshold": 100,
            "threshold_type": "PERCENTAGE",
            "subscriber_sns_topic_arns": [budget_alarm.arn],
        },
        {
            "notification_type": "ACTUAL",
            "comparison_operator": "GREATER_THAN",
            "threshold": 80,
            "threshold_type": "PERCENTAGE",
            "subscriber_sns_topic_arns": [budget_alarm.arn],
        },
    ],
    opts=pulumi.ResourceOptions(provider=account, depends_on=[budget_alarm_callers]),
)
