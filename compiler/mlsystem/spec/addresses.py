"""Names and addresses as a cluster and what is around it take them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic_core import PydanticCustomError

from mlsystem.source.secret import SecretRef
from mlsystem.spec.base import Written, named, problem
from mlsystem_runtime.contract.feature_table import ADDRESS as TABLE
from mlsystem_runtime.contract.feature_table import EXAMPLE

_DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DNS_NAME = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_DNS_HINT = "use lower-case letters, digits and -, beginning and ending with a letter or a digit"
_LABEL = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL_HINT = "use letters, digits, -, _ and .; at most 63"
_REPOSITORY = r"[a-z0-9]+([.-]+[a-z0-9]+)*(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
_TAG = r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?"
_HTTP = r"https?://[^\s/?#]+[^\s]*"
_STORE = rf"rediss?://[^\s/?#]+[^\s]*|{TABLE}"
_BUCKET = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s?#]*)?"
_STATE = r"(s3|gs|azblob|file|https)://[^\s]*"


def _address(noun: str, pattern: str, example: str, *, or_secret: bool = False) -> Written:
    def read(value: Any) -> str | SecretRef:
        if or_secret and isinstance(value, SecretRef):
            return value
        if not isinstance(value, str):
            raise PydanticCustomError("string_type", "text")
        if re.fullmatch(pattern, value) is None:
            raise problem("MLS121", f"'{value[:80]}' is not {noun}", f"for example {example}")
        return value

    return Written(f"{noun}, or a secret" if or_secret else noun, read, {"type": "string"})


DnsLabel = Annotated[str, named("a name in Kubernetes", _DNS_LABEL, f"{_DNS_HINT}; at most 63")]
DnsName = Annotated[str, named("a name in Kubernetes", _DNS_NAME, _DNS_HINT)]
LabelKey = Annotated[str, named("the key of a label", rf"({_DNS_NAME}/)?{_LABEL}", _LABEL_HINT)]
LabelValue = Annotated[str, named("the value of a label", _LABEL, _LABEL_HINT)]
Host = Annotated[str, _address("a host name", rf"(\*\.)?{_DNS_NAME}", "delay.example.com")]
Registry = Annotated[str, _address("a registry", rf"{_REPOSITORY}/?", "registry.example.com/ml, without https://")]
Image = Annotated[str, _address("an image", _REPOSITORY + _TAG, "registry.example.com/python:3.11-slim")]
HttpAddress = Annotated[str, _address("an http address", _HTTP, "http://minio.storage:9000")]
HttpOrSecret = Annotated[
    str | SecretRef, _address("an http address", _HTTP, "https://mlflow.example.com", or_secret=True)
]
StoreOrSecret = Annotated[
    str | SecretRef,
    _address("the address of a Redis server or of a table of DynamoDB", _STORE, f"redis://redis.data:6379 or {EXAMPLE}",
             or_secret=True),
]
BucketAddress = Annotated[str, _address("a bucket", _BUCKET, "s3://company-state/flight-delay/prod")]
StateAddress = Annotated[str, _address("a place for Pulumi's state", _STATE, "s3://company-pulumi")]
