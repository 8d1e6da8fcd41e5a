"""One table of DynamoDB, asked politely: in batches, and again after pauses that grow while it is throttled.

Nothing that the client says of a refused request is shown but its code: the requests hold rows.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from mlsystem_runtime.contract.feature_table import PARTITION, SORT, TableAddress

READ_AT_ONCE, DELETED_AT_ONCE = 100, 25    # DynamoDB takes no more in one request
CONNECTIONS = 16
CONDITION = "ConditionalCheckFailedException"
THROTTLED = frozenset({
    "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "Throttling",
    "TransactionInProgressException", "TooManyRequestsException",
})  # fmt: skip
PASSING = THROTTLED | {"InternalServerError", "ServiceUnavailable", "InternalFailure", "500", "502", "503", "504"}

Item = Mapping[str, Mapping[str, Any]]
"""Attributes as the protocol has them: {"d": {"B": b"…"}}."""

S = TypeVar("S")
T = TypeVar("T")


class Key(NamedTuple):
    part: str
    entity: bytes

    def attributes(self) -> dict[str, dict[str, Any]]:
        return {PARTITION: {"S": self.part}, SORT: {"B": self.entity}}


class TableError(Exception):
    """`said` is what is wrong, in a word or a few; `silent` where no answer came at all."""

    def __init__(self, said: str, silent: bool = False) -> None:
        super().__init__(said)
        self.said, self.silent = said, silent


class ConditionError(Exception):
    """What a write demanded of its item is not so; nothing was written."""


@dataclass(frozen=True)
class Patience:
    """Seconds: for one answer, for all tries of one request together, and the longest first and last pause between."""

    answer_s: float
    total_s: float
    first_s: float
    last_s: float


class Table:
    """Safe to share between threads. Raises TableError."""

    def __init__(self, address: TableAddress, patience: Patience) -> None:
        self.address = address
        self._patience = patience
        self._making = threading.Lock()

    def get(self, keys: Iterable[Key], attributes: Sequence[str] = ()) -> dict[Key, Item]:
        """As of one moment after this call began each, not all of the same one. What is not there is left out."""
        batches = [*in_batches(dict.fromkeys(keys), READ_AT_ONCE)]
        answers = self.each(lambda batch: self._get(batch, attributes), batches)
        return {key_of(item): item for items in answers for item in items}

    def update(self, key: Key, expression: str, values: Item) -> Item:
        """The item as it is then."""
        answer = self._asked("update_item", Key=key.attributes(), UpdateExpression=expression, ReturnValues="ALL_NEW",
                             ExpressionAttributeValues=values, **self._table)  # fmt: skip
        found: Item = answer["Attributes"]
        return found

    def set(self, key: Key, expression: str, values: Item, condition: str) -> None:
        """Raises ConditionError."""
        self._asked("update_item", Key=key.attributes(), UpdateExpression=expression, ConditionExpression=condition,
                    ExpressionAttributeValues=values, **self._table)  # fmt: skip

    def put(self, key: Key, attributes: Item) -> None:
        self._asked("put_item", Item={**key.attributes(), **attributes}, **self._table)

    def delete_if(self, key: Key, condition: str, values: Item) -> None:
        """Raises ConditionError."""
        self._asked("delete_item", Key=key.attributes(), ConditionExpression=condition,
                    ExpressionAttributeValues=values, **self._table)  # fmt: skip

    def delete(self, keys: Iterable[Key]) -> None:
        self.each(self._delete, [*in_batches(keys, DELETED_AT_ONCE)])

    def query(self, part: str, attributes: Sequence[str], below: bytes = b"\xff") -> Iterator[Item]:
        """Of one partition, what sorts before `below`; each page as of a moment after it was asked for."""
        asked: dict[str, Any] = {
            "KeyConditionExpression": f"{PARTITION} = :part AND {SORT} < :below", "ConsistentRead": True,
            "ExpressionAttributeValues": {":part": {"S": part}, ":below": {"B": below}}, **projection(attributes),
        }  # fmt: skip
        while True:
            page = self._asked("query", **self._table, **asked)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def each(self, work: Callable[[S], T], items: Sequence[S]) -> list[T]:
        """In order; several at a time where there are several. `work` does not call `each`."""
        if len(items) < 2:
            return [work(one) for one in items]
        with self._making:
            pool = self._pool
        return list(pool.map(work, items))

    def close(self) -> None:
        with self._making:
            made = {name: vars(self).pop(name, None) for name in ("_pool", "_made")}
        if made["_pool"] is not None:
            made["_pool"].shutdown()
        if made["_made"] is not None:
            made["_made"].close()

    def _get(self, batch: Sequence[Key], attributes: Sequence[str]) -> list[Item]:
        found: list[Item] = []
        table, name = {"ConsistentRead": True, **projection(attributes)}, self.address.name
        wanted: dict[str, Any] = {name: {"Keys": [key.attributes() for key in batch], **table}}
        pauses = self._pauses()
        while wanted:
            answer = self._asked("batch_get_item", pauses, RequestItems=wanted)
            found += answer["Responses"].get(name, ())
            wanted = answer.get("UnprocessedKeys") or {}
            if wanted:
                self._wait(pauses, TableError("it is throttled"))
        return found

    def _delete(self, batch: Sequence[Key]) -> None:
        wanted: dict[str, Any] = {
            self.address.name: [{"DeleteRequest": {"Key": key.attributes()}} for key in batch]
        }
        pauses = self._pauses()
        while wanted:
            wanted = self._asked("batch_write_item", pauses, RequestItems=wanted).get("UnprocessedItems") or {}
            if wanted:
                self._wait(pauses, TableError("it is throttled"))

    def _asked(self, operation: str, pauses: Iterator[float] | None = None, **arguments: Any) -> Any:
        pauses = self._pauses() if pauses is None else pauses
        while True:
            try:
                return getattr(self._client, operation)(**arguments)
            except ClientError as error:
                code = str(error.response.get("Error", {}).get("Code", "no code"))
                if code == CONDITION:
                    raise ConditionError from None
                failed = TableError("it is throttled" if code in THROTTLED else f"it answers with {code}")
                if code not in PASSING:
                    raise failed from None
            except HTTPClientError as error:
                failed = TableError(f"no answer came ({type(error).__name__})", silent=True)
            except BotoCoreError as error:
                raise TableError(type(error).__name__) from None
            self._wait(pauses, failed)

    def _pauses(self) -> Iterator[float]:
        """Drawn at random, so that those who were refused together do not come back together."""
        until = time.monotonic() + self._patience.total_s
        longest = self._patience.first_s
        while (pause := random.uniform(0, longest)) + time.monotonic() < until:
            yield pause
            longest = min(2 * longest, self._patience.last_s)

    def _wait(self, pauses: Iterator[float], failed: TableError) -> None:
        pause = next(pauses, None)
        if pause is None:
            raise failed from None
        time.sleep(pause)

    @property
    def _table(self) -> dict[str, Any]:
        return {"TableName": self.address.name}

    @property
    def _client(self) -> Any:
        with self._making:  # making a client is not for two threads at once
            return self._made

    @cached_property
    def _made(self) -> Any:
        config = Config(
            region_name=self.address.region, connect_timeout=self._patience.answer_s,
            read_timeout=self._patience.answer_s, retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=CONNECTIONS, parameter_validation=False, tcp_keepalive=True,
        )  # fmt: skip
        try:
            return boto3.session.Session().client("dynamodb", config=config)
        except ValueError:
            raise TableError("AWS_ENDPOINT_URL_DYNAMODB is not an address") from None
        except BotoCoreError as error:
            raise TableError(type(error).__name__) from None

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(CONNECTIONS, "features")


def key_of(item: Item) -> Key:
    return Key(item[PARTITION]["S"], item[SORT]["B"])


def projection(attributes: Sequence[str]) -> dict[str, Any]:
    """All of an item, or these of its attributes and its key."""
    return {"ProjectionExpression": ", ".join((PARTITION, SORT, *attributes))} if attributes else {}


def in_batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch
