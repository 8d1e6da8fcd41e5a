"""Journals and the segments made of them: typed, whole, nothing twice, nothing lost that was written."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.contract.records import FORMAT, Layout, Prediction, prediction_layout
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.serve import journal as journals_module
from mlsystem_runtime.serve.journal import Journals, claimed, header_of
from mlsystem_runtime.serve.reading import joined, logged, predictions
from mlsystem_runtime.serve.recording import seal_closed
from mlsystem_runtime.serve.segments import seal

CLOCK_US = 1_388_188_800_000_000
HOUR_US = 3_600_000_000
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=9)
WHOLE, NUMBER = st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)
VALUES = {
    ColumnType.STRING: TEXT, ColumnType.INT: WHOLE, ColumnType.FLOAT: NUMBER, ColumnType.BOOL: st.booleans(),
    ColumnType.TIMESTAMP: st.integers(-(10**16), 10**16),
}
REQUEST = tuple(Column(f"{kind}", kind, True) for kind in ColumnType)
INPUTS = (Column("group.count", ColumnType.INT, True), Column("group.mean", ColumnType.FLOAT, True))
LAYOUT = Layout(FORMAT, (
    Column("at", ColumnType.TIMESTAMP), Column("request_id", ColumnType.STRING), Column("row", ColumnType.INT),
    Column("model", ColumnType.STRING), Column("version", ColumnType.INT), Column("release_serial", ColumnType.INT),
    Column("shares", ColumnType.STRING), Column("bucket", ColumnType.FLOAT),
), {"request": REQUEST, "input": INPUTS, "output": (Column("value", ColumnType.FLOAT, True),)})
RECORDS = st.builds(
    Prediction, at_us=st.integers(CLOCK_US, CLOCK_US + 3 * HOUR_US), request_id=TEXT, row=st.integers(0, 9),
    model=TEXT, version=st.integers(1, 9), release_serial=st.integers(1, 9), shares=TEXT, bucket=st.floats(0, 1),
    request=st.fixed_dictionaries({column.name: st.none() | VALUES[column.type] for column in REQUEST}),
    inputs=st.fixed_dictionaries({
        "group.count": st.none() | st.integers(0, 2**53) | st.integers(0, 2**53).map(float),
        "group.mean": st.none() | NUMBER,
    }),
    outputs=st.fixed_dictionaries({"value": st.none() | NUMBER}),
)
WRITER = """
import sys
from pathlib import Path
from mlsystem_runtime.contract.records import Prediction
from mlsystem_runtime.serve.journal import Journals
from mlsystem_runtime.serve.recording import seal_closed
from mlsystem_runtime.serve import segments
folder, process, first, header = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4].encode()
journals = Journals(folder, process)
journals.left()
seal_closed(journals)
for flush in range(10_000):
    for number in range(first + 20 * flush, first + 20 * (flush + 1)):
        journals.add(header, 1_388_188_800_000_000 + number * 100_000_000, Prediction(
            at_us=1_388_188_800_000_000 + number * 100_000_000, request_id=str(number), row=0, model="main", version=1,
            release_serial=1, shares="1:1.0", bucket=0.5, request={}, inputs={}, outputs={"value": number / 7}))
    assert journals.write(journals.take()) == 0
    print(first + 20 * (flush + 1), flush=True)
    if flush % 3 == 2:
        journals.close()
        seal_closed(journals)
"""


def record(number: int, at_us: int = CLOCK_US) -> Prediction:
    return Prediction(
        at_us=at_us, request_id=f"r{number}", row=0, model="main", version=1, release_serial=1, shares="1:1.0",
        bucket=0.5, request={}, inputs={}, outputs={"value": number / 7})


def folder_of(root: Path) -> Path:
    return root / "predictions" / "main"


def found(root: Path) -> list[str]:
    return [one.request_id for one in predictions(Workspace(str(root)), "main")]


@pytest.fixture
def journals(tmp_path: Path) -> Journals:
    return Journals(folder_of(tmp_path), "p1")


def write(journals: Journals, *records: Prediction) -> int:
    for one in records:
        assert journals.add(header_of(LAYOUT), one.at_us, one)
    return journals.write(journals.take())


def sealed(journals: Journals) -> int:
    journals.close()
    return seal_closed(journals)


@settings(max_examples=40, deadline=None)
@given(st.lists(RECORDS, max_size=20))
def test_a_segment_holds_what_was_logged_typed_and_so_does_the_journal_before(records: list[Prediction]) -> None:
    with tempfile.TemporaryDirectory() as root:
        journals = Journals(folder_of(Path(root)), "p1")
        write(journals, *records)

        before = predictions(Workspace(root), "main")
        assert sealed(journals) == 0
        after = predictions(Workspace(root), "main")

        assert before == after
        assert sorted(map(canonical_json, before)) == sorted(map(canonical_json, exact(records)))
        for path in folder_of(Path(root)).glob("*/*/*"):
            assert path.suffix == ".parquet"
            schema = pq.read_schema(path)
            assert schema.field("at").type == schema.field("request.timestamp").type == pa.timestamp("us", "UTC")
            assert schema.field("input.group.count").type == schema.field("request.int").type == pa.int64()


def exact(records: list[Prediction]) -> list[Prediction]:
    """With whole inputs as the signature says them."""
    def whole(one: Prediction) -> Prediction:
        count = one.inputs["group.count"]
        return msgspec.structs.replace(
            one, inputs={**one.inputs, "group.count": None if count is None else int(count)})

    return [whole(one) for one in records]


def test_a_segment_lies_in_the_folder_of_its_hour_and_each_version_has_its_own(
    journals: Journals, tmp_path: Path, card_of: object
) -> None:
    other = prediction_layout(card_of(2))  # type: ignore[operator]
    write(journals, record(1), record(2, CLOCK_US + HOUR_US))
    journals.add(header_of(other), CLOCK_US, msgspec.structs.replace(
        record(3), version=2, request={"carrier": "UA"}, inputs={"past.delay": 1.5}, outputs={"probability": 0.5}))
    journals.write(journals.take())
    sealed(journals)

    places = sorted(str(path.relative_to(folder_of(tmp_path))) for path in tmp_path.glob("predictions/main/*/*/*"))
    assert places == ["2013-12-28/00/p1.1.parquet", "2013-12-28/00/p1.3.parquet", "2013-12-28/01/p1.2.parquet"]
    rows = joined(Workspace(str(tmp_path)), "main", CLOCK_US, CLOCK_US + HOUR_US).to_pylist()
    assert [(row["version"], row["output.value"], row["input.past.delay"], row["outcome"]) for row in rows] == [
        (1, 1 / 7, None, None), (2, None, 1.5, None)]


def test_a_line_that_a_kill_cut_off_is_dropped_and_counted(journals: Journals, tmp_path: Path) -> None:
    write(journals, record(1), record(2))
    [path] = tmp_path.glob("predictions/main/*/*/*")
    path.write_bytes(path.read_bytes()[:-9])

    assert sealed(journals) == 1
    assert found(tmp_path) == ["r1"]


def test_a_journal_that_cannot_be_read_is_put_aside_and_said(
    journals: Journals, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(journals, record(1))
    [path] = tmp_path.glob("predictions/main/*/*/*")
    path.write_bytes(path.read_bytes().replace(b'"row":0', b'"row":"x"'))

    assert sealed(journals) == 1
    assert [one.suffix for one in path.parent.iterdir()] == [".damaged"]
    assert "p1.1.jsonl" in caplog.text
    assert found(tmp_path) == []


def test_an_empty_journal_becomes_no_segment(journals: Journals, tmp_path: Path) -> None:
    write(journals, record(1))
    [path] = tmp_path.glob("predictions/main/*/*/*")
    path.write_bytes(b"")

    assert sealed(journals) == 0
    assert list(path.parent.iterdir()) == []


def test_a_disk_that_fills_up_within_a_record_leaves_whole_records_only(journals: Journals, tmp_path: Path) -> None:
    write(journals, record(1))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    [path] = tmp_path.glob("predictions/main/*/*/*")
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, limits[1]))
        lost = write(journals, record(2), record(3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    write(journals, record(4))

    assert lost == 2
    assert found(tmp_path) == ["r1", "r4"]
    assert sealed(journals) == 0


def test_a_log_that_the_disk_refuses_is_counted_as_lost_and_leaves_no_files(
    journals: Journals, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
        lost = write(journals, record(1), record(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert lost == 2
    assert "2 records" in caplog.text
    assert list(tmp_path.glob("predictions/main/*/*/*")) == []


def test_what_is_not_written_does_not_grow_for_ever(journals: Journals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals_module, "MOST_WAITING", 10_000)

    taken = sum(journals.add(b"header", CLOCK_US, record(number)) for number in range(1000))
    waiting = sum(map(len, journals.take().values()))
    assert 10_000 <= waiting < 10_400
    assert taken < 100
    assert journals.add(b"header", CLOCK_US, record(1))


def test_the_next_process_seals_what_an_earlier_one_left_and_nothing_that_a_living_one_writes(tmp_path: Path) -> None:
    gone, living, next_one = (Journals(folder_of(tmp_path), name) for name in ("gone", "living", "next"))
    write(gone, record(1))
    gone.close()
    write(living, record(2))
    next_one.left()
    seal_closed(next_one)

    assert sorted(path.name for path in tmp_path.glob("predictions/main/*/*/*")) == ["gone.1.parquet", "living.1.jsonl"]
    write(living, record(3))
    sealed(living)
    assert found(tmp_path) == ["r1", "r2", "r3"]


def test_a_journal_is_sealed_by_one_process_only(journals: Journals, tmp_path: Path) -> None:
    write(journals, record(1))
    journals.close()
    [path] = tmp_path.glob("predictions/main/*/*/*")
    with claimed(path) as content:
        assert content is not None

        assert seal(path) is None
    assert seal(path) is not None
    assert seal(path) is None


def test_a_segment_whose_journal_is_still_there_is_read_once_and_made_again_the_same(
    journals: Journals, tmp_path: Path
) -> None:
    """As a kill between the two steps of sealing leaves them."""
    write(journals, record(1), record(2))
    [path] = tmp_path.glob("predictions/main/*/*/*")
    left = path.read_bytes()
    sealed(journals)
    segment = path.with_suffix(".parquet").read_bytes()
    path.write_bytes(left)

    assert found(tmp_path) == ["r1", "r2"]
    assert seal(path) is not None
    assert path.with_suffix(".parquet").read_bytes() == segment
    assert found(tmp_path) == ["r1", "r2"]


def test_a_folder_that_is_removed_meanwhile_is_made_again(journals: Journals, tmp_path: Path) -> None:
    write(journals, record(1))
    journals.prune(CLOCK_US + 9 * 24 * HOUR_US, timedelta(days=1))
    write(journals, record(2))
    sealed(journals)

    assert found(tmp_path) == ["r2"]


def test_records_are_read_by_the_hours_that_are_asked_for(journals: Journals, tmp_path: Path) -> None:
    write(journals, *(record(hour, CLOCK_US + hour * HOUR_US + 5) for hour in range(30)))
    sealed(journals)
    write(journals, record(30, CLOCK_US + 30 * HOUR_US))
    workspace = Workspace(str(tmp_path))

    rows = logged(workspace, "predictions", "main", CLOCK_US + 22 * HOUR_US, CLOCK_US + 26 * HOUR_US)
    assert sorted(rows["request_id"].to_pylist()) == ["r22", "r23", "r24", "r25", "r26"]
    exactly = joined(workspace, "main", CLOCK_US + 22 * HOUR_US + 5, CLOCK_US + 26 * HOUR_US + 5)
    assert exactly["request_id"].to_pylist() == ["r22", "r23", "r24", "r25"]
    assert len(logged(workspace, "predictions", "main")) == 31


@pytest.mark.slow
def test_processes_that_are_killed_at_any_moment_lose_nothing_that_was_written_and_leave_nothing_twice(
    tmp_path: Path,
) -> None:
    draw, written, first = random.Random(5), [], 0
    for life in range(8):
        arguments = [str(folder_of(tmp_path)), f"life-{life}", str(first), header_of(LAYOUT).decode()]
        writer = subprocess.Popen([sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        for _ in range(draw.randint(1, 40)):
            said = int(writer.stdout.readline())
        writer.kill()
        writer.communicate()
        written.append((first, said))
        first += 1_000_000
    last = Journals(folder_of(tmp_path), "last")
    last.left()
    assert seal_closed(last) == 0

    numbers = [int(one) for one in found(tmp_path)]
    assert len(numbers) == len(set(numbers))
    assert {number for start, end in written for number in range(start, end)} <= set(numbers)
    assert {path.suffix for path in tmp_path.glob("predictions/main/*/*/*")} == {".parquet"}
