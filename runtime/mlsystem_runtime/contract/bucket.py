"""An S3 bucket, or what speaks its protocol: few operations, each whole or not at all, errors in our words.

Several writers rely on conditional writes (If-None-Match, If-Match), which the store has to honour. Endpoint and
credentials come from boto3's own environment (AWS_ENDPOINT_URL_S3, AWS_*), and never stand in a message.
"""

from __future__ import annotations

import contextlib
import random
import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from mlsystem_runtime.contract.errors import MlsystemError

SCHEME = "s3://"
MOST_CONNECTIONS = 16
CONFLICTS = 8                # that one write waits out: somebody else's conditional write is under way
MOST_DELETED = 1000          # in one request
WRITERS = "writers"
MOST_WRITERS = 64            # whom an object names; S3 takes 2 KB beside it
ABSENT = frozenset({"NoSuchKey", "404"})
FORBIDDEN = frozenset({"AccessDenied", "403"})
RIGHTS = (
    "s3:ListBucket on the bucket; s3:GetObject, s3:PutObject and s3:DeleteObject below the prefix; where a key of KMS"
    " encrypts it, kms:Decrypt and kms:GenerateDataKey"
)
NOBODY = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken"})
ELSEWHERE = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"}
)
OVERWRITTEN = '"overwritten"'
"""An etag that no object has."""
LOST = "is AWS_ENDPOINT_URL_S3 (or the region) right, are there credentials, may this process reach it?"


class UnreachableError(MlsystemError):
    """The bucket does not answer, or not to us: this says nothing about what is in it."""


@dataclass(frozen=True)
class Patience:
    """Seconds that a connection and an answer may take, and how often a request is sent, after pauses that grow and
    whose length is drawn."""

    connect_s: float = 5
    read_s: float = 60
    attempts: int = 5


USUAL = Patience()


@dataclass(frozen=True)
class Object:
    """`writers` are the marks of the conditional writes that made it what it is, the last one last. `changed_s` and
    `read_s`: when it was written and read, in whole seconds of the store's clock since 1970; 0.0 where that was not
    told."""

    data: bytes
    etag: str
    writers: tuple[str, ...] = ()
    changed_s: float = 0.0
    read_s: float = 0.0


@dataclass(frozen=True)
class Listed:
    """`changed_s` is the store's clock, in seconds since 1970; many stores know whole seconds only."""

    name: str
    etag: str
    size: int
    changed_s: float


class Bucket:
    """`s3://BUCKET/PREFIX`; names are relative to it. Threads may share one. Everything raises UnreachableError, which
    names the `setting` of the file that says where the bucket is."""

    def __init__(self, uri: str, patience: Patience | None = None, setting: str = "workspace") -> None:
        self._patience, self._setting = patience or USUAL, setting
        self.name, _, prefix = uri.removeprefix(SCHEME).partition("/")
        if not self.name:
            raise MlsystemError(f"'{uri}' names no bucket", "write s3://BUCKET/PREFIX")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.uri = f"{SCHEME}{self.name}/{self._prefix}".rstrip("/")
        self._connecting = threading.Lock()

    def get(self, name: str) -> Object:
        """Raises FileNotFoundError where there is none."""
        with self._told("read", name):
            answer = self._client.get_object(Bucket=self.name, Key=self._key(name))
            changed_s = answer["LastModified"].timestamp()
            return Object(answer["Body"].read(), answer["ETag"], _writers(answer), changed_s, _answered_s(answer))

    def put(self, name: str, data: bytes) -> None:
        with self._told("written", name):
            self._client.put_object(Bucket=self.name, Key=self._key(name), Body=data)

    def create(self, name: str, data: bytes) -> Object | None:
        """What this call wrote, to replace it again; None where there is one already, which stays."""
        return self._write_if(name, data, (), IfNoneMatch="*")

    def replace(self, name: str, data: bytes, held: Object) -> Object | None:
        """What this call wrote; None where it is another than `held`, or gone."""
        return self._write_if(name, data, held.writers, IfMatch=held.etag)

    def upload(self, path: Path, name: str) -> None:
        """A file of any size."""
        with self._told("written", name), open(path, "rb") as file:
            self._client.upload_fileobj(file, self.name, self._key(name))

    def download(self, name: str, path: Path) -> None:
        """Raises FileNotFoundError where there is none. `path` may hold a part of it after an error."""
        with self._told("read", name):
            self._client.download_file(self.name, self._key(name), str(path))

    def listing(self, start: str, after: str | None = None) -> Iterator[Listed]:
        """All whose names start with `start`, sorted; with `after` only those that come later than that name."""
        options = {} if after is None else {"StartAfter": self._key(after)}
        for page in self._pages(start, Prefix=self._key(start), **options):
            for one in page.get("Contents", ()):
                name = one["Key"][len(self._prefix) :]
                yield Listed(name, one["ETag"], one["Size"], one["LastModified"].timestamp())

    def folders(self, name: str) -> list[str]:
        """The names directly below `name` with something below them, sorted."""
        prefix = f"{self._key(name)}/"
        pages = self._pages(name, Prefix=prefix, Delimiter="/")
        return [one["Prefix"][len(prefix) : -1] for page in pages for one in page.get("CommonPrefixes", ())]

    def delete(self, names: Iterable[str]) -> None:
        keys = [{"Key": self._key(name)} for name in names]
        for start in range(0, len(keys), MOST_DELETED):
            batch = keys[start : start + MOST_DELETED]
            with self._told("deleted", batch[0]["Key"][len(self._prefix) :]):
                answer = self._client.delete_objects(Bucket=self.name, Delete={"Objects": batch, "Quiet": True})
            for error in answer.get("Errors", ()):
                what = f"{self.uri}/{error['Key'][len(self._prefix) :]} cannot be deleted"
                raise _refused(what, error["Code"], self._setting)

    def _pages(self, name: str, **options: str) -> Iterator[dict[str, Any]]:
        with self._told("listed", name):
            yield from self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, **options)

    def _write_if(self, name: str, data: bytes, before: tuple[str, ...], **condition: str) -> Object | None:
        """A write whose answer was lost is sent again by the client and then refused: its mark tells it from others.

        Whoever replaces an object hands on the marks of those `before`, so the mark is found though others have written
        since: up to MOST_WRITERS of them, unless one was a `put` or a `delete`. What is written under conditions is
        written so by everybody.
        """
        from botocore.exceptions import ClientError  # lazy, as the client

        writer = secrets.token_hex(8)
        writers = (*before, writer)[-MOST_WRITERS:]
        options = {"Bucket": self.name, "Key": self._key(name), "Metadata": {WRITERS: " ".join(writers)}, **condition}
        for _ in range(CONFLICTS):
            with self._told("written", name):
                try:
                    return Object(data, self._client.put_object(Body=data, **options)["ETag"], writers)
                except ClientError as error:
                    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                    gone = status == 404 and "IfMatch" in condition and _code(error) in ABSENT
                    if status == 412 or gone:
                        return self._written_by(writer, name, data)
                    if status != 409:
                        raise
            time.sleep(random.uniform(0.02, 0.2))
        raise MlsystemError(f"{self.uri}/{name} cannot be written: others write it all the time", "try it again")

    def _written_by(self, writer: str, name: str, data: bytes) -> Object | None:
        try:
            with self._told("read", name):
                answer = self._client.head_object(Bucket=self.name, Key=self._key(name))
        except FileNotFoundError:
            return None
        writers = _writers(answer)
        if writer not in writers:
            return None
        return Object(data, answer["ETag"] if writers[-1] == writer else OVERWRITTEN, writers)

    def _key(self, name: str) -> str:
        return self._prefix + name

    @property
    def _client(self) -> Any:
        with self._connecting:  # making a client is not for two threads at once
            return self._connected

    @cached_property
    def _connected(self) -> Any:
        import boto3  # lazy: who works in a local folder does not need it
        from botocore.config import Config

        patience = self._patience
        retries = {"mode": "standard", "total_max_attempts": patience.attempts}
        config = Config(
            connect_timeout=patience.connect_s, read_timeout=patience.read_s, retries=retries,
            max_pool_connections=MOST_CONNECTIONS,
        )  # fmt: skip
        with self._told("reached", ""):
            try:
                return boto3.session.Session().client("s3", config=config)
            except ValueError:
                hint = "AWS_ENDPOINT_URL_S3 starts with http:// or https://"
                raise UnreachableError("the endpoint of the bucket is not an address", hint) from None

    @contextlib.contextmanager
    def _told(self, verb: str, name: str) -> Iterator[None]:
        """FileNotFoundError for what is not there, else UnreachableError; neither quotes what the client says."""
        from boto3.exceptions import Boto3Error  # lazy, as the client
        from botocore.exceptions import BotoCoreError, ClientError

        what = f"{self.uri}/{name}".rstrip("/")
        try:
            yield
        except ClientError as error:
            if _code(error) in ABSENT:
                raise FileNotFoundError(f"{what} does not exist") from None
            raise _refused(f"{what} cannot be {verb}", _code(error), self._setting, _region(error)) from None
        except (BotoCoreError, Boto3Error) as error:
            raise UnreachableError(f"{what} cannot be {verb}: {type(error).__name__}", LOST) from None


def _writers(answer: Any) -> tuple[str, ...]:
    return tuple(answer.get("Metadata", {}).get(WRITERS, "").split())


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "no code"))


def _region(error: Any) -> str | None:
    """Where the bucket is, if the store says so."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    told: str | None = headers.get("x-amz-bucket-region") or error.response.get("Error", {}).get("Region")
    return told


def _answered_s(answer: Any) -> float:
    """When the store answered, by its own clock."""
    told = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return 0.0 if told is None else parsedate_to_datetime(told).timestamp()


def _refused(what: str, code: str, setting: str, region: str | None = None) -> UnreachableError:
    if code == "NoSuchBucket":
        return UnreachableError(f"{what}: there is no such bucket", f"create it, or name another one as `{setting}`")
    if code in ELSEWHERE:
        told = ("another region", "that region") if region is None else (region, region)
        return UnreachableError(f"{what}: the bucket is in {told[0]} ({code})", f"set AWS_DEFAULT_REGION to {told[1]}")
    if code == "RequestTimeTooSkewed":
        return UnreachableError(f"{what}: the clock of this machine is wrong", "set it: the store's differs by minutes")
    if code in FORBIDDEN:
        return UnreachableError(f"{what}: {code}", f"give this process the rights that it needs: {RIGHTS}")
    if code in NOBODY:
        whose = "`aws sts get-caller-identity` says whether they are anybody's"
        return UnreachableError(f"{what}: the store does not accept the credentials ({code})", f"renew them; {whose}")
    return UnreachableError(f"{what}: {code}", "try it again; the store's own log says more")
