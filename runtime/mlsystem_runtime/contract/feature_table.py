"""The table of DynamoDB that an online store is kept in: its address, its keys, and what a process does with it."""

from __future__ import annotations

import re

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.errors import MlsystemError

SCHEME = "dynamodb://"
PARTITION, SORT, EXPIRES = "part", "entity", "expires"
"""A string and bytes, the key of the table; and the second since 1970 after which DynamoDB may delete an item."""

READS = ("dynamodb:BatchGetItem",)
WRITES = (
    "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem",
)  # fmt: skip
"""What a server is allowed on the table, and what steps and the monitor are allowed beside it."""

ADDRESS = r"dynamodb://([A-Za-z0-9_.-]{3,255})\?region=([a-z]{2,}(-[a-z]+)+-[0-9]+)"
EXAMPLE = "dynamodb://delay-features?region=us-east-1"


class TableAddress(Struct):
    name: str
    region: str

    @property
    def uri(self) -> str:
        return f"{SCHEME}{self.name}?region={self.region}"


def table_address(uri: str) -> TableAddress:
    """Raises MlsystemError where `uri` is not one of a table."""
    found = re.fullmatch(ADDRESS, uri)
    if found is None:
        raise MlsystemError("the address of the online store is not one of a table", f"for example {EXAMPLE}")
    return TableAddress(name=found[1], region=found[2])


def leading_keys(system: str, environment: str) -> str:
    """What all partition keys of a system in an environment start with; no other's do."""
    return f"{system}/{environment}/"
