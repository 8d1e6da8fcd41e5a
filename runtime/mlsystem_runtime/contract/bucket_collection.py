"""What nobody will ask a bucket for again; the rules are those of `collection`, the clock is the store's."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from mlsystem_runtime.contract.bucket import Bucket, Listed
from mlsystem_runtime.contract.bucket_storage import AT_ONCE, PUBLISHED, Published
from mlsystem_runtime.contract.collection import abandoned, latest, past_outputs, past_runs, under_way
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.files import decode_struct
from mlsystem_runtime.contract.ledger import BucketLedger
from mlsystem_runtime.contract.workspace import StepRecord

UPLOADING_S = 86400.0
"""How long an attempt may be on its way."""


def collect_bucket(bucket: Bucket, now: float) -> int:
    """Remove what is no longer needed; how many folders that were. `now` is in seconds since 1970."""
    runs, steps, models = (list(bucket.listing(f"{name}/")) for name in ("runs", "steps", "models"))
    active = under_way(BucketLedger(bucket).entries(), now)
    runs = [replace(one, changed_s=now) if one.name.split("/")[1] in active else one for one in runs]
    scratch = latest((_top(one.name, 3), one.changed_s) for one in bucket.listing("scratch/"))
    found = [
        *_past_outputs(steps, latest(_uses(bucket, runs)), now), *_past_runs(runs, now),
        *_unpublished(bucket, [*steps, *models], now), *abandoned(scratch, now),
    ]  # fmt: skip
    for folder in found:
        bucket.delete([f"{folder}/{PUBLISHED}"])  # first: nobody finds a folder that is half gone
        bucket.delete(one.name for one in bucket.listing(f"{folder}/"))
    return len(found)


def _uses(bucket: Bucket, records: Sequence[Listed]) -> Iterator[tuple[str, float]]:
    """Which outputs runs found or made, and when."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        read = list(pool.map(lambda record: _data(bucket, record.name), records))
    # here, not in the pool: msgspec crashes where several threads are the first to decode a type
    for record, data in zip(records, read, strict=True):
        with contextlib.suppress(MlsystemError):  # damaged: it uses nothing
            if data is not None:
                yield decode_struct(data, StepRecord, record.name).output, record.changed_s


def _data(bucket: Bucket, name: str) -> bytes | None:
    try:
        return bucket.get(name).data
    except FileNotFoundError:  # collected meanwhile
        return None


def _past_outputs(steps: Sequence[Listed], used: dict[str, float], now: float) -> Iterator[str]:
    outputs: dict[str, dict[str, float]] = defaultdict(dict)
    for one in steps:
        folder, _, file = one.name.rpartition("/")
        if file == PUBLISHED:
            outputs[folder.rpartition("/")[0]][folder] = one.changed_s
    for made in outputs.values():
        yield from past_outputs(made, used, now)


def _past_runs(runs: Sequence[Listed], now: float) -> list[str]:
    records = [(one.name.rpartition("/")[0], one.name.rpartition("/")[2], one.changed_s) for one in runs]
    return past_runs(latest((run, changed_s) for run, _, changed_s in records), records, now)


def _unpublished(bucket: Bucket, files: Sequence[Listed], now: float) -> Iterator[str]:
    """Attempts FOLDER/ATTEMPT of STEP/KEY and MODEL/VERSION that were killed, or that another was faster than."""
    attempts = latest((_top(one.name, 4), one.changed_s) for one in files if one.name.count("/") > 3)
    for attempt, changed_s in attempts.items():
        if now - changed_s > UPLOADING_S and not _is_published(bucket, attempt):
            yield attempt


def _is_published(bucket: Bucket, attempt: str) -> bool:
    folder, _, name = attempt.rpartition("/")
    data = _data(bucket, f"{folder}/{PUBLISHED}")
    try:
        return data is not None and decode_struct(data, Published, folder).attempt == name
    except MlsystemError:  # damaged: somebody may mend it
        return True


def _top(name: str, parts: int) -> str:
    return "/".join(name.split("/")[:parts])
