"""What an apply asks of an AWS account itself, beside what an engine of stacks does: letting go of data."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mlsystem.errors import MlsystemError

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "aws_access_key_id",
    "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key",
    "AWS_SESSION_TOKEN": "aws_session_token",
    "AWS_PROFILE": "profile_name",
}


@dataclass(frozen=True)
class Held:
    """A resource that holds data, as an engine keeps it: `kind` as in `aws.s3.Bucket`, `identity` its id."""

    kind: str
    name: str
    identity: str


class DataOwner(Protocol):
    """Raises MlsystemError when the account says no."""

    def release(self, held: Held) -> str:
        """Make the account let it be deleted; what becomes of the data, in words."""
        ...


def client(service: str, region: str, environ: Mapping[str, str]) -> Any:
    """Of boto3, with the credentials of `environ`."""
    import boto3  # lazy: only where an account is touched

    session = boto3.Session(**{name: environ[key] for key, name in CREDENTIALS.items() if environ.get(key)})
    address = environ.get(f"AWS_ENDPOINT_URL_{service.upper()}", environ.get("AWS_ENDPOINT_URL"))
    return session.client(service, region_name=region, endpoint_url=address)


@contextlib.contextmanager
def asked(about: str) -> Iterator[None]:
    """What the account answers with is an MlsystemError, whatever it is."""
    from botocore.exceptions import BotoCoreError, ClientError  # lazy: only where an account is touched

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise MlsystemError(
            f"the account was asked {about} and said: {error}", "log in to it: aws sts get-caller-identity"
        ) from error


@dataclass(frozen=True)
class AwsData:
    region: str
    environ: Mapping[str, str]

    def release(self, held: Held) -> str:
        with asked(f"to let go of {held.name}"):
            return RELEASES.get(held.kind, nothing_to_do)(self, held)

    def client(self, service: str) -> Any:
        return client(service, self.region, self.environ)


def empty_bucket(data: AwsData, held: Held) -> str:
    """All versions of all objects: a bucket that holds one cannot be deleted."""
    s3, count = data.client("s3"), 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=held.identity):
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if found:
            keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
            refuse_left(held, s3.delete_objects(Bucket=held.identity, Delete={"Objects": keys, "Quiet": True}))
            count += len(found)
    return f"{count} versions of objects in bucket {held.identity} are deleted"


def refuse_left(held: Held, answer: Mapping[str, Any]) -> None:
    """S3 says of each object by itself that it is not deleted, in an answer that is none of failure."""
    if left := answer.get("Errors", ()):
        one = left[0]
        raise MlsystemError(
            f"{len(left)} objects of bucket {held.identity} were not deleted, {one['Key']} first: {one.get('Message')}",
            "their deletion has to be allowed: s3:DeleteObjectVersion, no hold on objects; then the same again",
        )


def free_database(data: AwsData, held: Held) -> str:
    """By the name in the state: an id that begins with `db-` is the database's resource id."""
    rds = data.client("rds")
    key = "DBInstanceIdentifier"
    asked_for = {"Filters": [{"Name": "dbi-resource-id", "Values": [held.identity]}]}
    found = rds.describe_db_instances(**(asked_for if held.identity.startswith("db-") else {key: held.identity}))
    for one in found["DBInstances"]:
        rds.modify_db_instance(DBInstanceIdentifier=one[key], DeletionProtection=False, ApplyImmediately=True)
    return f"database {held.name} leaves a last snapshot"


def free_table(data: AwsData, held: Held) -> str:
    data.client("dynamodb").update_table(TableName=held.identity, DeletionProtectionEnabled=False)
    return f"table {held.identity} is deleted; what is in it is materialised again from the sources"


def leave_snapshot(data: AwsData, held: Held) -> str:
    del data
    return f"store {held.name} leaves a last snapshot"


def forget_key(data: AwsData, held: Held) -> str:
    del data
    return (f"key {held.name} is deleted, and with it what it encrypted, last snapshots of databases too; for 30 days"
            f" it can be brought back: aws kms cancel-key-deletion --key-id {held.identity}")  # fmt: skip


def nothing_to_do(data: AwsData, held: Held) -> str:
    del data
    return f"{held.kind.rpartition('.')[2]} {held.name} is deleted"


RELEASES: Mapping[str, Callable[[AwsData, Held], str]] = {
    "aws.s3.Bucket": empty_bucket,
    "aws.rds.Instance": free_database,
    "aws.dynamodb.Table": free_table,
    "aws.elasticache.ReplicationGroup": leave_snapshot,
    "aws.kms.Key": forget_key,
}


@dataclass
class MemoryData:
    """The same without an account."""

    released: list[Held] = field(default_factory=list)

    def release(self, held: Held) -> str:
        self.released.append(held)
        return f"{held.name} is let go of"
