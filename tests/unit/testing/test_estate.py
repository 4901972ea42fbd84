"""The generated estate is what it says: same seed same bytes, valid numbers, every value where the truth puts it."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import openpyxl
import pytest

from tigertally.base.fields import FieldClass
from tigertally.testing import Truth, build, papers

MOD_11_2_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return build(tmp_path_factory.mktemp("estate"), customers=400, seed=3)


def digest(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def luhn_ok(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return sum(digits[0::2]) % 10 == -sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2]) % 10


def rows_of(truth: Truth, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(truth.root / "orders.db")) as database:
        return database.execute(statement).fetchall()


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, truth: Truth) -> None:
    build(tmp_path / "again", customers=400, seed=3)
    build(tmp_path / "other", customers=400, seed=4)
    assert digest(tmp_path / "again") == digest(truth.root)
    assert digest(tmp_path / "other") != digest(truth.root)


def test_it_refuses_a_folder_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(FileExistsError):
        build(tmp_path, customers=100)


def test_card_numbers_are_luhn_valid_and_of_every_kind(truth: Truth) -> None:
    cards = truth.values(FieldClass.PAN)
    assert all(luhn_ok(card) for card in cards)
    assert {len(card) for card in cards} == {16, 19}
    assert {card[0] for card in cards} == {"2", "4", "5", "6"}
    assert set(truth.owners) <= cards
    assert truth.strangers == cards - set(truth.owners) != frozenset()


def test_national_ids_are_valid_by_mod_11_2(truth: Truth) -> None:
    for identity in truth.values(FieldClass.NATIONAL_ID):
        total = sum(int(digit) * weight for digit, weight in zip(identity[:17], MOD_11_2_WEIGHTS, strict=True))
        assert "10X98765432"[total % 11] == identity[17]


def test_the_database_holds_what_the_truth_says(truth: Truth) -> None:
    cards = [str(value) for (value,) in rows_of(truth, "SELECT card_no FROM cards")]
    paid = rows_of(truth, "SELECT card_no, typeof(card_no) FROM orders WHERE card_no IS NOT NULL")
    assert {kind for _, kind in paid} == {"integer"}
    assert len(cards) + len(paid) == truth.count(FieldClass.PAN, object="orders.db")
    assert {*cards, *(str(value) for value, _ in paid)} == truth.values(FieldClass.PAN, object="orders.db")
    owners = {str(card): str(owner) for card, owner in rows_of(truth, "SELECT card_no, customer_no FROM cards")}
    assert owners == dict(truth.owners)


def test_the_export_is_gb18030_and_joins_by_customer_number(truth: Truth) -> None:
    text = (truth.root / "crm/客户导出.csv").read_bytes().decode("gb18030")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    ours = {row["客户编号"]: (row["姓名"], row["身份证号"], row["手机号"]) for row in rows}
    theirs = {
        key: rest for key, *rest in rows_of(truth, "SELECT customer_no, name, national_id, mobile FROM customers")
    }
    assert {key: list(value) for key, value in ours.items()} == theirs
    leaked = [card for card in truth.values(FieldClass.PAN, object="crm/客户导出.csv") if f"卡号{card}尾款" in text]
    assert len(leaked) == truth.count(FieldClass.PAN, object="crm/客户导出.csv") > 0


def test_the_workbook_has_two_sheets_with_cards_as_text(truth: Truth) -> None:
    book = openpyxl.load_workbook(truth.root / "finance/退款.xlsx", read_only=True)
    cards = [row[2] for sheet in book for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert len(book.sheetnames) == 2
    assert all(isinstance(card, str) for card in cards)
    assert frozenset(cards) == truth.values(FieldClass.PAN, object="finance/退款.xlsx")
    book.close()


def test_logs_and_notes_leak_every_counted_card(truth: Truth) -> None:
    for path in (papers.LOG_PLAIN, papers.LOG_JSON, papers.LOG_MIXED, papers.LOG_GZIP, papers.NOTES, papers.MINUTES):
        data = (truth.root / path).read_bytes()
        data = gzip.decompress(data) if path.endswith(".gz") else data
        text = data.decode("utf-16" if path == papers.MINUTES else "utf-8")
        squeezed = text.replace(" ", "").replace("-", "")
        assert all(card in squeezed for card in truth.values(FieldClass.PAN, object=path))
        assert truth.count(FieldClass.PAN, object=path) >= 3
    assert truth.count(FieldClass.CVV) > 0


def test_the_backup_holds_a_backup(truth: Truth) -> None:
    with zipfile.ZipFile(truth.root / papers.BACKUP) as outer:
        dump = outer.read("members.sql").decode()
        with zipfile.ZipFile(io.BytesIO(outer.read("2022/older.zip"))) as inner:
            older = inner.read("补单.txt").decode("gb18030")
    assert all(f"'{card}'" in dump for card in truth.values(FieldClass.PAN, object=papers.DUMP))
    assert all(f"卡号{card}金额" in older for card in truth.values(FieldClass.PAN, object=papers.INNER_NOTE))


def test_decoys_are_no_values(truth: Truth) -> None:
    assert truth.decoys
    assert not truth.decoys & truth.values(FieldClass.PAN)
    assert not truth.decoys & truth.values(FieldClass.NATIONAL_ID)


def test_values_do_not_show_in_a_repr(truth: Truth) -> None:
    shown = repr(truth)
    assert not any(card in shown for card in truth.values(FieldClass.PAN))
    assert not any(name in shown for name in truth.values(FieldClass.NAME))
