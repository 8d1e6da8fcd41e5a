"""A bucket for whoever asks for one: real requests to a store of this machine."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping

import boto3
import pytest
from object_store import REGION, object_store


@pytest.fixture(scope="session")
def s3() -> Iterator[Mapping[str, str]]:
    """The environment of a store that lives as long as the tests."""
    with object_store() as environment:
        yield environment


@pytest.fixture
def bucket_uri(s3: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """`s3://BUCKET/PREFIX` of an empty bucket, and an environment in which it is found."""
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    name = f"tests-{secrets.token_hex(6)}"
    client = boto3.client("s3")
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.close()
    return f"s3://{name}/systems/flights"
