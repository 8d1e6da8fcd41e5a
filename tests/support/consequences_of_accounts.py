"""What it means to change a field of an environment that has an account below its cluster."""

from __future__ import annotations

from typing import Any

from mlsystem.plan.consequence import Consequence

ACCOUNT = ("environments", "account")
REVIEWED = ("review", "github", "environments", "account")
ROLE = "arn:aws:iam::123456789012:role/delay"

ACCOUNT_ROWS: list[tuple[str, tuple[str | int, ...], Any, Consequence | str]] = [
    ("EnvironmentSpec.region", (*ACCOUNT, "region"), "eu-west-1", Consequence.REPLACE),
    ("EnvironmentSpec.account", (*ACCOUNT, "account"), "210987654321", Consequence.REPLACE),
    ("EnvironmentSpec.cluster", (*ACCOUNT, "cluster"), {"existing": "company"}, Consequence.REPLACE),
    ("EnvironmentSpec.log_retention", (*ACCOUNT, "log_retention"), "30d", Consequence.RECONFIGURE),
    ("EnvironmentSpec.permissions_boundary", (*ACCOUNT, "permissions_boundary"),
     "arn:aws:iam::123456789012:policy/limit", Consequence.RECONFIGURE),
    ("EnvironmentSpec.workspace", (*ACCOUNT, "workspace"), "s3://other/workspace", Consequence.REPLACE),
    ("EnvironmentSpec.registry", (*ACCOUNT, "registry"), "registry.example.com/other", Consequence.RESTART),
    ("NetworkSpec.cidr", (*ACCOUNT, "network"), {"cidr": "10.1.0.0/16"}, Consequence.REPLACE),
    ("NetworkSpec.zones", (*ACCOUNT, "network"), {"zones": ["a", "b", "c"]}, Consequence.RECONFIGURE),
    ("NetworkSpec.flow_logs", (*ACCOUNT, "network"), {"flow_logs": "true"}, Consequence.RECONFIGURE),
    ("NetworkSpec.api_access", (*ACCOUNT, "network"), {"api_access": ["203.0.113.0/24"]}, Consequence.RECONFIGURE),
    ("OnlineStoreSpec.uri", (*ACCOUNT, "online_store"), {"uri": "redis://other:6379"}, Consequence.REPLACE),
    ("TrackingSpec.uri", (*ACCOUNT, "tracking"), {"uri": "https://mlflow.example.com"}, Consequence.RESTART),
    ("ReviewedEnvironmentSpec.plan_role", (*REVIEWED, "plan_role"), f"{ROLE}-look", Consequence.RECONFIGURE),
    ("ReviewedEnvironmentSpec.apply_role", (*REVIEWED, "apply_role"), f"{ROLE}-do", Consequence.RECONFIGURE),
    ("SecretsSpec.name", (*ACCOUNT, "secrets"), {"store": "vault", "name": "other"}, Consequence.RESTART),
]
"""As in `test_consequences.py`: the field, its path, another value, and what changing it means."""

ACCOUNT_TEXT = """
target: aws
region: eu-central-1
account: "123456789012"
state: "s3://states/account"
pulumi: {secrets_provider: "awskms://pulumi"}
secrets: {store: vault}
platform: {argo_workflows: true, prometheus: true, keda: true}
"""
