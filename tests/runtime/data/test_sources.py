from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlsystem_runtime.contract.columns import ColumnType, Source
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.data.sources import READERS, read_source

MakeSource = Callable[..., Source]
CSV = 't,name,x,n,b,unused\n2013-01-01T00:00:00Z,a,1.5,7,true,?\n2013-01-01T05:00:00+05:00,"b,c",NA,,0,?\n'
COLUMNS = {"t": "timestamp", "name": "string", "x": "float?", "n": "int?", "b": "bool"}
ROWS = [
    {"t": 1356998400000000, "name": "a", "x": 1.5, "n": 7, "b": True},
    {"t": 1356998400000000, "name": "b,c", "x": None, "n": None, "b": False},
]


def rows_of(table: pa.Table) -> list[dict[str, object]]:
    return table.set_column(0, "t", table["t"].cast(pa.int64())).to_pylist()


def write(path: Path, kind: str) -> None:
    match kind:
        case "csv":
            path.write_text(CSV)
        case "csv.gz":
            path.write_bytes(gzip.compress(CSV.encode(), mtime=0))
        case "csv.zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("inner.csv", CSV)
        case "json":
            times = ["2013-01-01T00:00:00Z", "2013-01-01T05:00:00+05:00"]
            path.write_text(
                "".join(json.dumps(row | {"t": time}) + "\n" for row, time in zip(ROWS, times, strict=True))
            )
        case "array.json":
            path.write_text(json.dumps([row | {"t": "2013-01-01 00:00:00.000000000Z", "other": 1} for row in ROWS]))
        case _:
            pq.write_table(parquet_rows(), path)


def parquet_rows() -> pa.Table:
    return pa.table(
        {
            "t": pa.array([1356998400] * 2, pa.timestamp("s", "America/New_York")),
            "name": pa.array(["a", "b,c"]).dictionary_encode(),
            "x": pa.array([1.5, float("nan")], pa.float32()),
            "n": pa.array([7, None], pa.int16()),
            "b": [True, False],
        }
    )


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "csv.zip", "json", "parquet"])
def test_every_format_gives_the_same_typed_rows(kind: str, tmp_path: Path, make_source: MakeSource) -> None:
    write(tmp_path / f"rows.{kind}", kind)

    table = read_source(make_source(f"rows.{kind}", COLUMNS))

    assert rows_of(table) == ROWS
    assert table.schema.types == [pa.timestamp("us", "UTC"), pa.string(), pa.float64(), pa.int64(), pa.bool_()]


def test_json_may_be_one_array(tmp_path: Path, make_source: MakeSource) -> None:
    write(tmp_path / "rows.json", "array.json")

    assert rows_of(read_source(make_source("rows.json", COLUMNS))) == ROWS


def test_a_folder_of_parquet_is_read_in_the_order_of_its_paths(tmp_path: Path, make_source: MakeSource) -> None:
    for name in ("b", "a"):
        (tmp_path / "rows" / name).mkdir(parents=True)
        pq.write_table(
            pa.table({"t": pa.array([0], pa.timestamp("ns", "UTC")), "name": [name]}),
            tmp_path / f"rows/{name}/0.parquet",
        )

    table = read_source(make_source("rows", {"t": "timestamp", "name": "string"}))

    assert table["name"].to_pylist() == ["a", "b"]


def test_derived_columns_stand_behind_the_declared_ones(tmp_path: Path, make_source: MakeSource) -> None:
    write(tmp_path / "rows.csv", "csv")
    source = make_source("rows.csv", COLUMNS, derive=[("high", "x > 1", ColumnType.BOOL)])

    table = read_source(source)

    assert table.column_names == [*COLUMNS, "high"]
    assert table["high"].to_pylist() == [True, None]


def test_no_number_is_left_that_is_not_finite(tmp_path: Path, make_source: MakeSource) -> None:
    (tmp_path / "rows.csv").write_text(
        "t,x\n2013-01-01Z,1\n".replace("01Z", "01T00:00Z")
        + "2013-01-01T00:00Z,nan\n2013-01-01T00:00Z,-inf\n2013-01-01T00:00Z,-0.0\n"
    )

    values = read_source(make_source("rows.csv", {"t": "timestamp", "x": "float?"}))["x"].to_pylist()

    assert values == [1.0, None, None, 0.0]
    assert str(values[3]) == "0.0"


WRONG = [
    ({"t": "timestamp", "gone": "int"}, "t,x\n2013-01-01T00:00Z,1\n", "has no column 'gone'", "t, x"),
    (
        {"t": "timestamp", "x": "int"},
        "t,x\n2013-01-01T00:00Z,1\n2013-01-01T00:00Z,1.5\n",
        "'x': declared int, but: row 2: '1.5'",
        "declare x as string",
    ),
    (
        {"t": "timestamp", "x": "bool"},
        "t,x\n2013-01-01T00:00Z,yes\n",
        "'x': declared bool, but: row 1: 'yes'",
        "empty and NA mean null",
    ),
    (
        {"t": "timestamp", "x": "float"},
        "t,x\n2013-01-01T00:00Z,\n",
        "'x': 1 rows have no value: row 1: None",
        'x: "float?"',
    ),
    ({"t": "timestamp?"}, "t,x\n,1\n", "'t': 1 rows have no value: row 1", "every row needs its event time"),
    ({"t": "timestamp"}, "t\n2013-01-01T00:00Z\n01/02/2013\n", "'t': not a timestamp: row 2: '01/02/2013'", "ISO 8601"),
    (
        {"t": "timestamp"},
        "t\n2013-01-01 00:00\n",
        "'t': the timestamps carry no zone: row 1: '2013-01-01 00:00'",
        "sources.events.timezone",
    ),
    ({"t": "timestamp", "x": "int"}, "t,x\n2013-01-01T00:00Z\n", "not a readable CSV file", "correct that line"),
    ({"t": "timestamp", "x": "int"}, "t,x,x\n2013-01-01T00:00Z,1,2\n", "two columns named 'x'", "rename one"),
]


@pytest.mark.parametrize(("columns", "content", "message", "hint"), WRONG)
def test_a_wrong_csv_names_column_rows_and_remedy(
    columns: dict[str, str], content: str, message: str, hint: str, tmp_path: Path, make_source: MakeSource
) -> None:
    (tmp_path / "rows.csv").write_text(content)

    with pytest.raises(MlsystemError) as raised:
        read_source(make_source("rows.csv", columns))

    assert "source 'events'" in raised.value.message
    assert message in raised.value.message
    assert hint in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ("3", "int", "declared int, but: row 2: '3'"),
        (True, "float", "declared float, but: row 2: True"),
        (1356998400, "timestamp", "declared timestamp, but: row 2: 1356998400"),
        (2**70, "int", "out of the range of int: row 2"),
    ],
)
def test_json_values_are_not_converted(
    value: object, kind: str, message: str, tmp_path: Path, make_source: MakeSource
) -> None:
    rows = [{"t": "2013-01-01T00:00Z", "x": None}, {"t": "2013-01-01T00:00Z", "x": value}]
    (tmp_path / "rows.json").write_text(json.dumps(rows))

    with pytest.raises(MlsystemError, match=message):
        read_source(make_source("rows.json", {"t": "timestamp", "x": f"{kind}?"}))


@pytest.mark.parametrize(
    ("array", "kind", "message"),
    [
        (pa.array([0, 1]), "timestamp", "declared timestamp, but the data has int64: row 1: 0"),
        (pa.array([1.0, 2.5]), "int", "not an int: row 2: 2.5"),
        (pa.array([1, 2**53 + 1]), "float", "not a float: row 2"),
        (pa.array([1, 2**64 - 1], pa.uint64()), "int", "not an int: row 2"),
        (pa.array([1, 2]), "string", "declared string, but the data has int64"),
    ],
)
def test_parquet_types_must_fit_what_is_declared(
    array: pa.Array, kind: str, message: str, tmp_path: Path, make_source: MakeSource
) -> None:
    pq.write_table(pa.table({"t": pa.array([0, 0], pa.timestamp("us", "UTC")), "x": array}), tmp_path / "rows.parquet")

    with pytest.raises(MlsystemError, match=message):
        read_source(make_source("rows.parquet", {"t": "timestamp", "x": kind}))


def test_whole_floats_may_be_declared_int(tmp_path: Path, make_source: MakeSource) -> None:
    table = pa.table({"t": pa.array([0, 0], pa.timestamp("us", "UTC")), "x": [1.0, float("nan")]})
    pq.write_table(table, tmp_path / "rows.parquet")

    assert read_source(make_source("rows.parquet", {"t": "timestamp", "x": "int?"}))["x"].to_pylist() == [1, None]


def broken_parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"t": pa.array([0], pa.timestamp("us", "UTC"))}), sink)
    content = bytearray(sink.getvalue().to_pybytes())
    content[4:40] = bytes(36)
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.csv", "t,é\n2013-01-01,1\n".encode("latin-1"), "byte 0xe9 is not UTF-8: save the file as UTF-8"),
        ("rows.csv", "t\n2013-01-01\n".encode("utf-16"), "byte 0xff is not UTF-8"),
        ("rows.csv.gz", b"t\n2013-01-01\n", "Not a gzipped file"),
        ("rows.csv.gz", gzip.compress(CSV.encode(), mtime=0)[:40], "ended before the end-of-stream marker"),
        ("rows.csv.zip", b"t\n2013-01-01\n", "not a zip file"),
        ("rows.json", b'[{"t": "\xff"}]', "byte 0xff is not UTF-8"),
        ("rows.parquet", broken_parquet(), "rows.parquet cannot be read"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(
    name: str, content: bytes, message: str, tmp_path: Path, make_source: MakeSource
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(MlsystemError, match=message):
        read_source(make_source(name, {"t": "timestamp"}))


def test_a_file_that_may_not_be_read_says_so(
    tmp_path: Path, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.csv").write_text(CSV)

    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "rows.csv")

    monkeypatch.setitem(READERS, "csv", forbidden)

    with pytest.raises(MlsystemError, match=r"rows\.csv cannot be read: Permission denied"):
        read_source(make_source("rows.csv", {"t": "timestamp"}))


def test_a_missing_file_says_where_it_was_looked_for(make_source: MakeSource) -> None:
    with pytest.raises(MlsystemError, match=r"gone.csv does not exist \(looked in /"):
        read_source(make_source("gone.csv", {"t": "timestamp"}))
