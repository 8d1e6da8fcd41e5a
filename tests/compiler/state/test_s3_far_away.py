"""A state in a bucket that is far away: the network loses requests and answers, and clocks differ."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import boto3
import msgspec
import pytest
from lossy_network import Manner, Network, lossy_network
from object_store import REGION, object_store
from states import CALM, SHORT, bucket_store, manifest

from mlsystem.errors import MlsystemError
from mlsystem.state.journal import StepFinished
from mlsystem.state.lease import Holder, Lease
from mlsystem.state.s3 import S3Store
from mlsystem.state.s3_lease import LEASE, LeaseLostError, Tenure, Terms
from mlsystem_runtime.contract.bucket import Bucket, UnreachableError

RUN = "pulumi/work/run.json"


@pytest.fixture
def network(s3: Mapping[str, str], bucket_uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """Between machines that are made after this and the bucket."""
    del bucket_uri
    with lossy_network(int(s3["AWS_ENDPOINT_URL_S3"].rpartition(":")[2])) as network:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{network.port}")
        yield network


def test_who_cannot_renew_the_lease_is_stopped(bucket_uri: str, tmp_path: Path, network: Network) -> None:
    store = bucket_store(bucket_uri, tmp_path, SHORT)

    with pytest.raises(LeaseLostError, match=r"could not be renewed for \d s"):
        work_without_a_network(store, network)

    network.lose("whole")
    assert store.read() == manifest(1)


def work_without_a_network(store: S3Store, network: Network) -> None:
    with store.lease("apply"):
        store.commit(manifest(1))
        network.lose("silent")
        threading.Event().wait(60)
        pytest.fail("nobody stopped it")


@pytest.mark.parametrize(
    ("terms", "taken", "said"),
    [(Terms(0.1, 1.0), False, "could not be renewed"), (Terms(0.1, 600.0), True, "somebody else has taken it")],
)
def test_who_may_read_the_lease_and_not_write_it_is_stopped(
    bucket_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terms: Terms, taken: bool, said: str
) -> None:
    """What is there is an older renewal, which ends by the store's clock, or another's lease."""
    lease = bucket_store(bucket_uri, tmp_path, terms).lease("apply")

    def refused(*_: object) -> None:
        raise UnreachableError("it cannot be written: AccessDenied")

    def work() -> None:
        with lease:
            monkeypatch.setattr(lease._hasty, "replace", refused)
            if taken:
                Bucket(bucket_uri).put(LEASE, msgspec.json.encode(Tenure("another", Holder.me("apply"), 1, 0.0)))
            threading.Event().wait(10)
            pytest.fail("nobody stopped it")

    with pytest.raises(LeaseLostError, match=said):
        work()


def test_a_renewal_that_comes_late_takes_nothing_back(bucket_uri: str, tmp_path: Path) -> None:
    store = bucket_store(bucket_uri, tmp_path / "here")
    lease = store.lease("apply")
    with lease:
        pass

    assert lease._write()

    with bucket_store(bucket_uri, tmp_path / "there").lease("apply"):
        pass


def test_who_lost_the_lease_writes_nothing_though_nobody_has_written_since(
    bucket_uri: str, tmp_path: Path, network: Network
) -> None:
    late, quick = (bucket_store(bucket_uri, tmp_path / name, CALM) for name in ("late", "quick"))
    late.commit(manifest(1))
    with overtaken(late, quick):
        with pytest.raises(MlsystemError, match="changed by somebody else"):
            late.commit(manifest(2))
        with pytest.raises(MlsystemError, match="changed by somebody else"):
            late.journal.write(StepFinished(step="a"))
        assert quick.journal.read() is not None
        quick.commit(manifest(2, closure="quick"))

    assert late.read() == manifest(2, closure="quick")


@pytest.mark.parametrize("write", [lambda late: late.remember(RUN, b"late"), S3Store.clear], ids=["remember", "clear"])
def test_who_lost_the_lease_neither_changes_nor_takes_away_what_the_next_one_remembers(
    bucket_uri: str, tmp_path: Path, write: Callable[[S3Store], None]
) -> None:
    late, quick = (bucket_store(bucket_uri, tmp_path / name, CALM) for name in ("late", "quick"))
    with overtaken(late, quick):
        quick.remember(RUN, b"quick")
        with pytest.raises(MlsystemError, match=r"records\.json was changed by somebody else"):
            write(late)

    assert bucket_store(bucket_uri, tmp_path / "there").recall(RUN) == b"quick"


@contextlib.contextmanager
def overtaken(late: S3Store, quick: S3Store) -> Iterator[None]:
    """`late` has read and written under its lease, and slept until `quick` had one: it has not even noticed."""
    lease = late.lease("apply")
    lease.__enter__()
    late.read()
    late.journal.begin("plan", "run")
    late.remember(RUN, b"begun")
    lease._done.set()  # neither thread goes on
    taken = taken_in_time(quick)
    lease._valid += 3600  # it slept on a machine whose clock slept too
    yield
    for one in (taken, lease):
        one.__exit__(None, None, None)


def taken_in_time(store: S3Store) -> Lease:
    begun = time.monotonic()
    while True:
        try:
            return store.lease("apply").__enter__()
        except MlsystemError:
            assert time.monotonic() - begun < 60
            time.sleep(0.1)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("manner", ["refused", "silent", "unanswered"])
def test_what_the_network_loses_a_few_times_nobody_notices(
    bucket_uri: str, tmp_path: Path, network: Network, manner: Manner, times: int
) -> None:
    store = bucket_store(bucket_uri, tmp_path)
    with store.lease("apply"):
        network.lose(manner, times)
        store.journal.begin("plan", "run")
        network.lose(manner, times)
        store.commit(manifest(1))

    assert store.read() == manifest(1)
    assert store.journal.read().plan == "plan"


def test_a_commit_whose_answers_are_all_lost_is_found_by_reading_it_back(
    bucket_uri: str, tmp_path: Path, network: Network
) -> None:
    """Four attempts, then the store is asked what is there."""
    store = bucket_store(bucket_uri, tmp_path)
    assert store.read() is None
    network.lose("unanswered", 4)

    store.commit(manifest(1))

    assert store.read() == manifest(1)
    assert sum(b"PUT" in line for line in network.requests) == 4


def test_a_commit_that_cannot_be_told_is_an_error_and_whoever_looks_later_sees_whether_it_was(
    bucket_uri: str, tmp_path: Path, network: Network
) -> None:
    store = bucket_store(bucket_uri, tmp_path)
    assert store.read() is None
    network.lose("unanswered")

    with pytest.raises(UnreachableError, match=r"manifest\.json cannot be"):
        store.commit(manifest(1))

    network.lose("whole")
    assert bucket_store(bucket_uri, tmp_path / "there").read() == manifest(1)


def test_a_plan_without_a_network_goes_by_what_was_read_last_and_says_so(
    bucket_uri: str, tmp_path: Path, network: Network
) -> None:
    store = bucket_store(bucket_uri, tmp_path)
    store.commit(manifest(1))
    assert store.look().notes == ()
    network.lose("refused")

    seen = store.look()

    assert seen.manifest == manifest(1)
    assert "compared with serial 1, as it was read 0 s ago" in seen.notes[0]
    with pytest.raises(UnreachableError):
        bucket_store(bucket_uri, tmp_path / "there").look()


@pytest.mark.slow
@pytest.mark.parametrize("ahead_s", [-3600, 3600])
def test_a_store_whose_clock_is_an_hour_off_takes_no_lease_from_who_is_alive_and_ends_that_of_the_dead(
    ahead_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with object_store(ahead_s) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        uri = bucket()
        alive = bucket_store(uri, tmp_path / "alive", SHORT)
        with alive.lease("apply"):
            time.sleep(SHORT.ends_s + 2.5)  # longer than it would be anybody's without renewals
            with pytest.raises(MlsystemError, match="is being changed by"):
                bucket_store(uri, tmp_path / "other", SHORT).lease("apply").__enter__()
        dead = alive.lease("apply")
        dead.__enter__()
        dead._done.set()
        for lease in (taken_in_time(bucket_store(uri, tmp_path / "other", SHORT)), dead):
            lease.__exit__(None, None, None)


def bucket() -> str:
    name, client = f"tests-{secrets.token_hex(6)}", boto3.client("s3")
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.close()
    return f"s3://{name}"
