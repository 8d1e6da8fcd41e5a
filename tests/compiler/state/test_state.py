"""State survives: atomic, counted, locked, and readable across versions."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import msgspec
import pytest
from states import manifest

from mlsystem.errors import MlsystemError
from mlsystem.state.journal import FileJournal, StepFinished, StepStarted
from mlsystem.state.manifest import FORMAT, decode_manifest, encode_manifest
from mlsystem.state.store import FileStore


def test_nothing_applied_reads_as_none(store):
    assert store.read() is None


def test_a_manifest_reads_back_as_itself(store):
    store.commit(manifest())

    assert store.read() == manifest()


def test_the_serial_rises_by_one(store):
    store.commit(manifest(1))

    with pytest.raises(MlsystemError, match="moved to serial 1"):
        store.commit(manifest(1))
    with pytest.raises(MlsystemError, match="moved to serial 1"):
        store.commit(manifest(3))
    store.commit(manifest(2))


def test_a_manifest_of_another_lineage_is_refused(store):
    store.commit(manifest(1))

    with pytest.raises(MlsystemError):
        store.commit(manifest(2, lineage="another"))


def test_a_cleared_environment_is_new(store):
    store.commit(manifest())
    with store.lease("destroy"):
        store.clear()

    assert store.read() is None


def test_git_is_kept_away(tmp_path):
    FileStore(tmp_path / ".mlsystem" / "dev").commit(manifest())

    assert (tmp_path / ".mlsystem" / ".gitignore").read_text() == "*\n"


def test_a_newer_format_is_refused():
    newer = encode_manifest(manifest()).replace(f'"format": {FORMAT}', '"format": 99').encode()

    with pytest.raises(MlsystemError, match="written by a newer mlsystem: format 99"):
        decode_manifest(newer, "manifest.json")


def test_an_older_format_is_migrated_and_the_old_file_kept(tmp_path):
    store = FileStore(tmp_path / "dev", migrations={0: lambda raw: {"tool": raw.pop("version"), **raw}})
    raw = json.loads(encode_manifest(manifest()))
    raw["version"] = raw.pop("tool")
    old = json.dumps({**raw, "format": 0})
    store.folder.mkdir(parents=True)
    store.path.write_text(old)

    assert store.read() == manifest()
    assert (store.folder / "manifest.1.backup.json").read_text() == old


def test_an_older_format_without_a_way_forward_is_refused():
    old = encode_manifest(manifest()).replace(f'"format": {FORMAT}', '"format": 0').encode()

    with pytest.raises(MlsystemError, match="format 0, which cannot be migrated"):
        decode_manifest(old, "manifest.json", {})


def test_a_damaged_journal_is_an_error_that_says_what_to_do(tmp_path):
    journal = FileJournal(tmp_path / "journal.jsonl")
    journal.begin("plan", "run-1")
    journal.path.write_bytes(b"garbage\n" + journal.path.read_bytes())

    with pytest.raises(MlsystemError, match=r"journal\.jsonl cannot be read") as caught:
        journal.read()

    assert "delete it" in caught.value.hint


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format": 1}', b'{"format": "\xff"}'])
def test_a_damaged_manifest_is_an_error_that_names_the_file(data):
    with pytest.raises(MlsystemError, match=r"manifest\.json") as caught:
        decode_manifest(data, "/a b/dev/manifest.json")

    assert caught.value.hint.endswith(
        "mv '/a b/dev/manifest.json' '/a b/dev/manifest.json.damaged' && mlsystem apply -e dev"
    )


def test_a_journal_tells_how_far_it_got(store):
    store.journal.begin("plan", "run")
    store.journal.write(StepStarted(step="a", pid=1))
    store.journal.write(StepFinished(step="a"))
    store.journal.write(StepStarted(step="b", pid=2))
    progress = store.journal.read()

    assert (progress.plan, progress.run_id, progress.finished, progress.running) == ("plan", "run", frozenset({"a"}), 2)


def test_a_closed_journal_is_gone(store):
    store.journal.begin("plan", "run")
    store.journal.close()

    assert store.journal.read() is None


def test_a_torn_last_line_is_dropped(tmp_path):
    journal = FileJournal(tmp_path / "journal.jsonl")
    journal.begin("plan", "run")
    with open(journal.path, "ab") as file:
        file.write(b'{"line":"step_fin')

    assert journal.read().finished == frozenset()


def test_a_second_apply_is_told_who_is_at_work_and_how_to_break_it(store):
    with store.lease("mlsystem apply"), pytest.raises(MlsystemError, match="`mlsystem apply`") as caught:
        store.lease("mlsystem apply").__enter__()

    assert "wait until it is done" in caught.value.hint
    if isinstance(store, FileStore):
        assert f"pid {os.getpid()}" in caught.value.message
        assert f"kill {os.getpid()}" in caught.value.hint


def test_a_lease_can_be_taken_again_when_it_was_left(store):
    with store.lease("one"):
        pass
    with store.lease("two"):
        pass


def test_a_lease_ends_with_the_process_that_held_it(tmp_path):
    store = FileStore(tmp_path / "dev")
    child = multiprocessing.get_context("spawn").Process(target=hold_and_die, args=(store.folder,))
    child.start()
    child.join(20)

    assert child.exitcode == -9
    with store.lease("apply"):
        pass


def hold_and_die(folder: Path) -> None:
    with FileStore(folder).lease("apply"):
        os.kill(os.getpid(), 9)


def test_the_manifest_is_plain_json_for_other_programs():
    assert msgspec.json.decode(encode_manifest(manifest()))["serial"] == 1
