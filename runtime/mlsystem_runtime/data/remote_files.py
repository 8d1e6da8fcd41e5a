"""Sources in a bucket: what is there now, and the files themselves, brought to this machine to be read."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.bucket import SCHEME, Bucket, Listed
from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.errors import MlsystemError


def is_remote(source: Source) -> bool:
    return source.uri.startswith(SCHEME)


def objects_of(source: Source) -> tuple[Listed, ...]:
    """The objects of `source` in the order in which their rows count; a folder only for parquet, sorted by name."""
    bucket, name = _place(source)
    found = [one for one in bucket.listing(name) if one.name == name or one.name.startswith(f"{name}/")]
    if any(one.name == name for one in found):
        return tuple(one for one in found if one.name == name)
    parts = tuple(one for one in found if one.name.endswith(".parquet")) if source.format == "parquet" else ()
    if parts:
        return parts
    if found:
        raise MlsystemError(
            f"source '{source.name}': {source.uri} is a folder without parquet files",
            f"a folder can only hold *.parquet files; this source has type {source.format}",
        )
    raise MlsystemError(f"source '{source.name}': {source.uri} does not exist", "upload it, or name where it is")


def remote_digest(objects: tuple[Listed, ...]) -> str:
    """SHA-256 over what the store says of their content, so that what has not changed is not read."""
    return hashlib.sha256(canonical_json([[one.etag, one.size] for one in objects])).hexdigest()


def bring(source: Source, folder: Path) -> tuple[Path, ...]:
    """The files of `source` below `folder`. Raises MlsystemError when they are not those that were there before."""
    bucket, name = _place(source)
    objects = objects_of(source)
    files = tuple(folder / (one.name.removeprefix(name).lstrip("/") or Path(name).name) for one in objects)
    for one, file in zip(objects, files, strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        bucket.download(one.name, file)
    if remote_digest(objects_of(source)) != remote_digest(objects):
        raise MlsystemError(f"source '{source.name}': {source.uri} changed while it was read", "run the step again")
    return files


def _place(source: Source) -> tuple[Bucket, str]:
    """The bucket, and the name of the source in it."""
    bucket, _, name = source.uri.removeprefix(SCHEME).partition("/")
    if not name.strip("/"):
        raise MlsystemError(f"source '{source.name}': {source.uri} names no file", "write s3://BUCKET/PATH")
    return Bucket(SCHEME + bucket), name.strip("/")
