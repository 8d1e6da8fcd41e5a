"""A state in a bucket: one of many applies, whoever is killed, whatever the network loses, whoever's clock is wrong."""

from __future__ import annotations

import json
import multiprocessing
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from states import SHORT, apply_forever, bucket_store, manifest, next_of

from mlsystem.errors import MlsystemError
from mlsystem.state.manifest import encode_manifest
from mlsystem.state.s3 import S3Store
from mlsystem.state.store import FileStore
from mlsystem_runtime.contract.bucket import Bucket, UnreachableError

Machine = Callable[[str], S3Store]


def test_what_one_machine_commits_another_reads(machine: Machine) -> None:
    machine("a").commit(manifest(1))
    machine("b").commit(manifest(2))

    assert machine("a").read() == manifest(2)


def test_the_second_is_told_who_holds_the_lease_since_when(machine: Machine) -> None:
    with machine("a").lease("mlsystem apply"), pytest.raises(MlsystemError) as caught:
        machine("b").lease("mlsystem apply").__enter__()

    assert "is being changed by `mlsystem apply`: " in caught.value.message
    assert ", since 20" in caught.value.message
    assert "its lease ends in at most 6" in caught.value.hint


def test_a_lease_that_was_left_is_free_at_once(machine: Machine) -> None:
    with machine("a").lease("one"):
        pass
    with machine("b").lease("two"):
        pass


@pytest.mark.slow
def test_of_fifty_that_apply_at_once_each_gets_its_serial_and_no_two_hold_the_lease(
    machine: Machine, bucket_uri: str
) -> None:
    holders: list[str] = []
    client = Bucket(bucket_uri)._client

    def apply(name: str) -> int:
        store = machine(name)
        for bucket in (store._bucket, store._renewing):
            vars(bucket)["_connected"] = client  # fifty of them would take most of the time to make
        while True:
            try:
                with store.lease(name):
                    holders.append(name)
                    assert holders == [name]
                    store.commit(found := next_of(store.read()))
                    holders.remove(name)
                    return found.serial
            except MlsystemError:  # somebody else holds it
                time.sleep(random.uniform(0, 0.2))

    with ThreadPoolExecutor(50) as pool:
        serials = list(pool.map(apply, [f"machine-{number}" for number in range(50)]))

    assert sorted(serials) == list(range(1, 51))
    assert machine("another").read() == manifest(50)


def test_of_fifty_that_commit_one_serial_without_a_lease_one_does(machine: Machine, bucket_uri: str) -> None:
    client = Bucket(bucket_uri)._client
    begin = threading.Barrier(50)

    def commit(number: int) -> bool:
        store = machine(str(number))
        vars(store._bucket)["_connected"] = client
        assert store.read() is None
        begin.wait()
        try:
            store.commit(manifest(1, closure=str(number)))
        except MlsystemError:
            return False
        return True

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(commit, range(50))) == 1


@pytest.mark.slow
def test_whenever_an_apply_is_killed_what_it_committed_is_there_and_the_next_goes_on(
    bucket_uri: str, s3: Mapping[str, str], tmp_path: Path
) -> None:
    draw, spawn = random.Random(7), multiprocessing.get_context("forkserver")
    spawn.set_forkserver_preload(["states", "boto3"])
    said = tmp_path / "committed"
    said.touch()
    for kill in range(20):
        child = spawn.Process(target=apply_forever, args=(bucket_uri, tmp_path / "here", dict(s3), said))
        child.start()
        before = said.stat().st_size
        while said.stat().st_size == before:
            assert child.is_alive(), f"kill {kill}: it could not go on where the one before was killed"
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.3))
        child.kill()
        child.join()
        store, committed = bucket_store(bucket_uri, tmp_path / "there"), int(said.read_text().split()[-1])
        found = store.read()

        assert found is not None
        assert found.serial in (committed, committed + 1), "killed before it could say so, at most"
        progress = store.journal.read()
        assert progress is None or progress.plan in [f"plan {committed + further}" for further in range(3)]

    serials = [int(line) for line in said.read_text().split()]
    assert serials == sorted(set(serials))


def test_a_killed_run_of_this_folder_holds_nobody_up_and_one_of_another_machine_until_its_lease_ends(
    bucket_uri: str, s3: Mapping[str, str], tmp_path: Path
) -> None:
    said = tmp_path / "committed"
    said.touch()
    hold_and_die(bucket_uri, s3, tmp_path / "here", said)
    there = bucket_store(bucket_uri, tmp_path / "there", SHORT)
    with pytest.raises(MlsystemError, match="is being changed by"):
        there.lease("apply").__enter__()
    with bucket_store(bucket_uri, tmp_path / "here").lease("apply"):
        pass
    hold_and_die(bucket_uri, s3, tmp_path / "here", said)
    begun = time.monotonic()
    while True:
        try:
            with there.lease("apply"):
                break
        except MlsystemError:
            assert time.monotonic() - begun < 60
            time.sleep(0.2)

    assert there.read() is not None


def hold_and_die(uri: str, environ: Mapping[str, str], folder: Path, said: Path) -> None:
    spawn = multiprocessing.get_context("forkserver")
    spawn.set_forkserver_preload(["states", "boto3"])
    child = spawn.Process(target=apply_forever, args=(uri, folder, dict(environ), said))
    before = said.stat().st_size
    child.start()
    while said.stat().st_size == before:
        assert child.is_alive()
        time.sleep(0.01)
    child.kill()
    child.join()
    lease = Bucket(uri).get("lease.json")
    if msgspec.json.decode(lease.data)["released"]:  # it was killed between two applies: as if it had been in one
        again = json.loads(lease.data) | {"released": False}
        Bucket(uri).put("lease.json", json.dumps(again).encode())


def test_a_state_of_another_environment_is_refused_by_name(bucket_uri: str, tmp_path: Path, machine: Machine) -> None:
    machine("a").commit(manifest(1))

    with pytest.raises(MlsystemError, match="is the state of s, environment dev"):
        S3Store(bucket_uri, tmp_path / ".mlsystem" / "prod").read()


def test_an_older_format_is_backed_up_when_it_is_replaced_and_not_by_who_only_looks(
    bucket_uri: str, tmp_path: Path
) -> None:
    raw = json.loads(encode_manifest(manifest()))
    raw["version"] = raw.pop("tool")
    old = {**raw, "format": 0}
    Bucket(bucket_uri).put("manifest.json", json.dumps({"fence": "", "by": "me", "content": old}).encode())
    migrations = {0: lambda raw: {"tool": raw.pop("version"), **raw}}
    store = S3Store(bucket_uri, tmp_path / ".mlsystem" / "dev", migrations)

    assert store.read() == manifest(1)
    assert list(Bucket(bucket_uri).listing("backups/")) == []
    store.commit(manifest(2))
    assert json.loads(Bucket(bucket_uri).get("backups/manifest.1.json").data) == old


def test_the_state_of_a_folder_moves_into_the_bucket_with_the_next_commit(bucket_uri: str, tmp_path: Path) -> None:
    FileStore(tmp_path / ".mlsystem" / "dev").commit(manifest(1))
    store = bucket_store(bucket_uri, tmp_path)

    assert store.read() == manifest(1)
    store.commit(manifest(2))

    assert not (tmp_path / ".mlsystem" / "dev" / "manifest.json").exists()
    assert bucket_store(bucket_uri, tmp_path / "there").read() == manifest(2)


def test_an_apply_that_was_interrupted_is_finished_before_its_state_moves(bucket_uri: str, tmp_path: Path) -> None:
    FileStore(tmp_path / ".mlsystem" / "dev").journal.begin("plan", "run")

    with pytest.raises(MlsystemError, match="an apply was interrupted whose state is in"):
        bucket_store(bucket_uri, tmp_path).lease("apply").__enter__()


def test_it_is_known_where_an_environment_was_applied(machine: Machine) -> None:
    here, there = machine("here"), machine("there")
    here.commit(manifest(1))
    assert there.read() == manifest(1)

    assert here.elsewhere is None
    assert there.elsewhere is not None
    assert there.elsewhere.endswith("/here")


def test_a_destroyed_environment_is_not_brought_back_by_who_has_seen_it_before(machine: Machine) -> None:
    here, there = machine("here"), machine("there")
    here.commit(manifest(1))
    assert there.read() == manifest(1)
    here.remember("pulumi/work/run.json", b"{}")
    with here.lease("destroy"):
        here.forget()
        here.clear()

    assert here.empty
    assert here.recall("pulumi/work/run.json") is None
    with pytest.raises(MlsystemError):
        there.commit(manifest(2))


@pytest.mark.parametrize(
    ("name", "read", "says"),
    [
        ("lease.json", lambda store: store.lease("apply").__enter__(), "rm s3://"),
        ("manifest.json", lambda store: store.read(), "keeps versions"),
        ("journal.json", lambda store: store.journal.read(), "rm s3://"),
        ("records.json", lambda store: store.recall("pulumi/work/run.json"), "keeps versions"),
    ],
)
def test_damage_is_an_error_that_names_the_object_and_says_what_to_do(
    bucket_uri: str, tmp_path: Path, name: str, read: Callable[[S3Store], object], says: str
) -> None:
    Bucket(bucket_uri).put(name, b"garbage")

    with pytest.raises(MlsystemError, match=f"{name} cannot be read") as caught:
        read(bucket_store(bucket_uri, tmp_path))

    assert says in caught.value.hint


def test_a_bucket_that_is_not_there_is_named_with_what_to_do(
    s3: Mapping[str, str], bucket_uri: str, tmp_path: Path
) -> None:
    del bucket_uri
    store = bucket_store("s3://nobody-made-this/prefix", tmp_path)

    with pytest.raises(UnreachableError, match=r"s3://nobody-made-this/prefix/.*there is no such bucket") as caught:
        store.lease("apply").__enter__()

    assert "`state`" in caught.value.hint
    assert s3["AWS_SECRET_ACCESS_KEY"] not in str(caught.value)
