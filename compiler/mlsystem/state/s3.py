"""The state of an environment in a bucket, for more than one machine: written by conditional writes only."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from mlsystem.errors import MlsystemError
from mlsystem.state.journal import AnyLine, Begun, Journal, Progress, replay
from mlsystem.state.lease import LOCK, Lease, person
from mlsystem.state.manifest import MIGRATIONS, Manifest, Migration, Port, decode_manifest, encode_manifest
from mlsystem.state.s3_document import NOTHING, Document, Envelope, damaged_hint
from mlsystem.state.s3_lease import RUN, TERMS, S3Lease, Terms
from mlsystem.state.store import PORT, FileStore, Look, check_serial, prepare
from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.bucket import Bucket, Patience, UnreachableError
from mlsystem_runtime.contract.workspace import read_struct, write_struct

MANIFEST, JOURNAL, RECORDS, BACKUPS = "manifest.json", "journal.json", "records.json", "backups"
COPY = "state.json"
HERE = "applied.json"
OURS = frozenset({LOCK, RUN, COPY, HERE, PORT, "observed.json"})
"""What a machine that never applied may have."""

SETTING = "state"
PATIENT, HASTY = Patience(5, 15, 6), Patience(3, 5, 3)


class Copy(Struct):
    """What this machine read last, and when by its own clock: for a plan while the bucket is out of reach."""

    uri: str
    read_at: datetime
    manifest: msgspec.Raw


class Here(Struct):
    """Which system was applied from this folder."""

    lineage: str


class S3Store:
    """`uri` is `s3://BUCKET/PREFIX` and holds manifest, journal, records and lease; `folder`, `.mlsystem/ENV/` beside
    the spec, what this machine keeps of the environment and can make again. Everything raises UnreachableError.

    `patience` is for reads and writes, `hasty` for renewals of the lease.
    """

    def __init__(
        self,
        uri: str,
        folder: Path,
        migrations: Mapping[int, Migration] = MIGRATIONS,
        terms: Terms = TERMS,
        patience: Patience = PATIENT,
        hasty: Patience = HASTY,
    ) -> None:
        self.folder = folder
        self._migrations, self._terms = migrations, terms
        self._bucket, self._renewing = Bucket(uri, patience, SETTING), Bucket(uri, hasty, SETTING)
        self.uri = self._bucket.uri
        self._by = f"{person()}:{folder.absolute().parent.parent}"
        self._manifest = Document(self._bucket, MANIFEST, self._by, self.check)
        self._journal = S3Journal(Document(self._bucket, JOURNAL, self._by, self.check), self._leased)
        self._records = S3Records(Document(self._bucket, RECORDS, self._by, self.check), self._leased)
        self._before = FileStore(folder, migrations)
        self._lease: S3Lease | None = None
        self._seen: Envelope | None = None

    @property
    def journal(self) -> Journal:
        return self._journal

    def check(self) -> None:
        """Raises LeaseLostError where the lease that was taken was lost."""
        if self._leased():
            assert self._lease is not None, "it is held"
            self._lease.check()

    def _leased(self) -> bool:
        return self._lease is not None and self._lease.held

    def read(self) -> Manifest | None:
        """That of the folder, where the bucket has none: the next commit moves it there."""
        self._seen = self._manifest.read()
        content = NOTHING if self._seen is None else self._seen.content
        manifest, _ = self._decoded(content)
        prepare(self.folder)
        write_struct(self.folder / COPY, Copy(self.uri, datetime.now(UTC), content))
        return self._before.read() if manifest is None else manifest

    def look(self) -> Look:
        try:
            return Look(self.read())
        except UnreachableError as error:
            copy = copy_in(self.folder)
            if copy is None or copy.uri != self.uri:
                raise
            manifest, _ = self._decoded(copy.manifest)
            serial, age = 0 if manifest is None else manifest.serial, datetime.now(UTC) - copy.read_at
            note = f"compared with serial {serial}, as it was read {in_words(age)} ago; an apply needs the bucket"
            return Look(manifest, (f"The state is out of reach: {error.message}. This is {note}.",))

    def commit(self, manifest: Manifest) -> None:
        if not self._manifest.known:
            self.read()
        before = NOTHING if self._seen is None else self._seen.content
        stored, migrated = self._decoded(before)
        check_serial(stored or self._before.read(), manifest)
        if stored is not None and migrated:
            self._bucket.create(f"{BACKUPS}/manifest.{stored.serial}.json", bytes(before))
        prepare(self.folder)
        write_struct(self.folder / PORT, manifest.port)
        write_struct(self.folder / HERE, Here(manifest.lineage))
        if not self._write(encode_manifest(manifest).encode()):
            check_serial(self.read(), manifest)
            raise changed(self._manifest)
        self._before.path.unlink(missing_ok=True)

    def _write(self, content: bytes) -> bool:
        if not self._manifest.write(content):
            return False
        self._seen = Envelope("", self._by, msgspec.Raw(content))
        write_struct(self.folder / COPY, Copy(self.uri, datetime.now(UTC), msgspec.Raw(content)))
        return True

    def _decoded(self, content: msgspec.Raw) -> tuple[Manifest | None, bool]:
        """And whether it had to be migrated. Raises MlsystemError where it is of another environment."""
        if bytes(content) == bytes(NOTHING):
            return None, False
        uri = self._manifest.uri
        manifest, migrated = decode_manifest(bytes(content), uri, self._migrations, damaged_hint(uri))
        if manifest.snapshot.environment != self.folder.name:
            whose = f"{manifest.snapshot.name}, environment {manifest.snapshot.environment}"
            raise MlsystemError(f"{uri} is the state of {whose}", f"give every environment a `{SETTING}` of its own")
        return manifest, migrated

    @property
    def port(self) -> Port | None:
        """Of the last apply from here."""
        return self._before.port

    @property
    def empty(self) -> bool:
        if self.folder.exists() and any(path.name not in OURS for path in self.folder.iterdir()):
            return False
        return self.read() is None and self.journal.read() is None

    @property
    def elsewhere(self) -> str | None:
        if self._seen is None or bytes(self._seen.content) == bytes(NOTHING):
            return None
        manifest, _ = self._decoded(self._seen.content)
        assert manifest is not None, "it is not nothing"
        try:
            here = read_struct(self.folder / HERE, Here)
        except (FileNotFoundError, MlsystemError):
            return self._seen.by
        return None if here.lineage == manifest.lineage else self._seen.by

    def lease(self, purpose: str) -> Lease:
        prepare(self.folder)
        self._lease = S3Lease(self._bucket, self._renewing, self.folder, purpose, self._terms, self._taken)
        return self._lease

    def _taken(self, run: str, interrupted: bool) -> None:
        if self._before.journal.read() is not None:
            raise MlsystemError(
                f"an apply was interrupted whose state is in {self.folder}",
                f"finish it before the state moves: without `{SETTING}`, mlsystem apply -e {self.folder.name}",
            )
        for document in (self._manifest, self._journal.document, self._records.document):
            document.known, document.fence = False, run
            if interrupted:
                document.take(run)
                document.known = False

    @property
    def patience_s(self) -> float:
        return self._lease.left_s if self._lease is not None and self._lease.held else math.inf

    def remember(self, name: str, data: bytes) -> None:
        self._records.remember(name, data)

    def recall(self, name: str) -> bytes | None:
        return self._records.recall(name)

    def forget(self) -> None:
        """The objects stay, and say that there is nothing: who has seen more in them cannot bring it back."""
        self.journal.close()
        self._before.forget()
        if self.read() is not None and not self._write(bytes(NOTHING)):
            raise changed(self._manifest)

    def clear(self) -> None:
        """Backups go last: whoever was fenced out does not come to them."""
        self._records.clear()
        if self.read() is not None:
            self.forget()
        self._bucket.delete([one.name for one in self._bucket.listing(f"{BACKUPS}/")])
        self._before.clear()


class S3Journal:
    """One object with all lines, which are few. While it is `held`, what was written last is what is there."""

    def __init__(self, document: Document, held: Callable[[], bool]) -> None:
        self.document, self._held = document, held
        self._lines: list[AnyLine] = []

    def read(self) -> Progress | None:
        self._load()
        return replay(self._lines)

    def _load(self) -> None:
        if self.document.known and self._held():
            return
        found = self.document.read()
        self._lines = [] if found is None else lines_of(found.content, self.document.uri)

    def begin(self, plan: str, run_id: str) -> None:
        self._write([Begun(plan=plan, run_id=run_id)])

    def write(self, line: AnyLine) -> None:
        self._load()
        self._write([*self._lines, line])

    def close(self) -> None:
        self._load()
        if self._lines:
            self._write([])

    def _write(self, lines: list[AnyLine]) -> None:
        if not self.document.write(msgspec.json.encode(lines)):
            raise changed(self.document)
        self._lines = lines


class S3Records:
    """One object with all that is remembered beside the manifest, which is little. It is fenced as the journal is."""

    def __init__(self, document: Document, held: Callable[[], bool]) -> None:
        self.document, self._held = document, held
        self._kept: dict[str, bytes] = {}

    def recall(self, name: str) -> bytes | None:
        self._load()
        return self._kept.get(name)

    def remember(self, name: str, data: bytes) -> None:
        self._load()
        self._write({**self._kept, name: data})

    def clear(self) -> None:
        self._write({})

    def _load(self) -> None:
        if self.document.known and self._held():
            return
        found = self.document.read()
        self._kept = {} if found is None else records_of(found.content, self.document.uri)

    def _write(self, kept: dict[str, bytes]) -> None:
        if not self.document.write(msgspec.json.encode(kept)):
            raise changed(self.document)
        self._kept = kept


def changed(document: Document) -> MlsystemError:
    return MlsystemError(f"{document.uri} was changed by somebody else", "run the command again")


def copy_in(folder: Path) -> Copy | None:
    """What this machine read last of the environment in `folder`; None where it has nothing that can be read."""
    try:
        return read_struct(folder / COPY, Copy)
    except (FileNotFoundError, MlsystemError):
        return None


def lines_of(content: msgspec.Raw, uri: str) -> list[AnyLine]:
    try:
        return msgspec.json.decode(content, type=list[AnyLine] | None) or []
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MlsystemError(
            f"{uri} cannot be read: {error}",
            f"delete it: aws s3 rm {uri}; the next apply asks every step, and those that were done answer at once",
        ) from error


def records_of(content: msgspec.Raw, uri: str) -> dict[str, bytes]:
    try:
        return msgspec.json.decode(content, type=dict[str, bytes] | None) or {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MlsystemError(f"{uri} cannot be read: {error}", damaged_hint(uri)) from error


def in_words(age: timedelta) -> str:
    """`12 s`, `5 min`, `3 h`, `2 days`."""
    seconds = max(0.0, age.total_seconds())
    for size, unit, most in ((1, "s", 60), (60, "min", 60), (3600, "h", 48)):
        if seconds < size * most:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
