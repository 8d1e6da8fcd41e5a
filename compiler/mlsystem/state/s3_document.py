"""One object of a bucket that is replaced only by whoever has seen what it is: the manifest, the journal."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import msgspec

from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.bucket import Bucket, Object, UnreachableError

NOTHING = msgspec.Raw(b"null")
RACES = 20


class Envelope(Struct):
    """`fence` is the run that may write next, `by` who wrote last (user@host:folder). A run that lost its lease was
    fenced out: what it has seen is not what is there, so its writes are refused wherever they were delayed."""

    fence: str
    by: str
    content: msgspec.Raw


class Document:
    """`may_write` raises where the lease was lost. Everything raises UnreachableError."""

    def __init__(self, bucket: Bucket, name: str, by: str, may_write: Callable[[], None]) -> None:
        self._bucket, self._name, self._by, self._may_write = bucket, name, by, may_write
        self._held: Object | None = None
        self.fence = ""
        self.known = False

    @property
    def uri(self) -> str:
        return f"{self._bucket.uri}/{self._name}"

    def read(self) -> Envelope | None:
        """Raises MlsystemError for damage."""
        self._held = self._there()
        self.known = True
        return None if self._held is None else decoded(self._held.data, self.uri)

    def write(self, content: bytes) -> bool:
        """Whether it is this now: False where somebody else has written since it was read."""
        if not self.known:
            self.read()
        self._may_write()
        data = msgspec.json.format(msgspec.json.encode(Envelope(self.fence, self._by, msgspec.Raw(content))), indent=2)
        self._held = self._sent(data)
        self.known = self._held is not None
        return self.known

    def take(self, run: str) -> None:
        """Fence everybody else out: what others hold of it is old from here on."""
        self.fence = run
        for _ in range(RACES):
            found = self.read()
            if self.write(bytes(NOTHING if found is None else found.content)):
                return
            time.sleep(random.uniform(0.02, 0.2))
        raise MlsystemError(f"{self.uri} cannot be written: others write it all the time", "try it again")

    def _sent(self, data: bytes) -> Object | None:
        """A write without an answer may have been carried out: what is there now says so."""
        try:
            if self._held is None:
                return self._bucket.create(self._name, data)
            return self._bucket.replace(self._name, data, self._held)
        except UnreachableError:
            self.known = False
            found = self._there()
            if found is None or found.data != data:
                raise
            return found

    def _there(self) -> Object | None:
        try:
            return self._bucket.get(self._name)
        except FileNotFoundError:
            return None


def decoded(data: bytes, uri: str) -> Envelope:
    try:
        return msgspec.json.decode(data, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MlsystemError(f"{uri} cannot be read: {error}", damaged_hint(uri)) from error


def damaged_hint(uri: str) -> str:
    return f"put back the version of it before, if the bucket keeps versions; to begin anew: aws s3 rm {uri}"
