"""Formats: what is written in each is found, and what cannot be read of it is said."""

from __future__ import annotations

import bz2
import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import orc
from tests.unit.discovery import makers

from tigertally.base.clock import SystemClock
from tigertally.base.fields import FieldClass as F
from tigertally.discovery import Confidence, Inventory, Kind, ObjectReport, Status, scan
from tigertally.discovery.parsers.msg import unfold_rtf
from tigertally.discovery.readers.rtf import rtf_text

Scan = Callable[..., Inventory]
CARD = "4111111111111111"
LINE = f"客户王小明，卡号：{CARD}，谢谢"


def rows(inventory: Inventory) -> dict[str, ObjectReport]:
    """Reports by path."""
    assert len({one.path for one in inventory.objects}) == len(inventory.objects)
    assert inventory.totals.complete
    return {one.path: one for one in inventory.objects}


def cards(inventory: Inventory) -> dict[str, int]:
    """How many cards, by object."""
    found: dict[str, int] = {}
    for one in inventory.findings:
        if one.field is F.PAN and one.tier is not Confidence.POSSIBLE:
            found[one.object] = found.get(one.object, 0) + one.count
    return found


HTML = f"<html><body><p>卡号：4111<b>1111</b><i>11111111</i></p><!-- 卡号{CARD} --></body></html>"
FORM = f'<input name="card" value="{CARD}"><td>卡号：&#52;111111111111111</td>'
RTF = (
    rb"{\rtf1\ansi\ansicpg936{\fonttbl{\f0 1}}\f0 \'bf\'a8\'ba\'c5 4111\b 1111\b0 11111111\par "
    rb"\u21345?\u21495?:{\*\x " + CARD.encode() + rb"}\par}"
)
FROM = b"From a@example.com Mon Mar  2 09:00:00 2026\n"
BIG5 = f"客戶資料：王小明先生，信用卡號碼：{CARD}，謝謝您的惠顧\n"
PLAIN: list[tuple[str, Kind, bytes]] = [
    ("a.html", Kind.HTML, HTML.encode()),
    ("a.htm", Kind.HTML, FORM.encode("gb18030")),
    ("a.docx", Kind.DOCX, makers.docx(["客户王小明，卡号：4111", "11111111", "1111"], [LINE])),
    ("a.pptx", Kind.PPTX, makers.pptx(["卡号：4111", "111111111111"], [LINE])),
    ("a.odt", Kind.ODT, makers.odt(["卡号：4111", "111111111111"], [LINE])),
    ("a.rtf", Kind.RTF, RTF),
    ("a.pdf", Kind.PDF, makers.pdf([LINE], ["第二页", f"卡号 {CARD}"])),
    ("a.eml", Kind.MAIL, makers.mail(LINE, html="<p>卡号：41111111<b>11111111</b></p>")),
    ("cur/1.M2.host:2,S", Kind.MAIL, makers.mail(f"{LINE}\n{LINE}")),
    ("a.msg", Kind.MSG, makers.msg(f"{LINE}\n{LINE}", {})),
    ("inbox", Kind.MBOX, (FROM + makers.mail(LINE) + b"\n\n") * 2),
    ("big5.txt", Kind.TEXT, BIG5.encode("big5") * 2),
    ("wide.txt", Kind.TEXT, f"{LINE}\n{LINE}\n".encode("utf-16-be")),
]


@pytest.mark.parametrize(("name", "kind", "content"), PLAIN, ids=[name for name, _, _ in PLAIN])
def test_text_in_every_format_is_found(scanned: Scan, name: str, kind: Kind, content: bytes) -> None:
    found = scanned({name: content})
    report = rows(found)[name]
    assert (report.kind, report.status, report.reason) == (kind, Status.SCANNED, None)
    assert cards(found) == {name: 2}


def test_xml_is_judged_by_its_paths(scanned: Scan) -> None:
    people = "".join(
        f'<c:customer id="{index}"><name>王小明</name><card_no>{CARD}</card_no><pay pan="{CARD}"/></c:customer>'
        for index in range(20)
    )
    found = scanned({"a.xml": f'<?xml version="1.0"?><!-- 卡号{CARD} --><c:all xmlns:c="x">{people}</c:all>'})
    assert rows(found)["a.xml"].kind is Kind.XML
    names = {(one.place.name, one.field): one.count for one in found.findings if one.tier is Confidence.CERTAIN}
    assert names["customer.card_no", F.PAN] == names["customer.pay.@pan", F.PAN] == 20
    assert names["customer.name", F.NAME] == 20
    assert names[None, F.PAN] == 1


@pytest.mark.parametrize(
    "text",
    [
        f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x; 卡号：{CARD}</a>',
        f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><a>&b; 卡号：{CARD}</a>',
        f'<?xml version="1.0"?><a><b>卡号：{CARD}</a>',
        "<?xml version='1.0'?>" + "<a>" * 5000 + f"卡号：{CARD}" + "</a>" * 5000,
    ],
)
def test_xml_that_is_not_taken_apart_is_text(scanned: Scan, text: str) -> None:
    found = scanned({"a.xml": text})
    assert rows(found)["a.xml"].status is Status.PARTLY
    assert cards(found) == {"a.xml": 1}


HEAD: list[list[str | float]] = [["客户编号", "卡号"]]
BODY: list[list[str | float]] = [[float(n), CARD] for n in range(20)]
BROKEN: list[list[str | float]] = [[float(n), 6222021234567891234.0] for n in range(20)]
TABLE, DAMAGED = HEAD + BODY, HEAD + BROKEN


@pytest.mark.parametrize(("name", "make"), [("a.xls", makers.xls), ("a.ods", makers.ods)])
def test_old_and_open_workbooks(scanned: Scan, name: str, make: Callable[[list[list[str | float]]], bytes]) -> None:
    found = scanned({name: make(TABLE), f"damaged-{name}": make(DAMAGED)})
    assert {one.status for one in rows(found).values()} == {Status.SCANNED}
    (one,) = [one for one in found.findings if one.object == name and one.field is F.PAN]
    assert (one.place.table, one.place.name, one.count, one.tier) == ("客户", "卡号", 20, Confidence.CERTAIN)
    (one,) = [one for one in found.findings if one.object != name and one.field is F.PAN]
    assert (one.detail, one.count, one.examples) == ("damaged", 20, ())


def test_a_csv_with_damaged_cards_says_so(scanned: Scan) -> None:
    found = scanned({"a.csv": "id,卡号\n" + "".join(f"{n},6.22202E+18\n" for n in range(30))})
    (one,) = [one for one in found.findings if one.field is F.PAN]
    assert one.detail == "damaged"


def test_columns_of_parquet(scanned: Scan) -> None:
    numbers = pa.array([int(CARD)] * 30)
    nested = pa.array([{"pan": CARD, "tags": ["x", CARD]}] * 30)
    found = scanned({"a.parquet": makers.parquet_file({"card_no": numbers, "pay": nested, "f": pa.array([1.5] * 30)})})
    assert rows(found)["a.parquet"].kind is Kind.PARQUET
    counts = {one.place.name: one.count for one in found.findings if one.tier is Confidence.CERTAIN}
    assert counts["card_no"] == counts["pay.pan"] == 30
    assert [one.count for one in found.findings if one.place.name == "pay.tags[]"] == [30]


@pytest.mark.parametrize("name", ["a.orc", "a.arrow"])
def test_columns_of_orc_and_arrow(scanned: Scan, name: str) -> None:
    table = pa.table({"card_no": [int(CARD)] * 20_000, "pay": [{"pan": CARD}] * 20_000})
    sink = pa.BufferOutputStream()
    if name == "a.orc":
        orc.write_table(table, sink)
    else:
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    found = scanned({name: bytes(sink.getvalue())})
    assert rows(found)[name].status is Status.SCANNED
    counts = {one.place.name: one.count for one in found.findings if one.tier is Confidence.CERTAIN}
    assert counts == {"card_no": 20_000, "pay.pan": 20_000}


def test_tables_of_duckdb(tmp_path: Path, rng: np.random.Generator) -> None:
    makers.duckdb_file(tmp_path / "a.duckdb", makers.luhn("411111", 50, rng))
    before = (tmp_path / "a.duckdb").stat()
    found = scan(tmp_path, clock=SystemClock())
    after = (tmp_path / "a.duckdb").stat()
    assert rows(found)["a.duckdb"].kind is Kind.DUCKDB
    assert [(one.place.table, one.place.name, one.count) for one in found.findings] == [("t", "card_no", 50)]
    assert (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    assert [path.name for path in tmp_path.iterdir()] == ["a.duckdb"]


def nested(inner: str) -> dict[str, bytes]:
    """Members of archives."""
    return {"x/客户.txt": (LINE + "\n").encode() * 20, inner: makers.zipped({"b.txt": LINE})}


@pytest.mark.parametrize(
    ("name", "content", "kinds"),
    [
        ("a.tar", makers.tarred(nested("n.zip")), [Kind.TAR]),
        ("b.tar", makers.tarred(nested("n" * 200 + ".zip"), kind=tarfile.PAX_FORMAT), [Kind.TAR]),
        ("a.tgz", gzip.compress(makers.tarred(nested("n.zip"))), [Kind.GZIP, Kind.TAR]),
        ("a.tar.bz2", bz2.compress(makers.tarred(nested("n.zip"))), [Kind.BZIP2, Kind.TAR]),
        ("a.tar.xz", makers.xz(makers.tarred(nested("n.zip"))), [Kind.XZ, Kind.TAR]),
        ("a.tar.zst", makers.zstd(makers.tarred(nested("n.zip"))), [Kind.ZSTD, Kind.TAR]),
    ],
)
def test_archives_and_what_they_are_packed_in(scanned: Scan, name: str, content: bytes, kinds: list[Kind]) -> None:
    found = scanned({name: content})
    table = rows(found)
    assert [one.kind for one in found.objects][: len(kinds)] == kinds
    assert sorted(cards(found).values()) == [1, 20]
    (link,) = [one for path, one in table.items() if path.endswith("link")]
    assert link.status is Status.SKIPPED
    assert {one.status for path, one in table.items() if path.endswith((".txt", ".zip"))} == {Status.SCANNED}


def test_a_seven_zip_and_what_is_in_it(scanned: Scan) -> None:
    content = makers.sevenzip({**nested("n.zip"), "in.7z": makers.sevenzip({"c.txt": LINE.encode()})})
    found = scanned({"a.7z": content})
    assert {path: one.status for path, one in rows(found).items()} == dict.fromkeys(
        ["a.7z", "a.7z!/x/客户.txt", "a.7z!/n.zip", "a.7z!/n.zip!/b.txt", "a.7z!/in.7z", "a.7z!/in.7z!/c.txt"],
        Status.SCANNED,
    )
    assert sorted(cards(found).values()) == [1, 1, 20]


def test_attachments_are_objects_of_their_own(scanned: Scan) -> None:
    attached = {"客户.xls": makers.xls(TABLE), "n.zip": makers.zipped({"b.txt": LINE})}
    found = scanned(
        {
            "a.eml": makers.mail("无", attached=attached),
            "b.msg": makers.msg("无", attached),
            "c.mbox": b"From a@example.com Mon Mar  2 09:00:00 2026\n" + makers.mail("无", attached=attached),
            "d.pdf": makers.pdf(["附件在此"], attached={"n.zip": attached["n.zip"]}),
        }
    )
    assert {one.status for one in rows(found).values()} == {Status.SCANNED}
    assert cards(found) == {
        "a.eml!/客户.xls": 20,
        "a.eml!/n.zip!/b.txt": 1,
        "b.msg!/客户.xls": 20,
        "b.msg!/n.zip!/b.txt": 1,
        "c.mbox!/message 1/客户.xls": 20,
        "c.mbox!/message 1/n.zip!/b.txt": 1,
        "d.pdf!/n.zip!/b.txt": 1,
    }


def test_pages_that_are_pictures_are_not_green(scanned: Scan) -> None:
    report = rows(scanned({"a.pdf": makers.pdf([LINE], pictures=2)}))["a.pdf"]
    assert report.status is Status.PARTLY
    assert report.reason is not None
    assert "images" in report.reason.en


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.7z", makers.sevenzip({"a.txt": b"x" * 99}, password="made-up"), "encrypted"),
        ("a.xlsx", makers.ole({"EncryptedPackage": b"x" * 9000, "EncryptionInfo": b"y" * 99}), "encrypted"),
        ("a.pdf", makers.pdf([LINE])[:200], "damaged"),
        ("a.parquet", makers.parquet_file({"a": pa.array([1])})[:-9], "damaged"),
        ("a.7z", makers.sevenzip(nested("a.zip"))[:-20], "damaged"),
        ("a.xls", makers.xls(TABLE)[:3000], "damaged"),
        ("a.duckdb", b"\x00" * 8 + b"DUCK" + b"\x01" * 9000, "damaged"),
    ],
)
def test_what_a_parser_cannot_open_has_failed(scanned: Scan, name: str, content: bytes, word: str) -> None:
    report = rows(scanned({name: content}))[name]
    assert report.status is Status.FAILED
    assert report.reason is not None
    assert word in report.reason.en


def test_rtf_of_outlook_is_unfolded() -> None:
    # The example of [MS-OXRTFCP] 3.1.
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a0072637067313235423232c3206fc0a0203000d800a0".replace(" ", "")
    )
    assert unfold_rtf(b"short") is None
    assert unfold_rtf(packed[:16] + b"\x00" + b"{\\rtf1 a") is not None
    stored = (12 + 9).to_bytes(4, "little") + (9).to_bytes(4, "little") + b"MELA" + b"\x00" * 4 + b"{\\rtf1 x}"
    assert unfold_rtf(stored) == b"{\\rtf1 x}"


def test_rtf_escapes_and_hidden_groups() -> None:
    text, pictures = rtf_text(rb"{\rtf1\ansi\uc1 a\u8364?b\'80{\pict 4111}{\uc2\u20013xxc}\{\~\_}")
    assert text == "a€b€中c{ -"
    assert pictures
