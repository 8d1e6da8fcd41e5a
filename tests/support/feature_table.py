"""The table of an online store, made as a foundation makes it."""

from __future__ import annotations

import boto3
from object_store import REGION

from mlsystem_runtime.contract.feature_table import EXPIRES, PARTITION, SORT, TableAddress


def make_table(name: str) -> str:
    """Its address. Where the server is, the environment says."""
    keys = ((PARTITION, "S", "HASH"), (SORT, "B", "RANGE"))
    client = boto3.client("dynamodb", region_name=REGION)
    client.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": kind} for one, kind, _ in keys],
        KeySchema=[{"AttributeName": one, "KeyType": role} for one, _, role in keys],
    )  # fmt: skip
    client.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES}
    )
    client.close()
    return TableAddress(name=name, region=REGION).uri
