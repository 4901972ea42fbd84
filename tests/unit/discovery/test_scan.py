"""Coverage: every entry of a tree ends in one row, whatever it is."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tigertally.base.clock import SystemClock
from tigertally.base.fields import FieldClass
from tigertally.base.text import Text
from tigertally.discovery import Confidence, Inventory, Kind, NoSuchRoot, ObjectReport, Status, scan

Scan = Callable[..., Inventory]
CARD = "卡号4111111111111111\n"


def rows(inventory: Inventory) -> dict[str, ObjectReport]:
    """Reports by path."""
    assert len({one.path for one in inventory.objects}) == len(inventory.objects)
    return {one.path: one for one in inventory.objects}


def test_every_entry_has_one_row_and_the_sums_agree(scanned: Scan, tmp_path: Path) -> None:
    root = tmp_path / "estate"
    root.mkdir()
    (root / "link").symlink_to("a.txt")
    (root / "loop").symlink_to(".")
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(os.fspath(root / "s"))
        found = scanned(
            {"a.txt": CARD, "deep/er/b.log": CARD, "empty.txt": "", "skip/me.txt": CARD}, exclude=("skip/*",)
        )
    table = rows(found)
    assert {path: one.status for path, one in table.items()} == {
        "a.txt": Status.SCANNED,
        "deep/er/b.log": Status.SCANNED,
        "empty.txt": Status.SCANNED,
        "link": Status.SKIPPED,
        "loop": Status.SKIPPED,
        "pipe": Status.SKIPPED,
        "s": Status.SKIPPED,
        "skip/me.txt": Status.SKIPPED,
    }
    assert all(one.reason is not None for one in table.values() if one.status is not Status.SCANNED)
    assert found.totals.complete
    assert (found.totals.objects, found.totals.scanned, found.totals.skipped) == (8, 3, 5)
    assert found.totals.bytes == 3 * len(CARD.encode())
    assert table["a.txt"].bytes_read == table["a.txt"].size == len(CARD.encode())


def test_a_single_file_can_be_the_root(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(CARD)
    found = scan(path, clock=SystemClock())
    assert found.root == "a.txt"
    assert [one.path for one in found.objects] == ["a.txt"]
    assert found.findings[0].count == 1


def test_a_root_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRoot):
        scan(tmp_path / "no", clock=SystemClock())


@pytest.fixture
def stranger() -> Iterator[Path]:
    """A folder that everybody may enter, while this process is nobody."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        scan(root, clock=SystemClock())  # tables are read while we may
        mine = os.geteuid()
        for name in ("a.txt", "closed/b.txt", "c.txt"):
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(CARD)
        (root / "a.txt").chmod(0)
        (root / "closed").chmod(0)
        if mine == 0:
            os.seteuid(65_534)
        yield root
        os.seteuid(mine)
        (root / "closed").chmod(0o700)


def test_what_may_not_be_read_fails_with_its_reason(stranger: Path) -> None:
    found = scan(stranger, clock=SystemClock())
    assert {path: one.status for path, one in rows(found).items()} == {
        "a.txt": Status.FAILED,
        "closed/": Status.FAILED,
        "c.txt": Status.SCANNED,
    }
    assert all(one.reason for one in found.objects if one.status is Status.FAILED)


def test_nothing_is_written_to_a_source(scanned: Scan, tmp_path: Path) -> None:
    scanned({"a.txt": CARD})
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    scanned()
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


def test_progress_hears_every_byte(tmp_path: Path) -> None:
    class Ear:
        def __init__(self) -> None:
            self.total: int | None = None
            self.heard = 0

        def begin(self, what: Text, total: int | None) -> None:
            assert what.zh
            self.total = total

        def advance(self, done: int) -> None:
            self.heard += done

    (tmp_path / "a.txt").write_text(CARD * 1000)
    (tmp_path / "b.csv").write_text("a,b\n" + "1,2\n" * 1000)
    ear = Ear()
    scan(tmp_path, clock=SystemClock(), progress=ear)
    assert ear.total == ear.heard > 0


def test_a_value_in_a_path_is_starred(scanned: Scan) -> None:
    found = scanned({"4111111111111111.txt": CARD, "5555555555554444.txt": "x", "20240716.txt": "x"})
    assert set(rows(found)) == {"****************.txt", "****************.txt (2)", "20240716.txt"}
    assert found.findings[0].object in rows(found)


def test_names_in_other_encodings_are_survived(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    for name in ("客户".encode("gb18030"), b"a\nb", b"\xff\xfe"):
        Path(os.fsdecode(root + b"/" + name)).write_text(CARD)
    found = scan(tmp_path, clock=SystemClock())
    assert len(rows(found)) == 3
    assert found.totals.complete


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 100, "a picture"),
        ("a.tif", b"II*\x00" + b"\x00" * 100, "a picture"),
        ("a.mp4", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100, "a recording"),
        ("a.deb", b"!<arch>\ndebian-binary " + b"\x00" * 100, "deb"),
        ("a.dat", np.random.default_rng(1).bytes(70_000), "compressed or encrypted"),
        ("a.rar", b"Rar!\x1a\x07" + b"\x00" * 100, "RAR"),
        ("a.xlsx", b"\x00\x81 no zip at all \xff" * 9, "called XLSX"),
        ("a.log.gz", b"\x00\x81 cut at the wrong end \xff" * 9, "called gzip"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "OLE"),
    ],
)
def test_a_format_that_is_not_opened_is_not_green(scanned: Scan, name: str, content: bytes, reason: str) -> None:
    one = rows(scanned({name: content + b" card 4111111111111111 "}))[name]
    assert (one.kind, one.status) == (Kind.BYTES, Status.PARTLY)
    assert one.reason is not None
    assert reason in one.reason.en


def test_unknown_types_are_scanned_as_bytes_in_both_widths(scanned: Scan) -> None:
    wide = "card 4111111111111111,".encode("utf-16-le")
    content = b"\x00\x01\x02\xfe" * 300 + b" card 5555555555554444 \x00" + wide + b"\x00" + wide + b"\xff\x00" * 90
    found = scanned({"blob.bin": content})
    assert rows(found)["blob.bin"].kind is Kind.BYTES
    assert sum(one.count for one in found.findings if one.field is FieldClass.PAN) == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.jsonl"])
def test_encodings_and_carriers(scanned: Scan, encoding: str, name: str) -> None:
    lines = {
        "a.txt": ["客户姓名：王小明，卡号4111111111111111金额"] * 30,
        "a.csv": ["姓名,卡号"] + ["王小明,4111111111111111"] * 30,
        "a.jsonl": ['{"姓名":"王小明","卡号":"4111111111111111"}'] * 30,
    }[name]
    found = scanned({name: ("\r\n".join(lines) + "\r\n").encode(encoding)})
    (one,) = [one for one in found.findings if one.field is FieldClass.PAN]
    assert (one.count, one.distinct, one.tier) == (30, 1, Confidence.CERTAIN)
    report = rows(found)[name]
    assert report.status is Status.SCANNED
    assert report.encoding in (encoding.removesuffix("-sig"), "utf-16-le")


def test_a_file_that_changes_its_encoding_is_read_as_both(scanned: Scan) -> None:
    content = b"ascii line\n" * 500_000 + "卡号4111111111111111，谢谢\n".encode("gb18030") * 3
    found = scanned({"a.log": content})
    report = rows(found)["a.log"]
    assert report.reason is not None
    assert found.findings[0].count == 3


def test_text_in_no_encoding_is_partly(scanned: Scan) -> None:
    content = "客户 卡号4111111111111111\n".encode() * 3000 + b"\xff\xff\xff\xff 4111111111111111 \xfe\n"
    found = scanned({"a.txt": content})
    assert rows(found)["a.txt"].status is Status.PARTLY
    assert sum(one.count for one in found.findings) == 3001


def test_one_line_without_end_is_scanned_in_bounded_pieces(scanned: Scan) -> None:
    piece = b'{"a":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","card":"4111111111111111"},'
    content = piece * (10_000_000 // len(piece))
    found = scanned({"a.log": content})
    assert sum(one.count for one in found.findings) == 10_000_000 // len(piece)


def test_digits_without_end_are_no_card(scanned: Scan) -> None:
    assert scanned({"a.log": b"4111111111111111" * 600_000}).findings == ()
