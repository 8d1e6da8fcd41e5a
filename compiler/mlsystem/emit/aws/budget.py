"""The alarm of what all of it costs: counted by tags, which have to be activated once in the account's billing."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.aws.account import Account
from mlsystem.emit.aws.keys import KEY
from mlsystem.emit.aws.resource import Policy, Ref, Resource, Statement, Value

CONCERN = "budget"
TAG = "mlsystem.dev/instance"
FORECAST, SPENT = 100, 80
"""Per cent of the most that it may cost: what is expected until the end of the month, and what is spent."""


def budget(account: Account) -> Iterator[Resource]:
    most = account.cluster.target.max_cost
    if most is None:
        return
    topic = {"name": f"{account.instance}-budget", "kms_master_key_id": KEY}
    yield account.made("sns.Topic", "budget-alarm", CONCERN, topic)
    tells = Statement(
        ("sns:Publish",), (Ref("budget-alarm", "arn"),), {"Service": "budgets.amazonaws.com"},
        {"StringEquals": {"aws:SourceAccount": account.aws.account}},
    )  # fmt: skip
    policy = {"arn": Ref("budget-alarm", "arn"), "policy": Policy((tells,))}
    yield account.made("sns.TopicPolicy", "budget-alarm-callers", CONCERN, policy)
    for number, address in enumerate(account.aws.alarmed, start=1):
        told = {"topic": Ref("budget-alarm", "arn"), "protocol": "email", "endpoint": address}
        yield account.made("sns.TopicSubscription", f"budget-told-{number}", CONCERN, told)
    inputs = {
        "name": account.instance,
        "budget_type": "COST",
        "time_unit": "MONTHLY",
        "limit_amount": f"{most:.2f}",
        "limit_unit": "USD",
        "cost_filters": [{"name": "TagKeyValue", "values": [f"user:{TAG}${account.instance}"]}],
        "notifications": [alarm("FORECASTED", FORECAST), alarm("ACTUAL", SPENT)],
    }
    yield account.made("budgets.Budget", "budget", CONCERN, inputs, depends_on=("budget-alarm-callers",))


def alarm(kind: str, percent: int) -> dict[str, Value]:
    return {
        "notification_type": kind,
        "comparison_operator": "GREATER_THAN",
        "threshold": percent,
        "threshold_type": "PERCENTAGE",
        "subscriber_sns_topic_arns": [Ref("budget-alarm", "arn")],
    }
