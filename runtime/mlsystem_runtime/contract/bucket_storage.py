"""A workspace in a bucket, and a local folder as its mirror: what is read is brought there, what is made is kept.

A published folder is FOLDER/published.json, which names the files below FOLDER/ATTEMPT/. It is written last, and only
where there is none: of two attempts one wins, and one that is killed leaves files that nobody looks at.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import secrets
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlsystem_runtime.contract.base import Struct, pretty_json
from mlsystem_runtime.contract.bucket import Bucket, Listed, UnreachableError
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.files import decode_struct, write_atomically
from mlsystem_runtime.contract.mirror import Mirror
from mlsystem_runtime.contract.storage import Update

PUBLISHED = "published.json"
UPDATES = 60                 # tries, until somebody else's write does not come between
AT_ONCE = 8


class PublishedFile(Struct):
    size: int
    sha256: str


class Published(Struct):
    """The files of the attempt that was first, by path below FOLDER/ATTEMPT/."""

    attempt: str
    files: dict[str, PublishedFile]


class DamagedError(MlsystemError):
    """What the bucket holds is not what was published."""


class BucketStorage:
    """`root` is the mirror. It may be empty, or be lost at any time, and several processes may share it.

    What of it goes by itself stands in `mirror`.
    """

    def __init__(self, bucket: Bucket, root: Path) -> None:
        self.bucket = bucket
        self.root = root
        self._mirror = Mirror(root)
        self._restored: dict[str, str] = {}  # etags by name

    @property
    def uri(self) -> str:
        return self.bucket.uri

    def read(self, name: str) -> bytes:
        return self.bucket.get(name).data

    def write(self, name: str, data: bytes) -> None:
        self.bucket.put(name, data)

    def update(self, name: str, change: Update) -> None:
        for _ in range(UPDATES):
            if self._updated(name, change):
                return
            time.sleep(random.uniform(0.01, 0.1))
        raise MlsystemError(f"{self.uri}/{name} cannot be written: others write it all the time", "try it again")

    def _updated(self, name: str, change: Update) -> bool:
        try:
            held = self.bucket.get(name)
        except FileNotFoundError:
            new = change(None)
            return new is None or self.bucket.create(name, new) is not None
        new = change(held.data)
        return new is None or self.bucket.replace(name, new, held) is not None

    def newest(self, folder: str, name: str) -> list[str]:
        """Whole seconds may be all that the store tells, so there may be several."""
        found = [one for one in self.bucket.listing(f"{folder}/") if one.name.count("/") == folder.count("/") + 2]
        found = [one for one in found if one.name.endswith(f"/{name}")]
        last = max((one.changed_s for one in found), default=0.0)
        return [one.name for one in found if one.changed_s == last]

    def documents(self, folder: str) -> list[str]:
        names = (one.name[len(folder) + 1 :] for one in self.bucket.listing(f"{folder}/"))
        return [name for name in names if "/" not in name and name.endswith(".json")]

    def folders(self, name: str) -> list[str]:
        return [folder for folder in self.bucket.folders(name) if not folder.startswith(".")]

    def published(self, name: str) -> list[str]:
        """Markers are what counts: an attempt that is under way has files already."""
        below = name.count("/") + 2
        markers = (one.name for one in self.bucket.listing(f"{name}/") if one.name.endswith(f"/{PUBLISHED}"))
        return [marker.split("/")[-2] for marker in markers if marker.count("/") == below]

    def publish(self, made: Path, folder: str) -> bool:
        attempt = secrets.token_hex(8)
        paths = {str(path.relative_to(made)): path for path in sorted(made.rglob("*")) if path.is_file()}
        for name, path in paths.items():
            self.bucket.upload(path, f"{folder}/{attempt}/{name}")
        files = {name: PublishedFile(path.stat().st_size, sha256_of(path)) for name, path in paths.items()}
        marker = pretty_json(Published(attempt, files)).encode()
        if not self.bucket.create(f"{folder}/{PUBLISHED}", marker):
            self.bucket.delete(f"{folder}/{attempt}/{name}" for name in paths)
            return False
        self._mirror.lease(folder, attempt)
        made.rename(self.root / folder / attempt)
        write_atomically(self.root / folder / PUBLISHED, marker)
        return True

    def fetch(self, folder: str, *names: str) -> Path:
        """Files that were brought before, or made here, are not brought again. DamagedError for what is not whole."""
        marker = self._marker(folder)
        wanted = [name for name in names if name in marker.files] if names else list(marker.files)
        for name in wanted:
            self._bring(f"{folder}/{marker.attempt}/{name}", marker.files[name])
        return self.root / folder / marker.attempt

    def _marker(self, folder: str) -> Published:
        """That of the mirror where the bucket cannot be reached: what was published then answers still."""
        name = f"{folder}/{PUBLISHED}"
        mirrored = self.root / name
        try:
            data = self.bucket.get(name).data
        except UnreachableError:
            if not mirrored.exists():
                raise
            data = mirrored.read_bytes()
        marker = decode_struct(data, Published, f"{self.uri}/{name}")
        if any(not _inside(one) for one in (marker.attempt, *marker.files)):
            raise DamagedError(f"{self.uri}/{name} names files outside of its folder", "remove it, and run it again")
        self._mirror.lease(folder, PUBLISHED, marker.attempt)
        if not mirrored.exists() or mirrored.read_bytes() != data:
            write_atomically(mirrored, data)
        return marker

    def _bring(self, name: str, file: PublishedFile) -> None:
        target = self.root / name
        if target.exists() and target.stat().st_size == file.size:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            self._download(name, temporary)
            if sha256_of(temporary) != file.sha256:
                raise DamagedError(f"{self.uri}/{name} is not what was published", _again(self.uri, name))
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)

    def _download(self, name: str, path: Path) -> None:
        try:
            self.bucket.download(name, path)
        except FileNotFoundError:
            raise DamagedError(f"{self.uri}/{name} is gone", _again(self.uri, name)) from None

    def discard(self, name: str) -> None:
        """The marker first, so that nobody finds a folder that is half gone."""
        self.bucket.delete([name, f"{name}/{PUBLISHED}"])
        self.bucket.delete(one.name for one in self.bucket.listing(f"{name}/"))
        for known in [one for one in self._restored if one == name or one.startswith(f"{name}/")]:
            del self._restored[known]
        path = self.root / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def trim(self) -> int:
        return self._mirror.trim()

    def keep(self, name: str) -> None:
        self.bucket.upload(self.root / name, name)

    def restore(self, name: str) -> None:
        """Only what has changed since this process restored it last is brought."""
        found = {one.name: one for one in self.bucket.listing(name) if one.name == name or _below(one.name, name)}
        changed = [
            one for one in found.values() if self._restored.get(one.name) != one.etag or not self._has(one.name)
        ]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._restore, changed))
        for gone in [one for one in self._restored if one not in found and (one == name or _below(one, name))]:
            (self.root / gone).unlink(missing_ok=True)
            del self._restored[gone]

    def _restore(self, one: Listed) -> None:
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            target = self.root / one.name
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}")
            try:
                self.bucket.download(one.name, temporary)
                os.replace(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
            self._restored[one.name] = one.etag

    def _has(self, name: str) -> bool:
        return (self.root / name).exists()


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _below(name: str, folder: str) -> bool:
    return name.startswith(f"{folder}/")


def _inside(name: str) -> bool:
    parts = name.split("/")
    return ".." not in parts and "" not in parts


def _again(uri: str, name: str) -> str:
    folder = "/".join(name.split("/")[:3])
    return f"restore it, or delete {uri}/{folder}/{PUBLISHED} and run what makes it again"
