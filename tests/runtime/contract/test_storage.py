"""What holds for a workspace wherever it is: a local folder, and a bucket with an empty mirror for each process."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.bucket import Bucket, Patience, UnreachableError
from mlsystem_runtime.contract.bucket_storage import PUBLISHED, BucketStorage, DamagedError
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import AnyEvent, BucketLedger, Ledger, RunStarted, open_ledger
from mlsystem_runtime.contract.names import MIRROR
from mlsystem_runtime.contract.storage import LocalStorage, Storage
from mlsystem_runtime.contract.workspace import StepRecord, Workspace, latest_record

OpenStorage = Callable[[], Storage]
OpenWorkspace = Callable[[], Workspace]


@pytest.fixture(params=["local", "bucket"])
def opened(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenWorkspace:
    """Opens the same workspace as another process, on another machine where that makes a difference."""
    if request.param == "local":
        return lambda: Workspace(str(tmp_path / "workspace"))
    uri, mirrors = request.getfixturevalue("bucket_uri"), itertools.count()

    def open_bucket() -> Workspace:
        monkeypatch.setenv(MIRROR, str(tmp_path / f"mirror-{next(mirrors)}"))
        return Workspace(uri)

    return open_bucket


@pytest.fixture
def mirrored(bucket_uri: str, tmp_path: Path) -> Callable[[str], BucketStorage]:
    return lambda name: BucketStorage(Bucket(bucket_uri), tmp_path / name)


def made(workspace: Workspace, name: str = "attempt", **files: str) -> Path:
    folder = workspace.path(f".{name}")
    for file, content in files.items():
        path = folder / file.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


class Counter(Struct):
    value: int


def test_a_document_is_found_elsewhere_as_it_was_written_last(opened: OpenWorkspace) -> None:
    opened().write(Counter(1), "monitor", "a.json")
    opened().write(Counter(2), "monitor", "a.json")

    assert opened().read(Counter, "monitor", "a.json") == Counter(2)
    with pytest.raises(FileNotFoundError):
        opened().read(Counter, "monitor", "b.json")


def test_no_update_is_lost_between_writers(opened: OpenWorkspace) -> None:
    workspaces = [opened() for _ in range(4)]

    def count(workspace: Workspace) -> None:
        for _ in range(5):
            workspace.update(Counter, lambda held: Counter(1 if held is None else held.value + 1), "counter.json")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, workspaces))

    assert opened().read(Counter, "counter.json") == Counter(20)


def test_a_published_folder_is_found_elsewhere_with_all_its_files(opened: OpenWorkspace) -> None:
    here = opened()

    assert here.storage.publish(made(here, a="1", deep__b="2"), "steps/train/key")

    found = opened().storage.fetch("steps/train/key")
    assert (found / "a").read_text() == "1"
    assert (found / "deep" / "b").read_text() == "2"


def test_of_two_attempts_the_first_to_publish_wins_and_the_other_is_told(opened: OpenWorkspace) -> None:
    first, second = opened(), opened()
    slow = made(second, "slow", a="second", b="only in the second")
    barrier = threading.Barrier(2)

    def publish(workspace: Workspace, folder: Path) -> bool:
        barrier.wait()
        return workspace.storage.publish(folder, "steps/train/key")

    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(publish, (first, second), (made(first, a="first"), slow)))

    assert sorted(won) == [False, True]
    found = opened().storage.fetch("steps/train/key")
    contents = {path.name: path.read_text() for path in found.iterdir()}
    assert contents == ({"a": "first"} if won[0] else {"a": "second", "b": "only in the second"})


def test_published_folders_are_listed_and_nothing_else(opened: OpenWorkspace) -> None:
    here = opened()
    for name in ("1", "2", "10"):
        assert here.storage.publish(made(here, a="x"), f"models/main/{name}")

    assert opened().versions("main") == [1, 2, 10]
    assert opened().versions("other") == []
    assert opened().storage.folders("models") == ["main"]


def test_what_was_discarded_is_gone_and_can_be_published_again(opened: OpenWorkspace) -> None:
    here = opened()
    here.storage.publish(made(here, a="old"), "steps/train/key")

    opened().storage.discard("steps/train/key")
    opened().storage.discard("steps/train/never")
    again = opened()
    assert again.storage.publish(made(again, a="new"), "steps/train/key")

    assert (opened().storage.fetch("steps/train/key") / "a").read_text() == "new"


def test_the_latest_record_is_that_of_the_run_which_ended_last(opened: OpenWorkspace) -> None:
    for number, run in enumerate(("b", "a", "c")):
        record = StepRecord("ingest.x", "k", "done", "steps/x/k", {}, {}, run, 0.0, order=number)
        opened().write(record, "runs", run, "ingest.x.json")
        opened().write(record, "runs", run, "other.ingest.x.json")

    found = latest_record(opened(), "ingest.x")
    assert found is not None
    assert found.summary == "c"
    assert latest_record(opened(), "ingest.y") is None


def test_an_old_run_that_somebody_removes_meanwhile_hides_no_newer_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(str(tmp_path))
    for run in ("old", "new"):
        record = StepRecord("ingest.x", "k", "done", "steps/x/k", {}, {}, run, 0.0)
        workspace.write(record, "runs", run, "ingest.x.json")
        os.utime(workspace.record(run, "ingest.x"), (1, 1) if run == "old" else (2, 2))
    stat = Path.stat

    def overtaken(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        try:
            return stat(path, follow_symlinks=follow_symlinks)
        finally:
            if path.is_relative_to(workspace.path("runs", "old")):
                shutil.rmtree(workspace.path("runs", "old"), ignore_errors=True)

    monkeypatch.setattr(Path, "stat", overtaken)
    found = latest_record(workspace, "ingest.x")

    assert found is not None
    assert found.summary == "new"


def events(ledger: Ledger) -> list[AnyEvent]:
    return [entry.body for entry in ledger.entries()]


def test_two_writers_of_the_ledger_lose_no_entry_and_give_no_serial_twice(opened: OpenWorkspace) -> None:
    ledgers = [open_ledger(opened()) for _ in range(3)]

    def write(number: int) -> list[int]:
        return [ledgers[number].append(RunStarted(f"{number}-{i}", "")).serial for i in range(8)]

    with ThreadPoolExecutor(3) as pool:
        serials = list(pool.map(write, range(3)))

    entries = list(open_ledger(opened()).entries())
    assert sorted(itertools.chain(*serials)) == [entry.serial for entry in entries] == list(range(1, 25))
    for number, given in enumerate(serials):
        ours = [entry.body.run_id for entry in entries if entry.serial in given and isinstance(entry.body, RunStarted)]
        assert ours == [f"{number}-{i}" for i in range(8)]


def test_what_is_known_is_not_appended_again_whoever_tries(opened: OpenWorkspace) -> None:
    ledgers = [open_ledger(opened()) for _ in range(4)]

    def append(ledger: Ledger) -> bool:
        return ledger.append_new(RunStarted("one", ""), lambda found: RunStarted("one", "") in found) is not None

    with ThreadPoolExecutor(4) as pool:
        appended = list(pool.map(append, ledgers))

    assert sum(appended) == 1
    assert events(ledgers[0]) == [RunStarted("one", "")]


def test_an_entry_that_is_missing_is_told(bucket_uri: str) -> None:
    bucket = Bucket(bucket_uri)
    for number in range(3):
        BucketLedger(bucket).append(RunStarted(str(number), ""))
    bucket.delete(["ledger/00000002.json"])

    with pytest.raises(MlsystemError, match="missing"):
        list(BucketLedger(bucket).entries())


def test_a_kept_file_is_restored_elsewhere_and_goes_where_it_was_discarded(opened: OpenWorkspace) -> None:
    here = opened()
    if isinstance(here.storage, LocalStorage):
        return
    path = here.path("scratch", "train", "key", "latest.pt")
    path.parent.mkdir(parents=True)
    path.write_text("1")
    here.storage.keep("scratch/train/key/latest.pt")
    there = opened()
    there.storage.restore("scratch/train/key")
    there.storage.restore("scratch/train/other")
    restored = there.path("scratch", "train", "key", "latest.pt")
    assert restored.read_text() == "1"

    path.write_text("22")
    here.storage.keep("scratch/train/key/latest.pt")
    there.storage.restore("scratch/train/key")
    assert restored.read_text() == "22"

    here.storage.discard("scratch/train/key")
    there.storage.restore("scratch/train/key")
    assert not restored.exists()


def test_files_of_the_mirror_are_brought_once(mirrored: Callable[[str], BucketStorage]) -> None:
    here, there = mirrored("here"), mirrored("there")
    here.publish(made(Workspace(str(here.root)), a="1", b="2"), "models/main/1")

    folder = there.fetch("models/main/1", "a")
    assert sorted(path.name for path in folder.iterdir()) == ["a"]
    (folder / "a").write_text("x")

    assert (there.fetch("models/main/1") / "a").read_text() == "x"
    assert (there.fetch("models/main/1") / "b").read_text() == "2"


def test_what_was_brought_answers_while_the_bucket_is_out_of_reach(
    mirrored: Callable[[str], BucketStorage], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = mirrored("here")
    here.publish(made(Workspace(str(here.root)), a="1"), "models/main/1")
    mirrored("there").fetch("models/main/1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setattr("mlsystem_runtime.contract.bucket.USUAL", Patience(attempts=1))

    assert (mirrored("there").fetch("models/main/1") / "a").read_text() == "1"
    with pytest.raises(UnreachableError):
        mirrored("elsewhere").fetch("models/main/1")


def test_a_file_that_was_damaged_or_deleted_in_the_bucket_is_never_used(
    mirrored: Callable[[str], BucketStorage],
) -> None:
    here = mirrored("here")
    here.publish(made(Workspace(str(here.root)), a="1"), "models/main/1")
    (name,) = [one.name for one in here.bucket.listing("models/") if one.name.endswith("/a")]

    here.bucket.put(name, b"2")
    with pytest.raises(DamagedError, match="is not what was published"):
        mirrored("there").fetch("models/main/1")
    here.bucket.delete([name])
    with pytest.raises(DamagedError, match="is gone"):
        mirrored("there").fetch("models/main/1")
    assert list((mirrored("there").root / name).parent.iterdir()) == []


def test_a_marker_may_not_name_files_outside_of_its_folder(mirrored: Callable[[str], BucketStorage]) -> None:
    here = mirrored("here")
    here.bucket.put(f"models/main/1/{PUBLISHED}", b'{"attempt":"x","files":{"../../y":{"size":1,"sha256":"0"}}}')

    with pytest.raises(DamagedError, match="outside"):
        here.fetch("models/main/1")


def test_a_mirror_that_nobody_named_is_for_this_user_alone(
    bucket_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MIRROR, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    mirror = Workspace(bucket_uri).root

    assert mirror.parent == tmp_path
    assert mirror.stat().st_mode & 0o077 == 0
    assert Workspace(bucket_uri).root == mirror
