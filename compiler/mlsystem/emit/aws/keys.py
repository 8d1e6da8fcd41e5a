"""The one key with which the account encrypts what it holds of the system."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.aws.account import Account
from mlsystem.emit.aws.resource import Policy, Ref, Resource, Statement

KEY = Ref("key", "arn")
CONCERN = "keys"
OF_THE_KEY = "A key's policy is about that key alone: it has no other name for it than `*`."


def keys(account: Account) -> Iterator[Resource]:
    inputs = {
        "description": f"What is kept of {account.instance}.",
        "enable_key_rotation": True,
        "deletion_window_in_days": 30,
        "policy": Policy(tuple(statements(account))),
    }
    why = "Without it nothing that it encrypted can be read again."
    yield account.made("kms.Key", "key", CONCERN, inputs, why=why, protect=True)
    alias = {"name": f"alias/{account.instance}", "target_key_id": Ref("key", "key_id")}
    yield account.made("kms.Alias", "key-alias", CONCERN, alias)


def statements(account: Account) -> Iterator[Statement]:
    """Roles of the account are allowed by their own policies; services that encrypt for nobody in particular here."""
    root = f"arn:aws:iam::{account.aws.account}:root"
    yield Statement(("kms:*",), ("*",), {"AWS": root}, reason=OF_THE_KEY)
    yield Statement(
        ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"),
        ("*",), {"Service": f"logs.{account.aws.region}.amazonaws.com"},
        {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": account.arn("logs", "*")}}, reason=OF_THE_KEY,
    )  # fmt: skip
    yield Statement(
        ("kms:Decrypt", "kms:GenerateDataKey*"), ("*",), {"Service": "budgets.amazonaws.com"},
        {"StringEquals": {"aws:SourceAccount": account.aws.account}}, reason=OF_THE_KEY,
    )  # fmt: skip
