"""Hostile and broken estates: no crash, no hang, no escape, nothing written, and a coverage row for each thing.

A file is named after its trick. What must be found in spite of it is the card beside it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import os
import signal
import stat
import struct
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.discovery import makers

from tigertally.base.clock import SystemClock
from tigertally.discovery import Confidence, Inventory, Status, scan
from tigertally.discovery.readers import child
from tigertally.discovery.readers.members import Budget

CARD = "4111111111111111"
LINE = f"卡号：{CARD}\n"
SECONDS_MAX = 60.0


def slips() -> dict[str, bytes]:
    """Members whose names lead out."""
    names = ("../../escaped.txt", "/escaped.txt", "a/../../../escaped.txt", "..\\..\\escaped.txt", "\x00escaped.txt")
    return {name: LINE.encode() for name in names}


def pax_bomb() -> bytes:
    """A tar whose extended header says that it is 8 GiB."""
    entry = tarfile.TarInfo("x")
    entry.type, entry.size = tarfile.XHDTYPE, 8 * 1024**3
    return entry.tobuf(tarfile.GNU_FORMAT) + LINE.encode()


def sizes_below_zero() -> bytes:
    """A tar with a member of negative size, in base 256."""
    header = bytearray(tarfile.TarInfo("x").tobuf(tarfile.GNU_FORMAT)[:512])
    header[124:136] = b"\xff" * 12
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + LINE.encode()


def many_mouths() -> bytes:
    """A mail of parts within parts."""
    head = b"From: a@example.com\nTo: b@example.com\nSubject: x\nMIME-Version: 1.0\n"
    body = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5_000))
    return head + body + b"\n" + LINE.encode()


def overlapping() -> bytes:
    """A zip whose directory names one member a thousand times."""
    plain = makers.zipped({"a.txt": LINE * 4_000})
    at = plain.index(b"PK\x01\x02")
    entry = plain[at : plain.index(b"PK\x05\x06")]
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1_000, 1_000, len(entry) * 1_000, at, 0)
    return plain[:at] + entry * 1_000 + end


def encrypted_zip() -> bytes:
    """A zip whose member says that it is encrypted."""
    data = bytearray(makers.zipped({"a.txt": LINE}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    return bytes(data)


def nested(depth: int) -> bytes:
    """A zip in a zip in a zip."""
    data = makers.zipped({"deep.txt": LINE})
    for _ in range(depth):
        data = makers.zipped({"in.zip": data})
    return data


LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(12))
XML = "<?xml version='1.0'?>"
XXE = f'{XML}<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;{LINE}</a>'
HEAD = b"From: a@example.com\nTo: b@example.com\nSubject: x\n"
GBK = ("客户信息" * 50 + LINE).encode("gb18030")
TRICKS: dict[str, tuple[bytes, set[Status]]] = {
    "zip-bomb.zip": (makers.zipped({"a": b"\0" * 80_000_000}), {Status.PARTLY}),
    "gzip-bomb.gz": (gzip.compress(b"\0" * 80_000_000), {Status.PARTLY}),
    "bzip2-bomb.bz2": (bz2.compress(b"\0" * 80_000_000), {Status.PARTLY}),
    "xz-bomb.xz": (makers.xz(b"\0" * 80_000_000), {Status.PARTLY}),
    "zstd-bomb.zst": (makers.zstd(b"\0" * 80_000_000), {Status.PARTLY}),
    "seven-bomb.7z": (makers.sevenzip({"a": b"\0" * 80_000_000}), {Status.PARTLY}),
    "bomb-in-tar.tgz": (gzip.compress(makers.tarred({"a.gz": gzip.compress(b"\0" * 80_000_000)})), {Status.PARTLY}),
    "docx-bomb.docx": (makers.docx(["x"], more={"word/footer.xml": "<w:p>" + " " * 80_000_000}), {Status.PARTLY}),
    "quine-like.zip": (nested(30), {Status.PARTLY}),
    "overlapping.zip": (overlapping(), {Status.SCANNED, Status.PARTLY}),
    "encrypted.zip": (encrypted_zip(), {Status.PARTLY}),
    "encrypted.7z": (makers.sevenzip({"a.txt": LINE.encode()}, password="made-up"), {Status.FAILED}),
    "slip.tar": (makers.tarred(slips()), {Status.PARTLY}),
    "slip.zip": (makers.zipped({name: data for name, data in slips().items() if "\0" not in name}), {Status.SCANNED}),
    "pax-bomb.tar": (pax_bomb(), {Status.FAILED}),
    "negative.tar": (sizes_below_zero(), {Status.PARTLY}),
    "cut.tar": (makers.tarred({"a.txt": LINE.encode() * 900})[:9_000], {Status.PARTLY}),
    "truncated.xlsx": (makers.zipped({"xl/workbook.xml": LINE})[:-40], {Status.FAILED}),
    "cut.docx": (makers.docx([LINE])[:-30], {Status.FAILED}),
    "cut.pdf": (makers.pdf([LINE])[:300], {Status.FAILED}),
    "xxe.xml": (XXE.encode(), {Status.PARTLY}),
    "laughs.xml": (f'{XML}<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l12;{LINE}</a>'.encode(), {Status.PARTLY}),
    "deep.xml": ((XML + "<a>" * 100_000 + LINE).encode(), {Status.PARTLY}),
    "long-names.xml": ((XML + "".join(f"<{'n' * 9_000}{n}>" for n in range(200)) + LINE).encode(), {Status.PARTLY}),
    "open-tag.html": (b"<html><a " + b"a" * 9_000_000 + LINE.encode(), {Status.SCANNED}),
    "open-tags.html": (b"<html>" + b"<a" * 3_000_000 + b">" + LINE.encode(), {Status.SCANNED}),
    "braces.rtf": (b"{\\rtf1 " + b"{" * 2_000_000 + b"card 4111111111111111 ", {Status.SCANNED}),
    "deep.json": (b"[" * 200_000 + f'"{CARD}"'.encode(), {Status.PARTLY}),
    "mouths.eml": (many_mouths(), {Status.PARTLY, Status.FAILED}),
    "words.eml": (HEAD + b"X: " + b"=?a?q?" * 500_000 + b"\n\n" + LINE.encode(), {Status.SCANNED}),
    "from.mbox": (b"From a 2026\n" + HEAD + b"\n\nFrom " + b"x" * 900_000 + b"\n" + LINE.encode(), {Status.SCANNED}),
    "nuls.txt": (b"\0" * 100_000 + LINE.encode() + b"\0" * 100_000, {Status.SCANNED}),
    "broken-gbk.txt": (GBK + b"\xff\x80\xff" + GBK, {Status.PARTLY, Status.SCANNED}),
    "one-line.log": (b"key=value;" * 3_000_000 + LINE.encode(), {Status.SCANNED}),
    "ole.msg": (makers.ole({"__properties_version1.0": b"\0" * 32})[:1_500], {Status.FAILED, Status.SCANNED}),
    "empty.zip": (b"PK\x05\x06" + b"\0" * 18, {Status.SCANNED}),
    "sqlite-cut.db": (b"SQLite format 3\0" + b"\x10\x00" + os.urandom(300), {Status.FAILED}),
}  # fmt: skip


def look(root: Path, **more: object) -> tuple[Inventory, float]:
    """Scan, and say how long it took."""
    begun = time.monotonic()
    found = scan(root, clock=SystemClock(), **more)  # type: ignore[arg-type]
    return found, time.monotonic() - begun


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_costs_a_row_and_nothing_else(tmp_path: Path, name: str) -> None:
    content, statuses = TRICKS[name]
    root = tmp_path / "estate"
    root.mkdir()
    (root / name).write_bytes(content)
    (root / "z-beside.txt").write_text(LINE)
    before = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    found, spent = look(root)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == before
    assert (root / name).read_bytes() == content
    assert not Path("/escaped.txt").exists()
    table = {one.path: one for one in found.objects}
    assert table[name].status in statuses, table[name].reason
    assert table["z-beside.txt"].status is Status.SCANNED
    assert all(one.reason is not None for one in found.objects if one.status is not Status.SCANNED)
    assert found.totals.complete
    assert spent < SECONDS_MAX
    assert any(one.object == "z-beside.txt" for one in found.findings)
    assert not any("root:" in example for one in found.findings for example in one.examples)


@pytest.mark.parametrize(
    "name",
    ["open-tag.html", "open-tags.html", "braces.rtf", "deep.json", "words.eml", "from.mbox", "nuls.txt", "one-line.log",
     "broken-gbk.txt", "xxe.xml", "laughs.xml", "deep.xml", "cut.tar", "overlapping.zip", "slip.tar"],
)  # fmt: skip
def test_the_card_in_it_is_found_all_the_same(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(TRICKS[name][0])
    found, _ = look(tmp_path)
    assert [one for one in found.findings if one.tier is not Confidence.POSSIBLE]


def test_links_pipes_devices_and_loops(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "passwd").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    expected = {"a/up", "self", "passwd", "pipe"}
    if os.geteuid() == 0:
        os.mknod(tmp_path / "zero", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
        expected.add("zero")
    found, spent = look(tmp_path)
    assert {one.path: one.status for one in found.objects} == dict.fromkeys(expected, Status.SKIPPED)
    assert spent < SECONDS_MAX


def test_many_small_files_each_have_a_row(tmp_path: Path) -> None:
    for index in range(3_000):
        folder = tmp_path / f"{index % 50:02d}"
        folder.mkdir(exist_ok=True)
        (folder / f"{index}.txt").write_text("x")
    found, _ = look(tmp_path)
    assert len(found.objects) == found.totals.tree_files == 3_000


def test_a_file_that_changes_or_goes_while_it_is_read(tmp_path: Path) -> None:
    for name in ("a-grows.log", "b-goes.log", "c-shrinks.log"):
        (tmp_path / name).write_text("x" * 9_000_000 + LINE)

    class Ear:
        heard = 0

        def begin(self, what: object, total: int | None) -> None:
            pass

        def advance(self, done: int) -> None:
            Ear.heard += done
            if 0 < Ear.heard <= 5_000_000:
                with (tmp_path / "a-grows.log").open("a") as file:
                    file.write("more")
                (tmp_path / "b-goes.log").unlink(missing_ok=True)
                os.truncate(tmp_path / "c-shrinks.log", 10)

    found, _ = look(tmp_path, progress=Ear())
    table = {one.path: one for one in found.objects}
    assert table["a-grows.log"].status is Status.PARTLY
    assert table["b-goes.log"].status is Status.FAILED
    assert not found.totals.complete


def test_a_bomb_of_time_is_stopped() -> None:
    class Late(SystemClock):
        pass

    budget = Budget(seconds=-1).begin(Late())
    assert not budget.spend(1)
    assert Budget().begin(Late()).spend(1)


def kids() -> list[int]:
    """The children that wait for work."""
    return [one._process.pid for one in child._POOL._idle]  # noqa: SLF001 - their processes are what is tested


@pytest.fixture
def books(tmp_path: Path) -> Callable[[], Inventory]:
    """Scan an old workbook, whose parser is a child."""
    (tmp_path / "a.xls").write_bytes(makers.xls([["id", "卡号"], *[list[str | float](["1", CARD]) for _ in range(20)]]))
    return lambda: look(tmp_path)[0]


def test_a_parser_that_died_while_it_waited_is_replaced(books: Callable[[], Inventory]) -> None:
    assert books().objects[0].status is Status.SCANNED
    for pid in kids():
        os.kill(pid, signal.SIGKILL)
    assert books().objects[0].status is Status.SCANNED


def test_a_parser_that_hangs_is_killed(books: Callable[[], Inventory]) -> None:
    books()
    waiting = kids()
    for one in child._POOL._idle:  # noqa: SLF001 - their processes are what is tested
        one._channel.settimeout(1.0)  # noqa: SLF001
        os.kill(one._process.pid, signal.SIGSTOP)  # noqa: SLF001
    report = books().objects[0]
    assert report.status is Status.FAILED
    assert report.reason is not None
    assert "too long" in report.reason.en
    for pid in set(waiting) & set(kids()):
        os.kill(pid, signal.SIGKILL)


def test_a_parser_does_not_get_the_secrets_and_may_not_write(
    books: Callable[[], Inventory], monkeypatch: pytest.MonkeyPatch
) -> None:
    child._POOL.close()  # noqa: SLF001 - a new one is wanted
    monkeypatch.setenv("MADE_UP_SECRET", "swordfish")
    books()
    (pid,) = kids()
    assert b"swordfish" not in Path(f"/proc/{pid}/environ").read_bytes()
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert next(line for line in limits.splitlines() if line.startswith("Max file size")).split()[3] == "0"


def test_members_beyond_the_depth_are_said(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(nested(6))
    found, _ = look(tmp_path)
    deepest = max(found.objects, key=lambda one: one.path.count("!/"))
    assert deepest.status is Status.FAILED
    assert deepest.reason is not None


def test_a_zip_with_a_directory_that_lies(tmp_path: Path) -> None:
    data = bytearray(makers.zipped({"a.txt": LINE}))
    at = data.rindex(b"PK\x05\x06")
    struct.pack_into("<L", data, at + 12, 0x7FFFFFFF)
    (tmp_path / "a.zip").write_bytes(data)
    found, _ = look(tmp_path)
    assert found.objects[0].status is Status.FAILED
    with zipfile.ZipFile(io.BytesIO(makers.zipped({"x": "y"}))) as sound:
        assert sound.namelist() == ["x"]
