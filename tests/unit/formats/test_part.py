"""Parts: columns in, Parquet out, and back; hostile Parquet is in tests/vectors/part."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.vectors import world

from tigertally.formats import part, record
from tigertally.formats.errors import Malformed
from tigertally.formats.part import PartColumns, commitments, counts, read_part, write_part

ROWS = world.rows(world.subjects())


def test_there_and_back() -> None:
    again = read_part(write_part(ROWS), subjects=6)
    assert again == ROWS
    assert again.starts() == [0, 3, 6, 9, 12, 15]


def test_the_file_is_as_documented() -> None:
    file = pq.ParquetFile(pa.BufferReader(write_part(ROWS)))
    assert file.schema_arrow.equals(part.schema(), check_metadata=True)
    assert [file.schema.column(at).max_definition_level for at in range(6)] == [0] * 6
    group = file.metadata.row_group(0)
    assert {group.column(at).compression for at in range(6)} == {"ZSTD"}
    # statistics would repeat the smallest and largest value of each column
    assert not any(group.column(at).is_stats_set for at in range(6))


def test_commitments_are_those_of_the_records() -> None:
    made = commitments(ROWS)
    for at, name in enumerate(world.subjects()):
        rows = range(at * 3, at * 3 + 3)
        fields = [
            record.Field(ROWS.code[r], ROWS.slot[r], ROWS.value[r].encode(), ROWS.token[r].encode()) for r in rows
        ]
        assert made[at] == record.commit(ROWS.salt[at * 3], record.encode(name.encode(), fields))


def test_counts() -> None:
    assert counts(ROWS) == {"pan": 6, "mobile": 6, "name": 6}


def test_it_does_not_print_values() -> None:
    assert repr(ROWS) == "<part of 18 rows>"


def column(name: str, at: int, value: object) -> PartColumns:
    values = list(getattr(ROWS, name))
    values[at] = value
    return replace(ROWS, **{name: values})


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("code", 0, 128),
        ("code", 0, 129),
        ("code", 0, 130),
        ("code", 0, 131),
        ("code", 0, 0),
        ("code", 1, 1),
        ("slot", 0, 256),
        ("slot", 0, -1),
        ("salt", 0, b""),
        ("salt", 1, bytes(16)),
        ("subject", 0, "customer 1"),
        ("subject", 17, "sub_"),
        ("subject", 17, "sub_" + "z" * 26),
        ("value", 0, ""),
        ("value", 0, "x" * 1025),
        ("value", 0, "\ud800"),
        ("token", 0, "x" * 129),
        ("token", 0, "\ud800"),
    ],
)
def test_a_writer_makes_nothing_that_a_reader_would_refuse(name: str, at: int, value: object) -> None:
    with pytest.raises(Malformed) as caught:
        write_part(column(name, at, value))
    assert caught.value.__cause__ is None


def test_empty_and_uneven_columns() -> None:
    empty = PartColumns(subject=[], salt=[], code=[], slot=[], value=[], token=[])
    assert empty.starts() == []
    for columns in (empty, replace(ROWS, token=ROWS.token[:-1])):
        with pytest.raises(Malformed):
            write_part(columns)


def test_too_many_fields_of_one_subject() -> None:
    name = world.subjects()[0]
    rows = part.FIELDS_MAX + 1
    columns = PartColumns(
        subject=[name] * rows,
        salt=[bytes(16)] * rows,
        code=[1] * rows,
        slot=list(range(rows)),
        value=["1"] * rows,
        token=[""] * rows,
    )
    with pytest.raises(Malformed):
        write_part(columns)


@pytest.mark.parametrize("subjects", [0, 5, 7, 16_385, -1])
def test_the_manifests_number_is_held_to(subjects: int) -> None:
    with pytest.raises(Malformed):
        read_part(write_part(ROWS), subjects=subjects)


def test_the_rest_of_the_floor_runs_without_pyarrow() -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import tigertally.formats.verify, tigertally.formats.part\n"
        "sys.exit('sqlalchemy' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_pages_become_counts_and_not_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    name, rows = world.subjects()[0], 64
    columns = PartColumns(
        subject=[name] * rows,
        salt=[bytes(16)] * rows,
        code=[8] * rows,
        slot=list(range(rows)),
        value=["x" * 1000] * rows,
        token=[""] * rows,
    )
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table([columns.arrow(field) for field in part.schema().names], schema=part.schema()),
        sink,
        use_dictionary=True,
        write_statistics=False,
        store_schema=False,
    )
    data = sink.getvalue().to_pybytes()
    assert read_part(data, subjects=1) == columns
    monkeypatch.setattr(part, "CONTENT_BYTES_MAX", 32_000)
    with pytest.raises(Malformed) as caught:
        read_part(data, subjects=1)
    assert caught.value.details["where"] == "size"


def test_a_part_that_no_reader_would_take_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "CONTENT_BYTES_MAX", 1_000)
    with pytest.raises(Malformed) as caught:
        write_part(ROWS)
    assert caught.value.details["where"] == "size"
