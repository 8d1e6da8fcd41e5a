"""A source in a bucket is what it is on disk, and is read only when it has changed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace
from pipeline import CSV, DataSteps, flights

from mlsystem_runtime.contract.bucket import Bucket
from mlsystem_runtime.contract.errors import MlsystemError

DATA = "data/flights.csv"


@pytest.fixture
def bucket(bucket_uri: str) -> Bucket:
    made = Bucket(bucket_uri)
    made.put(DATA, CSV.encode())
    return made


def remote(tmp_path: Path, bucket: Bucket, name: str = DATA, kind: str = "csv") -> DataSteps:
    folder = tmp_path / "remote"
    folder.mkdir(exist_ok=True)
    return DataSteps(folder, replace(flights(folder), uri=f"{bucket.uri}/{name}", format=kind))


def test_a_source_gives_the_same_rows_from_a_bucket_as_from_a_file(tmp_path: Path, bucket: Bucket) -> None:
    local = DataSteps(tmp_path, flights(tmp_path))

    assert remote(tmp_path, bucket).run("ingest.flights").digests == local.run("ingest.flights").digests


def test_a_source_that_has_not_changed_is_not_brought_again(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = remote(tmp_path, bucket)
    steps.run("ingest.flights")
    monkeypatch.setattr(Bucket, "download", None)

    assert steps.run("ingest.flights").status == "unchanged"


def test_a_source_that_has_changed_is_ingested_again(tmp_path: Path, bucket: Bucket) -> None:
    steps = remote(tmp_path, bucket)
    steps.run("ingest.flights")

    bucket.put(DATA, (CSV + "f,2013-01-01 05:00,2013-01-01 05:30,EWR,BOS,1,6\n").encode())

    assert steps.run("ingest.flights").facts["rows"] == 6


def test_a_folder_of_parquet_files_is_read_in_the_order_of_their_names(tmp_path: Path, bucket: Bucket) -> None:
    steps = remote(tmp_path, bucket, "data/parts", "parquet")
    rows = remote(tmp_path, bucket)
    table = rows.table(rows.run("ingest.flights"), "rows.parquet").drop(["late"])
    for number, part in enumerate((table[:2], table[2:])):
        pq.write_table(pa.table(part), tmp_path / "part.parquet")
        bucket.upload(tmp_path / "part.parquet", f"data/parts/{number}.parquet")
    bucket.put("data/parts/_SUCCESS", b"")

    read = steps.table(steps.run("ingest.flights"), "rows.parquet")

    assert read["id"].to_pylist() == ["a", "b", "c", "d", "e"]


def test_a_source_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = Bucket.download

    def changed(self: Bucket, name: str, path: Path) -> None:
        download(self, name, path)
        bucket.put(DATA, CSV.encode() + b"\n")

    monkeypatch.setattr(Bucket, "download", changed)

    with pytest.raises(MlsystemError, match="changed while it was read"):
        remote(tmp_path, bucket).run("ingest.flights")


def test_what_is_not_there_or_is_no_file_is_told(tmp_path: Path, bucket: Bucket) -> None:
    with pytest.raises(MlsystemError, match="does not exist"):
        remote(tmp_path, bucket, "data/flight").run("ingest.flights")
    with pytest.raises(MlsystemError, match="folder without parquet files"):
        remote(tmp_path, bucket, "data").run("ingest.flights")
    with pytest.raises(MlsystemError, match="names no file"):
        remote(tmp_path, Bucket(f"s3://{bucket.name}"), "").run("ingest.flights")
