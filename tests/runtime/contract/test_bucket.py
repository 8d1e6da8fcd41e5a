"""An S3 bucket through boto3, against a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlsystem_runtime.contract.bucket import Bucket, Patience, UnreachableError
from mlsystem_runtime.contract.bucket_storage import BucketStorage
from mlsystem_runtime.contract.errors import MlsystemError


@pytest.fixture
def bucket(bucket_uri: str) -> Bucket:
    return Bucket(bucket_uri)


def test_what_was_put_is_read_below_the_prefix_only(bucket: Bucket, bucket_uri: str) -> None:
    bucket.put("a/b.json", b"1")

    assert bucket.get("a/b.json").data == b"1"
    assert [one.name for one in bucket.listing("")] == ["a/b.json"]
    assert [one.name for one in Bucket(bucket_uri.removesuffix("/systems/flights")).listing("")] == [
        "systems/flights/a/b.json"]  # fmt: skip


def test_what_is_absent_is_a_file_not_found(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        bucket.get("nothing")
    with pytest.raises(FileNotFoundError, match="nothing"):
        bucket.download("nothing", tmp_path / "file")


def test_only_the_first_of_two_creates(bucket: Bucket) -> None:
    assert bucket.create("one", b"first")
    assert not bucket.create("one", b"second")

    assert bucket.get("one").data == b"first"


def test_a_replacement_of_what_has_changed_is_refused(bucket: Bucket) -> None:
    bucket.put("one", b"1")
    seen = bucket.get("one")
    bucket.put("one", b"2")

    assert not bucket.replace("one", b"3", seen)
    assert bucket.replace("one", b"3", bucket.get("one"))
    assert not bucket.replace("gone", b"3", seen)
    assert bucket.get("one").data == b"3"


def test_a_create_whose_answer_was_lost_knows_itself_again(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client sends it a second time, and is told that there is one already: its own."""
    client, sent = bucket._client, []

    def put_twice(**options: object) -> object:
        sent.append(original(**options))
        return original(**options)

    original = client.put_object
    monkeypatch.setattr(client, "put_object", put_twice)

    assert bucket.create("one", b"first")
    assert len(sent) == 1


@pytest.mark.parametrize("others", [0, 1, 5, 200])
def test_an_update_whose_answer_was_lost_is_not_made_twice_though_others_have_written_since(
    bucket: Bucket, bucket_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    """200 others: marks stay few, and whoever comes after them still knows its own."""
    here, there = BucketStorage(bucket, tmp_path), BucketStorage(Bucket(bucket_uri), tmp_path)
    client, lost = bucket._client, [True]

    def count(data: bytes | None) -> bytes:
        return str(int(data or b"0") + 1).encode()

    def put_and_lose_the_answer(**options: object) -> object:
        if lost:
            lost.clear()
            original(**options)
            for _ in range(min(others, 5)):
                there.update("counter", count)
        return original(**options)

    for _ in range(others):
        there.update("counter", count)
    original = client.put_object
    monkeypatch.setattr(client, "put_object", put_and_lose_the_answer)
    here.update("counter", count)

    assert bucket.get("counter").data == str(others + 1 + min(others, 5)).encode()


def test_a_file_of_many_parts_comes_back_as_it_was(bucket: Bucket, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4 * 10_000
    (tmp_path / "large").write_bytes(content)

    bucket.upload(tmp_path / "large", "deep/large")
    bucket.download("deep/large", tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == content


def test_listing_goes_on_after_a_name_and_folders_are_those_directly_below(bucket: Bucket) -> None:
    for name in ("ledger/1", "ledger/2", "ledger/3", "models/a/1/x", "models/b/1/x", "models/b/2/x"):
        bucket.put(name, b"")

    assert [one.name for one in bucket.listing("ledger/", after="ledger/1")] == ["ledger/2", "ledger/3"]
    assert bucket.folders("models") == ["a", "b"]
    assert bucket.folders("models/b") == ["1", "2"]


def test_more_than_one_request_can_name_is_deleted(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlsystem_runtime.contract.bucket.MOST_DELETED", 2)
    names = [f"many/{number}" for number in range(5)]
    for name in names:
        bucket.put(name, b"")

    bucket.delete(names)

    assert list(bucket.listing("many/")) == []


def test_a_store_that_does_not_answer_is_told_without_credentials(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://somebody:password@127.0.0.1:9")
    monkeypatch.setattr("mlsystem_runtime.contract.bucket.USUAL", Patience(attempts=1))

    with pytest.raises(UnreachableError, match="cannot be read: EndpointConnectionError") as told:
        Bucket(bucket.uri).get("one")

    assert "AWS_ENDPOINT_URL_S3" in (told.value.hint or "")
    for secret in ("password", "AKIATESTSONLY", "tests-only-secret"):
        assert secret not in str(told.value)


def test_an_endpoint_without_a_scheme_is_told(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "minio:9000/")

    with pytest.raises(UnreachableError) as told:
        Bucket(bucket.uri).get("one")

    assert "http" in (told.value.hint or "")


def test_a_bucket_that_does_not_exist_is_told_as_such(bucket: Bucket) -> None:
    with pytest.raises(UnreachableError, match="no such bucket"):
        Bucket("s3://tests-nowhere/x").put("one", b"")


def test_a_missing_credential_is_told(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(UnreachableError, match="NoCredentialsError"):
        Bucket(bucket.uri).get("one")


def test_a_uri_without_a_bucket_is_refused() -> None:
    with pytest.raises(MlsystemError, match="names no bucket"):
        Bucket("s3:///prefix")


