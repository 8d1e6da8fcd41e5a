"""What nobody will ask a bucket for again; the rules are those of `collection`, the clock is the store's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from mlsystem_runtime.contract.bucket import Bucket, Listed, UnreachableError
from mlsystem_runtime.contract.bucket_storage import AT_ONCE, PUBLISHED, Published
from mlsystem_runtime.contract.collection import ABANDONED_S, KEPT_OUTPUTS, KEPT_RUNS, RECENT_S
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.files import decode_struct
from mlsystem_runtime.contract.workspace import StepRecord

UPLOADING_S = 86400.0
"""How long an attempt may be on its way."""


def collect_bucket(bucket: Bucket, now: float) -> int:
    """Remove what is no longer needed; how many folders that were. `now` is in seconds since 1970."""
    runs, steps, models = (list(bucket.listing(f"{name}/")) for name in ("runs", "steps", "models"))
    found = [
        *_past_outputs(steps, _last_used(bucket, runs), now), *_past_runs(runs, now),
        *_unpublished(bucket, [*steps, *models], now), *_abandoned(list(bucket.listing("scratch/")), now),
    ]  # fmt: skip
    for folder in found:
        bucket.delete([f"{folder}/{PUBLISHED}"])  # first: nobody finds a folder that is half gone
        bucket.delete(one.name for one in bucket.listing(f"{folder}/"))
    return len(found)


def _last_used(bucket: Bucket, runs: Sequence[Listed]) -> dict[str, float]:
    """When a run last found or made each output."""
    used: dict[str, float] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for record, output in zip(runs, pool.map(partial(_output, bucket), runs), strict=True):
            used[output] = max(used.get(output, 0.0), record.changed_s)
    return used


def _output(bucket: Bucket, record: Listed) -> str:
    try:
        return decode_struct(bucket.get(record.name).data, StepRecord, record.name).output
    except UnreachableError:
        raise
    except (FileNotFoundError, MlsystemError):  # collected meanwhile, or damaged: it uses nothing
        return ""


def _past_outputs(steps: Sequence[Listed], used: dict[str, float], now: float) -> Iterator[str]:
    outputs: dict[str, dict[str, float]] = defaultdict(dict)
    for one in steps:
        folder, _, file = one.name.rpartition("/")
        if file == PUBLISHED:
            outputs[folder.rpartition("/")[0]][folder] = max(one.changed_s, used.get(folder, 0.0))
    for ages in outputs.values():
        newest = sorted(ages, key=ages.__getitem__, reverse=True)
        yield from (folder for folder in newest[KEPT_OUTPUTS:] if now - ages[folder] > RECENT_S)


def _past_runs(runs: Sequence[Listed], now: float) -> Iterator[str]:
    """All but the newest, and those with the newest record of a step."""
    newest: dict[str, str] = {}
    changed: dict[str, float] = {}
    for one in sorted(runs, key=lambda one: one.changed_s):
        run, _, step = one.name.rpartition("/")
        newest[step] = run
        changed[run] = one.changed_s
    for run in sorted(changed, key=changed.__getitem__, reverse=True)[KEPT_RUNS:]:
        if run not in newest.values() and now - changed[run] > RECENT_S:
            yield run


def _unpublished(bucket: Bucket, files: Sequence[Listed], now: float) -> Iterator[str]:
    """Attempts FOLDER/ATTEMPT of STEP/KEY and MODEL/VERSION that were killed, or that another was faster than."""
    attempts: dict[str, float] = {}
    for one in files:
        parts = one.name.split("/")
        if len(parts) > 4:
            attempt = "/".join(parts[:4])
            attempts[attempt] = max(attempts.get(attempt, 0.0), one.changed_s)
    for attempt, changed_s in attempts.items():
        if now - changed_s > UPLOADING_S and not _is_published(bucket, attempt):
            yield attempt


def _is_published(bucket: Bucket, attempt: str) -> bool:
    folder, _, name = attempt.rpartition("/")
    try:
        marker = decode_struct(bucket.get(f"{folder}/{PUBLISHED}").data, Published, folder)
    except FileNotFoundError:
        return False
    return marker.attempt == name


def _abandoned(scratch: Sequence[Listed], now: float) -> Iterator[str]:
    changed: dict[str, float] = {}
    for one in scratch:
        folder = "/".join(one.name.split("/")[:3])
        changed[folder] = max(changed.get(folder, 0.0), one.changed_s)
    yield from (folder for folder, changed_s in changed.items() if now - changed_s > ABANDONED_S)
