"""What of a bucket goes from the disk of a process that lives long, and what it must not take from a reader."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mlsystem_runtime.contract.bucket import Bucket
from mlsystem_runtime.contract.bucket_storage import BucketStorage
from mlsystem_runtime.contract.mirror import KEPT, LEASE, Mirror

Open = Callable[[str], BucketStorage]


@pytest.fixture
def opened(bucket_uri: str, tmp_path: Path) -> Open:
    return lambda name: BucketStorage(Bucket(bucket_uri), tmp_path / name)


def publish(storage: BucketStorage, folder: str, content: str = "1") -> None:
    made = storage.root / ".made"
    made.mkdir(parents=True)
    (made / "a").write_text(content)
    assert storage.publish(made, folder)


@pytest.fixture
def versions(opened: Open) -> list[str]:
    names = [f"models/main/{number}" for number in range(1, 6)]
    for name in names:
        publish(opened("maker"), name)
    return names


def at_hand(storage: BucketStorage, home: str = "models/main") -> set[str]:
    return {path.name for path in storage.root.joinpath(home).iterdir()}


def test_versions_that_were_used_last_stay_and_one_that_went_is_brought_again(
    opened: Open, versions: list[str]
) -> None:
    server = opened("server")
    for name in (*versions, versions[0]):
        server.fetch(name)

    assert server.trim() == len(versions) - KEPT

    assert at_hand(server) == {"1", "4", "5"}
    assert (server.fetch(versions[1]) / "a").read_text() == "1"


def test_what_was_made_here_goes_as_what_was_brought(opened: Open) -> None:
    monitor = opened("monitor")
    for number in range(KEPT + 2):
        publish(monitor, f"steps/ingest.flights/{number}")

    assert monitor.trim() == 2

    assert at_hand(monitor, "steps/ingest.flights") == {"2", "3", "4"}


def test_what_another_process_was_given_stays_until_it_trims_or_ends(opened: Open, versions: list[str]) -> None:
    server, reader = opened("shared"), opened("shared")
    given = reader.fetch(versions[0])
    for name in versions[1:]:
        server.fetch(name)

    server.trim()
    assert (given / "a").read_text() == "1"

    del reader
    server.trim()
    assert not given.exists()


def test_a_lease_ends_with_its_process_however_that_ends(opened: Open, versions: list[str]) -> None:
    server = opened("shared")
    code = f"from mlsystem_runtime.contract.mirror import *; Mirror(Path({str(server.root)!r})).lease({versions[0]!r})"
    killed = subprocess.run([sys.executable, "-c", f"{code}; os.kill(os.getpid(), 9)"], check=False)
    for name in versions[1:]:
        server.fetch(name)

    assert (killed.returncode, server.trim()) == (-9, len(versions) - KEPT)
    assert "1" not in at_hand(server)


def test_whoever_reads_while_another_trims_has_whole_folders(opened: Open, versions: list[str]) -> None:
    """Two processes of one disk, as fast as they can: a folder that goes is not one that somebody was just given."""
    server, reader = opened("shared"), opened("shared")
    ended = threading.Event()

    def trim() -> None:
        while not ended.is_set():
            server.trim()

    thread = threading.Thread(target=trim)
    thread.start()
    try:
        for name in versions * 6:
            given = reader.fetch(name)
            assert (given / "a").read_text() == "1"
            if name == versions[-1]:
                reader.trim()
    finally:
        ended.set()
        thread.join()


def test_what_killed_downloads_and_earlier_attempts_left_goes_with_the_next_use(
    opened: Open, versions: list[str]
) -> None:
    server = opened("server")
    folder = server.fetch(versions[0])
    server.trim()
    (folder / ".a.7.abcd").write_text("a part")
    (folder.parent / "earlier").mkdir()

    assert server.fetch(versions[0]) == folder

    assert [path.name for path in folder.iterdir()] == ["a"]
    assert {path.name for path in folder.parent.iterdir()} == {folder.name, LEASE, "published.json"}


def test_a_folder_that_was_discarded_is_leased_anew(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path)
    mirror.lease("steps/train/key")
    (tmp_path / "steps/train/key" / LEASE).unlink()

    mirror.lease("steps/train/key")

    assert (tmp_path / "steps/train/key" / LEASE).exists()


def test_a_mirror_without_anything_is_trimmed_of_nothing(tmp_path: Path) -> None:
    assert Mirror(tmp_path / "absent").trim() == 0
