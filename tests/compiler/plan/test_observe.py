"""The data of local sources is seen by its content."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from mlsystem.errors import MlsystemError
from mlsystem.plan.observe import Observer
from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.data.files import content_digest


def source(uri: str, name: str = "flights") -> Source:
    return Source(
        name=name, format="csv", uri=uri, time="t", timezone=None, available=None, known_at_time=(), key=(), columns=()
    )


def test_the_compiler_sees_the_same_digest_as_the_step_that_reads_the_file(tmp_path):
    (tmp_path / "a.csv").write_text("x")

    assert Observer(tmp_path).observe([source("a.csv")])[0].digest == content_digest([tmp_path / "a.csv"])


def test_a_folder_is_its_parquet_files_in_order(tmp_path):
    folder = tmp_path / "rows"
    (folder / "b").mkdir(parents=True)
    files = [folder / "a.parquet", folder / "b" / "1.parquet"]
    for file in files:
        file.write_text(file.name)
    (folder / "README.md").write_text("not data")

    assert Observer(tmp_path).observe([source("rows")])[0].digest == content_digest(files)


def test_a_remote_source_is_not_observed(tmp_path):
    assert Observer(tmp_path).observe([source("s3://bucket/rows")])[0].digest is None


def test_a_missing_file_names_source_and_path(tmp_path):
    with pytest.raises(MlsystemError, match=r"source 'flights' reads .*gone\.csv") as caught:
        Observer(tmp_path).observe([source("gone.csv")])

    assert caught.value.hint is not None
    assert "sources.flights.uri" in caught.value.hint


def test_an_unchanged_file_is_hashed_once(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    cache = tmp_path / "observed.json"
    Observer(tmp_path, cache).observe([source("a.csv")])
    before = Observer(tmp_path).observe([source("a.csv")])
    cache.write_text(cache.read_text().replace(hashlib.sha256(b"x").hexdigest(), "00" * 32))

    assert Observer(tmp_path, cache).observe([source("a.csv")]) != before


def test_a_file_that_was_rewritten_is_hashed_again(tmp_path):
    path, cache = tmp_path / "a.csv", tmp_path / "observed.json"
    path.write_text("x")
    before = Observer(tmp_path, cache).observe([source("a.csv")])
    path.write_text("y")
    os.utime(path, ns=(1, 1))

    assert Observer(tmp_path, cache).observe([source("a.csv")]) != before


def test_a_damaged_cache_only_costs_time(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "observed.json").write_text("{")

    assert Observer(tmp_path, tmp_path / "observed.json").observe([source("a.csv")])[0].digest is not None
    assert len(json.loads((tmp_path / "observed.json").read_text())) == 1
