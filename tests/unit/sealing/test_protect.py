"""The protected copy of a whole estate: nothing clear in it, joins as they were, killed anywhere it goes on."""

from __future__ import annotations

import csv
import fcntl
import gzip
import hashlib
import io
import os
import re
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import openpyxl
import pytest
from openpyxl.comments import Comment
from tests.leaks.unpacked import unpacked
from tests.unit.sealing.counterparts import Estate, Tokens, survey

from tigertally.base.fields import FieldClass
from tigertally.base.text import Lang
from tigertally.discovery import Confidence, Status
from tigertally.sealing import (
    Action,
    CopyBroken,
    CopyBusy,
    CopyExists,
    CopyInsideEstate,
    Plan,
    PlanIncomplete,
    PlanNotValid,
    ProtectReport,
    check,
    propose,
    protect,
)
from tigertally.sealing.copyreport import parse_made
from tigertally.sealing.rewriters import delimited
from tigertally.testing import papers
from tigertally.testing.numbers import card_numbers

STATE = ".tigertally"


@pytest.fixture(scope="module")
def copied(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ProtectReport]:
    out = tmp_path_factory.mktemp("copy") / "copy"
    return out, protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=estate.tokens())


def files(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """Yield every reading of every byte string in the copy."""
    for path in root.rglob("*"):
        if path.is_file():
            whole = path.read_bytes()
            for name, data in ((path.name, whole), *unpacked(whole)):
                for encoding in ("utf-8", "gb18030", "utf-16-le"):
                    yield name, data.decode(encoding, "replace")


def test_the_estate_itself_is_full_of_values(estate: Estate) -> None:
    found = {card for _, text in texts(estate.root) for card in re.findall(r"\d{16,19}", text)}
    assert len(found & estate.truth.values(FieldClass.PAN)) > 300


def test_no_byte_of_a_value_is_left(estate: Estate, copied: tuple[Path, ProtectReport]) -> None:
    secret = {
        value
        for cls in (
            FieldClass.PAN,
            FieldClass.NATIONAL_ID,
            FieldClass.MOBILE,
            FieldClass.EMAIL,
            FieldClass.PASSWORD_HASH,
        )
        for value in estate.truth.values(cls)
    }
    for name, text in texts(copied[0]):
        for form in (text, re.sub(r"(?<=\d)[ -](?=\d)", "", text)):
            runs = set(re.findall(r"\d{17}[\dX]|\d{11,19}|[\w.]+@[\w.]+|[\w$./]{32,}", form))
            assert not runs & secret, name
    packed = (copied[0] / "orders.db").read_bytes()
    assert not any(int(card).to_bytes(8, "big") in packed for card in estate.truth.values(FieldClass.PAN))


def test_clear_passwords_and_names_of_columns_are_gone(estate: Estate, copied: tuple[Path, ProtectReport]) -> None:
    text = (copied[0] / "passwords-old.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == estate.truth.password_accounts
    assert {row["password"] for row in rows} == {""}
    names = estate.truth.values(FieldClass.NAME)
    assert not any(row["name"] in names for row in rows)
    with zipfile.ZipFile(copied[0] / papers.BACKUP) as archive:
        dump = archive.read("members.sql").decode()
    assert not any(f"'{name}'" in dump for name in names)


def test_a_scan_of_the_copy_finds_no_card_and_no_code(copied: tuple[Path, ProtectReport]) -> None:
    inventory = survey(copied[0])
    assert {report.status for report in inventory.objects} == {Status.SCANNED}
    classes = {finding.field for finding in inventory.findings}
    assert not classes & {
        FieldClass.PAN, FieldClass.CVV, FieldClass.NATIONAL_ID, FieldClass.MOBILE, FieldClass.EMAIL, FieldClass.IBAN,
        FieldClass.TRACK,
    }  # fmt: skip


def joins(root: Path) -> dict[tuple[str, str], list[str]]:
    """Return for each place its column of values in file order: cards and customers of all tables."""
    found: dict[tuple[str, str], list[str]] = {}
    with closing(sqlite3.connect(f"{(root / 'orders.db').as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        for table, column in (
            ("cards", "card_no"),
            ("orders", "card_no"),
            ("customers", "mobile"),
            ("customers", "national_id"),
        ):
            rows = database.execute(f"SELECT {column} FROM {table} ORDER BY rowid")
            found[table, column] = [str(value) for (value,) in rows]
    text = (root / "crm/客户导出.csv").read_bytes().decode("gb18030")
    rows_of = list(csv.DictReader(io.StringIO(text, newline="")))
    for column in ("手机号", "身份证号", "姓名"):
        found["crm", column] = [row[column] for row in rows_of]
    book = openpyxl.load_workbook(root / "finance/退款.xlsx", read_only=True)
    found["xlsx", "卡号"] = [str(row[2]) for sheet in book for row in sheet.iter_rows(min_row=2, values_only=True)]
    found["xlsx", "持卡人"] = [str(row[1]) for sheet in book for row in sheet.iter_rows(min_row=2, values_only=True)]
    book.close()
    lines = (root / "api/bindings.jsonl").read_text(encoding="utf-8")
    found["jsonl", "no"] = re.findall(r'"no": "(\d+)"', lines)
    with zipfile.ZipFile(root / papers.BACKUP) as archive:
        dump = archive.read("members.sql").decode()
    found["sql", "card"] = re.findall(r",'(\d{16,19})'\)", dump)
    found["sql", "name"] = re.findall(r"\('YS\d+','([^']*)'", dump)
    return found


def test_the_same_value_has_the_same_token_everywhere_and_no_other(
    estate: Estate, copied: tuple[Path, ProtectReport]
) -> None:
    before, after = joins(estate.root), joins(copied[0])
    assert {place: len(column) for place, column in before.items()} == {
        place: len(column) for place, column in after.items()
    }
    there: dict[str, set[str]] = defaultdict(set)
    back: dict[str, set[str]] = defaultdict(set)
    for place, column in before.items():
        assert len(column) >= 20, place
        for value, token in zip(column, after[place], strict=True):
            there[value].add(token)
            back[token].add(value)
    assert {len(tokens) for tokens in there.values()} == {1}
    assert {len(values) for values in back.values()} == {1}
    assert sum(value == token for value, (token,) in there.items()) <= 1  # only the absent one


def test_formats_stay_what_they_were(estate: Estate, copied: tuple[Path, ProtectReport]) -> None:
    out = copied[0]
    assert sorted(files(out)) == sorted([*files(estate.root), f"{STATE}/copy.json"])
    assert (out / "passwords-old.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert (out / papers.MINUTES).read_bytes().startswith(b"\xff\xfe")
    assert "客户编号" in (out / "crm/客户导出.csv").read_bytes().decode("gb18030")
    old, new = ((root / papers.LOG_PLAIN).read_text(encoding="utf-8") for root in (estate.root, out))
    assert [len(line) for line in old.splitlines() if "cvv" not in line] == [
        len(line) for line in new.splitlines() if "cvv" not in line
    ]
    with closing(sqlite3.connect(out / "orders.db")) as database:
        assert database.execute("SELECT DISTINCT typeof(card_no) FROM orders WHERE card_no NOT NULL").fetchall() == [
            ("integer",)
        ]
    with zipfile.ZipFile(out / papers.BACKUP) as new_zip, zipfile.ZipFile(estate.root / papers.BACKUP) as old_zip:
        assert new_zip.namelist() == old_zip.namelist()
        assert new_zip.read("说明.txt") == old_zip.read("说明.txt")
        assert new_zip.testzip() is None


def test_decoys_stay_where_they_were(estate: Estate, copied: tuple[Path, ProtectReport]) -> None:
    def numbers(root: Path) -> set[str]:
        return {number for _, text in texts(root) for number in re.findall(r"\d{12,19}", text)}

    decoys = {decoy for decoy in estate.truth.decoys if decoy.isdigit()} & numbers(estate.root)
    assert len(decoys) > 1000
    assert len(decoys - numbers(copied[0])) <= len(decoys) // 1000


def test_the_report_counts_what_was_done(estate: Estate, copied: tuple[Path, ProtectReport]) -> None:
    report = copied[1]
    totals = {count.cls: count for count in report.totals()}
    for cls in (FieldClass.PAN, FieldClass.NATIONAL_ID, FieldClass.MOBILE, FieldClass.NAME, FieldClass.EMAIL):
        assert (totals[cls].sealed, totals[cls].unknown) == (estate.truth.count(cls), 0)
    assert totals[FieldClass.CVV].purged == estate.truth.count(FieldClass.CVV)
    assert totals[FieldClass.PASSWORD].purged == estate.truth.password_accounts
    assert report.left_out == ()


def test_running_again_changes_nothing_and_asks_nothing(estate: Estate, copied: tuple[Path, ProtectReport]) -> None:
    out, first = copied
    before = {path: (digest, (out / path).stat().st_mtime_ns) for path, digest in files(out).items()}
    tokens = estate.tokens()
    assert protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=tokens) == first
    assert tokens.asked == []
    assert {path: (digest, (out / path).stat().st_mtime_ns) for path, digest in files(out).items()} == before


class PowerCut(BaseException):
    """The machine stops."""


class Failing(Tokens):
    """Tokens whose giver dies after some calls."""

    def __init__(self, estate: Estate, calls: int) -> None:
        super().__init__(known=estate.tokens().known)
        self.calls = calls

    def __call__(self, cls: FieldClass, values: list[str]) -> Sequence[str | None]:
        self.calls -= 1
        if self.calls < 0:
            raise PowerCut
        return super().__call__(cls, values)


def test_stopped_anywhere_the_next_run_goes_on(
    estate: Estate, copied: tuple[Path, ProtectReport], tmp_path: Path
) -> None:
    out = tmp_path / "copy"
    stops = 0
    report = None
    for calls in range(1, 200):
        try:
            report = protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=Failing(estate, calls))
        except PowerCut:
            stops += 1
            assert not out.exists()
            continue
        break
    assert stops > 3
    assert report == copied[1]
    assert files(out) == files(copied[0])
    assert not out.with_name("copy.partial").exists()


CHILD = r"""
import os, signal, sys
from pathlib import Path
from tests.unit.sealing.counterparts import Tokens, survey
from tigertally.sealing import propose, protect
root, out, calls = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
class Killed(Tokens):
    def __call__(self, cls, values):
        global calls
        calls -= 1
        if calls == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(cls, values)
inventory = survey(root)
known = frozenset(Path(sys.argv[4]).read_text(encoding="utf-8").split("\n"))
protect(propose(inventory, root), root, out, inventory=inventory, tokens=Killed(known=known))
"""


def test_killed_for_real_nothing_clear_is_left_behind(
    estate: Estate, copied: tuple[Path, ProtectReport], tmp_path: Path
) -> None:
    out = tmp_path / "copy"
    (tmp_path / "known").write_text("\n".join(estate.tokens().known or ()), encoding="utf-8")
    for calls in (4, 30):
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(estate.root), str(out), str(calls), str(tmp_path / "known")],
            check=False,
            env=dict(os.environ),
        )
        assert done.returncode == -signal.SIGKILL
        partial = out.with_name("copy.partial")
        cards = estate.truth.values(FieldClass.PAN)
        assert not any(card in cards for _, text in texts(partial) for card in re.findall(r"\d{16,19}", text))
    report = protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=estate.tokens())
    assert report == copied[1]
    assert files(out) == files(copied[0])


def test_another_run_is_waited_for_and_named(estate: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "copy"
    with pytest.raises(PowerCut):
        protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=Failing(estate, 3))
    monkeypatch.setattr(sys.modules["tigertally.sealing.protect"], "LOCK_WAIT_S", 0.2)
    held = os.open(tmp_path / "copy.partial/.tigertally", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(CopyBusy):
        protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=estate.tokens())
    os.close(held)
    protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=estate.tokens())


def test_stopped_before_the_last_rename(estate: Estate, copied: tuple[Path, ProtectReport], tmp_path: Path) -> None:
    out = tmp_path / "copy"
    protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=estate.tokens())
    out.rename(tmp_path / "copy.partial")
    tokens = estate.tokens()
    assert protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=tokens) == copied[1]
    assert tokens.asked == []


def test_a_finished_file_that_was_cut_is_noticed(estate: Estate, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    with pytest.raises(PowerCut):
        protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=Failing(estate, 30))
    partial = tmp_path / "copy.partial"
    # A helper may have died between a file's name and its mark: only what is marked is finished.
    marked = [parse_made(mark.read_bytes()).copied for mark in (partial / STATE).glob("*.done")]
    largest = max((one for one in marked if one is not None), key=lambda one: one.size)
    with (partial / largest.path).open("r+b") as file:
        file.truncate(100)
    with pytest.raises(CopyBroken):
        protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=estate.tokens())


def test_another_plan_begins_anew_but_never_over_a_finished_copy(
    estate: Estate, copied: tuple[Path, ProtectReport], tmp_path: Path
) -> None:
    out = tmp_path / "copy"
    with pytest.raises(PowerCut):
        protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=Failing(estate, 30))
    first = estate.plan.sources[0]
    purged = replace(first, fields=tuple(replace(one, action=Action.PURGE) for one in first.fields))
    other = Plan(sources=(purged, *estate.plan.sources[1:]))
    report = protect(other, estate.root, out, inventory=estate.inventory, tokens=estate.tokens())
    assert report.plan_digest != copied[1].plan_digest
    with pytest.raises(CopyExists):
        protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=estate.tokens())
    (tmp_path / "mine").mkdir()
    with pytest.raises(CopyExists):
        protect(estate.plan, estate.root, tmp_path / "mine", inventory=estate.inventory, tokens=estate.tokens())
    (tmp_path / "new.partial").mkdir()
    (tmp_path / "new.partial/mine.txt").touch()
    with pytest.raises(CopyExists):
        protect(estate.plan, estate.root, tmp_path / "new", inventory=estate.inventory, tokens=estate.tokens())


def test_the_copy_may_not_lie_in_the_estate(estate: Estate) -> None:
    for out in (estate.root / "copy", estate.root, estate.root.parent):
        with pytest.raises(CopyInsideEstate):
            protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=estate.tokens())


def test_a_plan_that_leaves_findings_open_is_refused(estate: Estate, tmp_path: Path) -> None:
    plan = Plan(sources=estate.plan.sources[1:])
    with pytest.raises(PlanIncomplete) as caught:
        protect(plan, estate.root, tmp_path / "copy", inventory=estate.inventory, tokens=estate.tokens())
    assert any("cards" in one.say(Lang.ZH) for one in caught.value.mistakes)
    broken = replace(estate.plan.sources[0], object="../x")
    with pytest.raises(PlanNotValid):
        protect(
            Plan(sources=(broken,)), estate.root, tmp_path / "copy", inventory=estate.inventory, tokens=estate.tokens()
        )
    assert list(tmp_path.iterdir()) == []


def test_not_known_is_not_copied(tmp_path: Path) -> None:
    root, out = tmp_path / "estate", tmp_path / "copy"
    root.mkdir()
    (root / "clean.txt").write_text("nothing here\n", encoding="utf-8")
    (root / "leak.txt").write_text("卡号4111111111111111金额\n", encoding="utf-8")
    (root / "grown.txt").write_text("short\n", encoding="utf-8")
    (root / "cut.gz").write_bytes(gzip.compress(b"x" * 5000)[:-20])
    (root / "link.txt").symlink_to(root / "leak.txt")
    (root / "picture.bin").write_bytes(b"\x00\x01 4111111111111111 \x00" * 40)
    with zipfile.ZipFile(root / "mixed.zip", "w") as archive:
        archive.writestr("good.txt", "fine\n")
        archive.writestr("bad.gz", gzip.compress(b"y" * 5000)[:-20])
    inventory = survey(root)
    plan = propose(inventory, root)
    (root / "grown.txt").write_text("卡号4111111111111111 came after the scan\n", encoding="utf-8")
    (root / "late.txt").write_text("卡号4111111111111111\n", encoding="utf-8")
    report = protect(plan, root, out, inventory=inventory, tokens=Tokens())
    assert {one.path for one in report.left_out} >= {
        "grown.txt", "cut.gz", "link.txt", "picture.bin", "late.txt", "mixed.zip!/bad.gz",
    }  # fmt: skip
    assert all(one.reason.zh and one.reason.en for one in report.left_out)
    assert sorted(files(out)) == [f"{STATE}/copy.json", "clean.txt", "leak.txt", "mixed.zip"]
    assert (out / "clean.txt").read_bytes() == (root / "clean.txt").read_bytes()
    with zipfile.ZipFile(out / "mixed.zip") as archive:
        assert archive.namelist() == ["good.txt"]
    assert {one.path: one.rewritten for one in report.objects} == {
        "clean.txt": False, "leak.txt": True, "mixed.zip": True,
    }  # fmt: skip


def test_a_value_the_vault_does_not_know_leaves_nothing(estate: Estate, tmp_path: Path) -> None:
    unknown = set(estate.truth.values(FieldClass.PAN))
    out = tmp_path / "copy"
    report = protect(estate.plan, estate.root, out, inventory=estate.inventory, tokens=Tokens(known=frozenset()))
    totals = {count.cls: count for count in report.totals()}
    assert totals[FieldClass.PAN].unknown == estate.truth.count(FieldClass.PAN)
    for name, text in texts(out):
        assert not unknown & set(re.findall(r"\d{16,19}", text)), name


def test_check_finds_what_does_not_fit_the_estate(estate: Estate) -> None:
    assert [one for one in check(estate.plan, estate.root, estate.inventory) if one.grave] == []
    first = estate.plan.sources[0]
    wrong = replace(first, fields=(replace(first.fields[0], name="no_such"), *first.fields[1:]), line=7)
    gone = replace(estate.plan.sources[3], object="gone.csv", line=9)
    other = replace(estate.plan.sources[4], subject="nobody")
    plan = Plan(sources=(wrong, gone, other))
    told = [(one.line, one.say(Lang.EN)) for one in check(plan, estate.root, estate.inventory) if one.grave]
    assert (0, "orders.db has no column or key called no_such") in [(0, said) for _, said in told]
    assert any("gone.csv is not there" in said for _, said in told)
    assert any("gone.csv is not in the inventory" in said for _, said in told)
    assert any("called nobody" in said for _, said in told)
    assert any("does not answer for" in said and line == 0 for line, said in told)
    assert [line for line, _ in told if line] == sorted(line for line, _ in told if line)


def small_estate(root: Path, **files: bytes) -> None:
    root.mkdir()
    for name, data in files.items():
        (root / name.replace("__", ".")).write_bytes(data)


def csv_of(header: str, *rows: str) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def test_what_still_shows_values_after_rewriting_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, out = tmp_path / "estate", tmp_path / "copy"
    numbers = card_numbers(np.random.default_rng(8), 50)
    small_estate(
        root,
        cards__csv=csv_of("customer_no,card_no", *(f"C{at:04d},{number}" for at, number in enumerate(numbers))),
        app__log=f"paid with card {numbers[0]}\n".encode(),
    )
    inventory = survey(root)
    plan = propose(inventory, root)

    def copied_as_it_is(stream: BinaryIO, target: BinaryIO, *_: object, **__: object) -> None:
        target.write(stream.read())

    monkeypatch.setattr(delimited, "rewrite", copied_as_it_is)  # a rewriter that understands nothing
    report = protect(plan, root, out, inventory=inventory, tokens=Tokens())
    assert [one.path for one in report.left_out] == ["cards.csv"]
    assert sorted(files(out)) == [f"{STATE}/copy.json", "app.log"]


def test_what_a_person_keeps_is_no_leak(tmp_path: Path) -> None:
    root, out = tmp_path / "estate", tmp_path / "copy"
    rows = (f"C{at:04d},li.wei{at}@example.com,1" for at in range(50))
    small_estate(root, people__csv=csv_of("customer_no,email,n", *rows))
    inventory = survey(root)
    inventory = replace(inventory, findings=tuple(replace(one, tier=Confidence.LIKELY) for one in inventory.findings))
    (source,) = propose(inventory, root).sources
    kept = replace(source, fields=tuple(replace(one, action=Action.KEEP) for one in source.fields))
    report = protect(Plan(sources=(kept,)), root, out, inventory=inventory, tokens=Tokens())
    assert report.left_out == ()
    assert (out / "people.csv").read_bytes() == (root / "people.csv").read_bytes()


def test_a_planned_column_that_is_not_there_stops_the_copy(estate: Estate, tmp_path: Path) -> None:
    first = estate.plan.sources[0]
    more = replace(first.fields[0], name="no_such")
    plan = Plan(sources=(replace(first, fields=(*first.fields, more)), *estate.plan.sources[1:]))
    with pytest.raises(PlanNotValid):
        protect(plan, estate.root, tmp_path / "copy", inventory=estate.inventory, tokens=estate.tokens())
    assert list(tmp_path.iterdir()) == []


def test_names_that_hold_values_are_starred_and_stop_nothing(tmp_path: Path) -> None:
    root, out = tmp_path / "estate", tmp_path / "copy"
    card = "4111111111111111"
    small_estate(root, app__log=f"card {card}\n".encode())
    (root / f"refund-{card}.txt").write_text(f"card {card}\n")
    with zipfile.ZipFile(root / "old.zip", "w") as archive:
        archive.writestr(f"refund-{card}.txt", f"card {card}\n")
        archive.writestr("other.txt", f"card {card}\n")
    inventory = survey(root)
    plan = propose(inventory, root)
    (root / f"late-{card}.txt").write_text("x")
    told = [one for one in check(plan, root, inventory) if "holds a customer's value" in one.say(Lang.EN)]
    assert len(told) == 2
    assert not any(one.grave for one in check(plan, root, inventory))
    report = protect(plan, root, out, inventory=inventory, tokens=Tokens())
    assert len(report.left_out) == 3
    assert not any(card in one.path for one in report.left_out)
    assert card not in (out / STATE / "copy.json").read_text()
    assert sorted(files(out)) == [f"{STATE}/copy.json", "app.log", "old.zip"]
    with zipfile.ZipFile(out / "old.zip") as made:
        assert made.namelist() == ["other.txt"]


def test_customer_keys_that_are_values_are_replaced_and_still_join(tmp_path: Path) -> None:
    root, out = tmp_path / "estate", tmp_path / "copy"
    card, mobile = "4111111111111111", "13800138000"
    keys = [*(f"C{at:04d}" for at in range(60)), card, mobile, "20260101000000000007"]
    small_estate(
        root,
        a__csv=csv_of("customer_no,email", *(f"{key},a{at}@example.com" for at, key in enumerate(keys))),
        b__jsonl="".join(
            f'{{"customer_no":"{key}","email":"b{at}@example.com"}}\n' for at, key in enumerate(keys)
        ).encode(),
    )
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    with closing(sqlite3.connect(root / "c.db")) as database:
        database.execute("CREATE TABLE t (customer_no TEXT, email TEXT)")
        sheet.append(["customer_no", "email"])
        for at, key in enumerate(keys):
            database.execute("INSERT INTO t VALUES (?, ?)", (key, f"c{at}@example.com"))
            sheet.append([key, f"d{at}@example.com"])
        database.commit()
    book.save(root / "d.xlsx")
    inventory = survey(root)
    plan = propose(inventory, root)
    assert [source.subject for source in plan.sources] == ["customer_no"] * 4
    protect(plan, root, out, inventory=inventory, tokens=Tokens())
    with closing(sqlite3.connect(out / "c.db")) as database:
        from_db = [str(key) for (key,) in database.execute("SELECT customer_no FROM t ORDER BY rowid")]
    columns = [
        [row["customer_no"] for row in csv.DictReader(io.StringIO((out / "a.csv").read_text()))],
        re.findall(r'"customer_no":"([^"]*)"', (out / "b.jsonl").read_text()),
        from_db,
        [str(row[0]) for row in openpyxl.load_workbook(out / "d.xlsx")["Sheet"].iter_rows(min_row=2, values_only=True)],
    ]
    assert columns[0][:60] == keys[:60]
    assert columns[0][60:] == [Tokens().of(FieldClass.PAN, card), Tokens().of(FieldClass.MOBILE, mobile), keys[62]]
    assert all(column == columns[0] for column in columns)


def test_what_stands_around_the_cells_is_found_and_replaced(tmp_path: Path) -> None:
    root, out = tmp_path / "estate", tmp_path / "copy"
    root.mkdir()
    card = "4111111111111111"
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["order", "what"])
    sheet["B2"] = "pay"
    sheet["B2"].hyperlink = f"https://pay.example/?card%3D{card}&pan={card}"
    sheet["A1"].comment = Comment(f"card {card}", "a")
    book.save(root / "links.xlsx")
    inventory = survey(root)
    (found,) = inventory.findings
    assert (found.field, found.tier, found.count) == (FieldClass.PAN, Confidence.CERTAIN, 3)
    report = protect(propose(inventory, root), root, out, inventory=inventory, tokens=Tokens())
    assert report.left_out == ()
    assert not any(card in text for _, text in texts(out))
    assert survey(out).findings == ()
