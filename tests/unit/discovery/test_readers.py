"""Tables, records, workbooks and databases, whole and broken."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from tigertally.base.fields import FieldClass as F
from tigertally.discovery import Confidence, Finding, Inventory, Kind, ObjectReport, PlaceKind, Status
from tigertally.discovery.readers.dumps import DumpRows
from tigertally.testing import numbers, people

Scan = Callable[..., Inventory]


def report(inventory: Inventory) -> ObjectReport:
    """The only object's report."""
    (one,) = inventory.objects
    return one


def places(inventory: Inventory, *, possible: bool = False) -> dict[tuple[str | None, str | None, F], int]:
    """Counts by table, name and class."""
    return {
        (one.place.table, one.place.name, one.field): one.count
        for one in inventory.findings
        if possible or one.tier is not Confidence.POSSIBLE
    }


def test_a_csv_with_quotes_newlines_and_ragged_rows(scanned: Scan) -> None:
    text = (
        '客户编号,备注,卡号\n1,"两行\n文字,有逗号",4111111111111111\n2,"他说""好""",5555555555554444\n'
        "3,少一列 5105105105105100\n4,多,6011111111111117,四列\n5,x,4012888888881881\n" * 3
    )
    found = scanned({"a.csv": text})
    assert report(found).status is Status.SCANNED
    assert report(found).reason is not None
    counts = {key: value for key, value in places(found).items() if key[2] is F.PAN}
    assert counts[None, "卡号", F.PAN] == 9
    assert counts[None, None, F.PAN] == 6


def test_delimiters_and_dialects_are_told(scanned: Scan) -> None:
    for name, delimiter, kind in (("a.tsv", "\t", Kind.TSV), ("a.csv", ";", Kind.CSV), ("a.psv", "|", Kind.CSV)):
        rows = [f"id{delimiter}卡号"] + [f"{index}{delimiter}4111111111111111" for index in range(5)]
        one = next(one for one in scanned({name: "\n".join(rows)}).objects if one.path == name)
        assert one.kind is kind
        assert one.dialect is not None
        assert (one.dialect.delimiter, one.dialect.header, one.dialect.columns) == (delimiter, True, ("id", "卡号"))


def test_a_table_that_cannot_be_parsed_is_read_as_text(scanned: Scan) -> None:
    text = "id,卡号\n" + "1,4111111111111111\n" * 50 + '2,"never closed 5555555555554444\n' + "x" * 9_000_000
    found = scanned({"a.csv": text})
    assert (report(found).kind, report(found).status) == (Kind.CSV, Status.PARTLY)
    assert sum(one.count for one in found.findings if one.field is F.PAN) == 51
    assert {one.place.kind for one in found.findings} == {PlaceKind.TEXT}


def test_full_width_cells_count_as_cards(scanned: Scan) -> None:
    text = "id,卡号\n" + "1,４１１１１１１１１１１１１１１１\n" * 5
    assert places(scanned({"a.csv": text})) == {(None, "卡号", F.PAN): 5}


def test_keys_of_json_lines_are_columns(scanned: Scan, rng: np.random.Generator) -> None:
    cards, names = numbers.card_numbers(rng, 60), people.names(rng, 60)
    lines = [
        json.dumps(
            {"user": {"name": name, "tags": ["a", "b"]}, "cards": [{"pan": card, "cvv": "123", "n": 5}], "ok": True}
        )
        for card, name in zip(cards, names, strict=True)
    ]
    found = scanned({"a.jsonl": "\n".join(lines)})
    assert report(found).kind is Kind.JSONL
    assert places(found) == {
        (None, "user.name", F.NAME): 60,
        (None, "cards[].pan", F.PAN): 60,
        (None, "cards[].cvv", F.CVV): 60,
    }
    assert {one.place.kind for one in found.findings} == {PlaceKind.KEY}


def test_escaped_json_is_read_as_what_it_means(scanned: Scan) -> None:
    assert places(scanned({"a.json": json.dumps([{"msg": "卡号4111111111111111元"}] * 3)})) == {(None, "msg", F.PAN): 3}


def test_json_numbers_keep_their_digits(scanned: Scan) -> None:
    assert places(scanned({"a.json": '{"card_no": [6205500000000000004, 6205500000000000004]}'})) == {
        (None, "card_no[]", F.PAN): 2
    }


def test_keys_that_are_values_are_starred(scanned: Scan, rng: np.random.Generator) -> None:
    found = scanned({"a.json": json.dumps({"by": dict.fromkeys(numbers.national_ids(rng, 30), "x")})})
    (one,) = found.findings
    assert (one.place.name, one.field, one.count) == ("by.*", F.NATIONAL_ID, 30)


def test_lines_that_are_no_json_are_still_text(scanned: Scan) -> None:
    found = scanned({"a.jsonl": '{"a":1}\n' * 60 + "Traceback: card=4111111111111111\n"})
    assert report(found).status is Status.SCANNED
    assert report(found).reason is not None
    assert places(found) == {(None, None, F.PAN): 1}


@pytest.mark.parametrize(
    "text", ['{"card":"4111111111111111"', "[" * 5000 + '"card 4111111111111111"', '[{"card":"4111111111111111"},}']
)
def test_broken_json_is_read_as_text(scanned: Scan, text: str) -> None:
    found = scanned({"a.json": text})
    assert report(found).status is Status.PARTLY
    assert places(found)[None, None, F.PAN] == 1


def test_a_large_array_is_read_item_by_item(scanned: Scan) -> None:
    item = json.dumps({"card_no": "4111111111111111", "note": "x" * 900})
    count = 36_000
    found = scanned({"a.json": "[\n" + ",\n".join([item] * count) + "\n]\n"})
    assert report(found).status is Status.SCANNED
    assert places(found) == {(None, "card_no", F.PAN): count}


def workbook(rng: np.random.Generator) -> bytes:
    """Two sheets: refunds under a title, and cards destroyed by a spreadsheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "退款"
    sheet.append(["2026年退款明细"])
    sheet.append(["客户编号", "持卡人", "卡号", "金额", "日期"])
    for card, name in zip(numbers.card_numbers(rng, 40), people.names(rng, 40), strict=True):
        sheet.append([7, name, card, 12.5, "2026-01-31"])
    other = book.create_sheet("旧")
    other.append(["id", "card_no", "no16"])
    for index, card in enumerate(numbers.card_numbers(rng, 40)):
        other.append([index, float(card.ljust(19, "0")), 4111111111111111])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_a_workbook(scanned: Scan, rng: np.random.Generator) -> None:
    found = scanned({"a.xlsx": workbook(rng)})
    assert (report(found).kind, report(found).status) == (Kind.XLSX, Status.SCANNED)
    assert places(found) == {
        ("退款", "持卡人", F.NAME): 40,
        ("退款", "卡号", F.PAN): 40,
        ("旧", "card_no", F.PAN): 40,
        ("旧", "no16", F.PAN): 40,
    }
    damaged: list[Finding] = [one for one in found.findings if one.detail == "damaged"]
    assert [one.place.name for one in damaged] == ["card_no"]


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_truncated_workbook_fails_alone(scanned: Scan, rng: np.random.Generator, keep: float) -> None:
    data = workbook(rng)
    found = scanned({"a.xlsx": data[: int(len(data) * keep)], "b.txt": "card=4111111111111111"})
    status = {one.path: one.status for one in found.objects}
    assert status == {"a.xlsx": Status.FAILED, "b.txt": Status.SCANNED}


def database(path: Path, rng: np.random.Generator) -> None:
    """Customers with numbers as text and as integers, and text in another encoding."""
    cards, names = numbers.card_numbers(rng, 200), people.names(rng, 200)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            'CREATE TABLE "客户 ""表""" (id INTEGER PRIMARY KEY, name TEXT, card_no INTEGER, note BLOB, pwd TEXT)'
        )
        connection.executemany(
            'INSERT INTO "客户 ""表""" (name, card_no, note, pwd) VALUES (?, ?, ?, ?)',
            [
                (
                    name,
                    int(card),
                    "卡号4111111111111111元".encode("gb18030") if index % 50 == 0 else None,
                    f"pw-{index}",
                )
                for index, (name, card) in enumerate(zip(names, cards, strict=True))
            ],
        )
        connection.execute("CREATE TABLE empty (a)")
        connection.execute("CREATE VIEW v AS SELECT * FROM empty")
        connection.commit()


def test_a_database(scanned: Scan, tmp_path: Path, rng: np.random.Generator) -> None:
    (tmp_path / "estate").mkdir()
    database(tmp_path / "estate" / "a?b#.db", rng)
    found = scanned()
    assert (report(found).kind, report(found).status) == (Kind.SQLITE, Status.SCANNED)
    table = '客户 "表"'
    assert places(found) == {
        (table, "name", F.NAME): 200,
        (table, "card_no", F.PAN): 200,
        (table, "note", F.PAN): 4,
        (table, "pwd", F.PASSWORD): 200,
    }
    assert [path.name for path in (tmp_path / "estate").iterdir()] == ["a?b#.db"]


def test_a_damaged_database_fails_and_is_scanned_as_bytes(
    scanned: Scan, tmp_path: Path, rng: np.random.Generator
) -> None:
    database(tmp_path / "whole.db", rng)
    data = bytearray((tmp_path / "whole.db").read_bytes())
    data[100:] = data[100:].replace(b"CREATE", b"CRxATE")
    found = scanned({"a.db": bytes(data)})
    assert report(found).status is Status.FAILED
    assert sum(one.count for one in found.findings if one.field is F.PAN) >= 4


def test_a_write_ahead_log_makes_a_database_partly(scanned: Scan, tmp_path: Path) -> None:
    (tmp_path / "estate").mkdir()
    path = tmp_path / "estate" / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (card_no TEXT)")
        connection.execute("INSERT INTO t VALUES ('card 4111111111111111 end')")
        connection.commit()
        found = scanned()
    status = {one.path: one.status for one in found.objects}
    assert status["a.db"] is Status.PARTLY
    assert status["a.db-wal"] is Status.SCANNED
    assert "a.db-wal" in {one.object for one in found.findings}


def dump(rng: np.random.Generator, count: int) -> str:
    """A dump in three dialects: MySQL's many rows in one statement, one statement a row, PostgreSQL's COPY."""
    names, cards = people.names(rng, count), numbers.card_numbers(rng, count)
    rows = [f"({index},'{name}','pw\\'{index};x','(a), it''s {index}')" for index, name in enumerate(names)]
    single = [f"INSERT INTO codes (pan, cvv2) VALUES ('{card}', '{index:03d}');" for index, card in enumerate(cards)]
    copied = [f"{index}\t{name}\t\\N\ta{index}@example.com" for index, name in enumerate(names)]
    return "\n".join(
        [
            "-- MySQL dump 10.13",
            "CREATE TABLE IF NOT EXISTS `users` (\n `id` int NOT NULL,\n `real_name` varchar(9) DEFAULT '',",
            " `pwd` varchar(20), `note` text,\n PRIMARY KEY (`id`), KEY `k` (`real_name`)\n) ENGINE=InnoDB;",
            "INSERT INTO `users` VALUES " + ",".join(rows) + ";",
            *single,
            "COPY public.people (id, full_name, x, email) FROM stdin;",
            *copied,
            "\\.",
            "SELECT 1;",
        ]
    )


def dump_places(count: int) -> dict[tuple[str | None, str | None, F], int]:
    """What is in it."""
    return {
        ("users", "real_name", F.NAME): count,
        ("users", "pwd", F.PASSWORD): count,
        ("codes", "cvv2", F.CVV): count,
        ("people", "full_name", F.NAME): count,
        ("people", "email", F.EMAIL): count,
        (None, None, F.PAN): count,
    }


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_columns_of_a_dump(scanned: Scan, rng: np.random.Generator, encoding: str) -> None:
    found = scanned({"a.sql": dump(rng, 120).encode(encoding)})
    assert (report(found).kind, report(found).status) == (Kind.SQL, Status.SCANNED)
    assert places(found) == dump_places(120)


@pytest.mark.parametrize("size", [1, 7, 64, 1000, 10_000])
def test_a_dump_is_followed_from_window_to_window(rng: np.random.Generator, size: int) -> None:
    text = dump(rng, 40)
    rows = DumpRows(key=1)
    for start in range(0, len(text), size):
        rows.feed(text[start : start + size])
    found = {(one.place.table, one.place.name, one.field): one.count for one in rows.finish("a.sql")}
    assert found == {key: value for key, value in dump_places(40).items() if key[2] is not F.PAN}


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO t VALUES (1,'never",
        "INSERT INTO t VALUES " + "(" * 3000,
        "COPY t (a) FROM stdin;\n1",
        "CREATE TABLE t (",
    ],
)
def test_a_cut_dump_is_still_text(scanned: Scan, text: str) -> None:
    found = scanned({"a.sql": f"-- card=4111111111111111\n{text}"})
    assert places(found) == {(None, None, F.PAN): 1}
