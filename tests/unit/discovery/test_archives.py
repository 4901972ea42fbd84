"""gzip and zip: members as objects, limits, hostile files."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable

import pytest

from tigertally.base.limits import ARCHIVE_DEPTH_MAX
from tigertally.discovery import Inventory, Kind, ObjectReport, Status
from tigertally.discovery.inventory import Collected
from tigertally.discovery.readers.dispatch import Budget, Run, read_object
from tigertally.discovery.readers.stream import Source
from tigertally.testing.clock import SettableClock

Scan = Callable[..., Inventory]
CARDS = "订单正常，卡号4111111111111111\n" * 200


def zipped(members: dict[str, bytes | str], *, stored: bool = False) -> bytes:
    """A zip of members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def rows(inventory: Inventory) -> dict[str, ObjectReport]:
    """Reports by path."""
    return {one.path: one for one in inventory.objects}


def cards(inventory: Inventory) -> dict[str, int]:
    """Counts by object."""
    return {one.object: one.count for one in inventory.findings}


def test_members_are_objects_of_their_own(scanned: Scan) -> None:
    inner = zipped({"c.csv": "id,卡号\n" + "1,4111111111111111\n" * 20, "note.txt": CARDS})
    found = scanned(
        {"a.zip": zipped({"x/b.log": CARDS, "x/": "", "in.zip": inner, "d.log.gz": gzip.compress(CARDS.encode())})}
    )
    assert {path: (one.kind, one.status) for path, one in rows(found).items()} == {
        "a.zip": (Kind.ZIP, Status.SCANNED),
        "a.zip!/x/b.log": (Kind.TEXT, Status.SCANNED),
        "a.zip!/in.zip": (Kind.ZIP, Status.SCANNED),
        "a.zip!/in.zip!/c.csv": (Kind.CSV, Status.SCANNED),
        "a.zip!/in.zip!/note.txt": (Kind.TEXT, Status.SCANNED),
        "a.zip!/d.log.gz": (Kind.GZIP, Status.SCANNED),
        "a.zip!/d.log.gz!/d.log": (Kind.TEXT, Status.SCANNED),
    }
    assert set(cards(found).values()) == {200, 20}
    assert found.totals.complete
    size = len(CARDS.encode())
    assert (rows(found)["a.zip!/x/b.log"].size, rows(found)["a.zip!/x/b.log"].bytes_read) == (size, size)


def test_names_of_members_in_gb18030(scanned: Scan) -> None:
    whole = zipped({"客户.txt": CARDS}, stored=True)
    raw = "客户.txt".encode()
    other = "客户.txt".encode("gb18030")
    data = bytearray(whole.replace(raw, other + b"~" * (len(raw) - len(other))))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(mark) + at
        data[place : place + 2] = b"\x00\x00"  # no UTF-8 flag
    assert "a.zip!/客户.txt~~" in rows(scanned({"a.zip": bytes(data)}))


def test_what_came_before_a_cut_is_scanned(scanned: Scan) -> None:
    lines = "".join(f"{index:06d} card=4111111111111111 {index * 7919 % 1000003}\n" for index in range(20_000))
    data = gzip.compress(lines.encode())
    found = scanned({"a.log.gz": data[: len(data) // 2]})
    table = rows(found)
    assert table["a.log.gz"].status is table["a.log.gz!/a.log"].status is Status.PARTLY
    assert cards(found)["a.log.gz!/a.log"] > 5000


def test_a_bomb_is_stopped_and_the_rest_is_scanned(scanned: Scan) -> None:
    found = scanned(
        {"a.zip": zipped({"bomb": b"\x00" * 60_000_000, "b.txt": CARDS}), "c.gz": gzip.compress(b"\x00" * 60_000_000)}
    )
    table = rows(found)
    for path in ("a.zip!/bomb", "c.gz!/c"):
        assert table[path].status is Status.PARTLY
        assert table[path].bytes_read < 20_000_000
    assert table["a.zip!/b.txt"].status is Status.SCANNED
    assert table["a.zip"].status is Status.PARTLY


def test_nesting_ends_at_the_limit(scanned: Scan) -> None:
    data = zipped({"deep.txt": CARDS})
    for _ in range(ARCHIVE_DEPTH_MAX + 1):
        data = zipped({"in.zip": data})
    found = scanned({"a.zip": data})
    deepest = max(found.objects, key=lambda one: one.path.count("!/"))
    assert deepest.path.count("!/") == ARCHIVE_DEPTH_MAX
    assert deepest.status is Status.FAILED
    assert rows(found)["a.zip"].status is Status.PARTLY


def test_a_zip_that_holds_itself_ends(scanned: Scan) -> None:
    # Two directory entries that point to the same member, and many of them, cost their sum only.
    data = zipped({f"{index}.txt": CARDS for index in range(50)})
    found = scanned({"a.zip": data})
    assert len(found.objects) == 51


def test_too_many_members_are_cut_off(clock: SettableClock) -> None:
    data = zipped({f"{index}.txt": "x" for index in range(9)})
    run = Run(
        clock=clock, key=1, advance=len_of, collected=Collected(), allowance=Budget(bytes_left=10**6, members_left=5)
    )
    source = Source(name="a.zip", size=len(data), open=lambda: io.BytesIO(data))
    assert read_object(run, source, depth=0) is Status.PARTLY
    assert len(run.collected.objects) == 6


def test_a_budget_of_bytes_ends_an_archive(clock: SettableClock) -> None:
    data = zipped({f"{index}.txt": CARDS for index in range(9)})
    run = Run(clock=clock, key=1, advance=len_of, collected=Collected(), allowance=Budget(bytes_left=30_000))
    source = Source(name="a.zip", size=len(data), open=lambda: io.BytesIO(data))
    assert read_object(run, source, depth=0) is Status.PARTLY
    assert {one.status for one in run.collected.objects} == {Status.SCANNED, Status.PARTLY}


def len_of(count: int) -> None:
    """Hear progress and do nothing."""
    assert count >= 0


def test_an_encrypted_member_is_skipped(scanned: Scan) -> None:
    data = bytearray(zipped({"secret.txt": CARDS, "b.txt": CARDS}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    found = scanned({"a.zip": bytes(data)})
    assert rows(found)["a.zip!/secret.txt"].status is Status.SKIPPED
    assert rows(found)["a.zip!/b.txt"].status is Status.SCANNED


def test_paths_that_climb_out_are_only_names(scanned: Scan) -> None:
    found = scanned({"a.zip": zipped({"../../etc/x.txt": CARDS, "/abs.txt": CARDS})})
    assert {one.path for one in found.objects} == {"a.zip", "a.zip!/../../etc/x.txt", "a.zip!//abs.txt"}


@pytest.mark.parametrize("keep", [20, 200, 3000])
def test_a_broken_zip_fails_alone(scanned: Scan, keep: int) -> None:
    data = zipped({f"{index}.txt": CARDS + str(index) for index in range(60)}, stored=True)
    found = scanned({"a.zip": data[:keep], "b.txt": CARDS})
    assert rows(found)["a.zip"].status is Status.FAILED
    assert rows(found)["b.txt"].status is Status.SCANNED


def test_a_member_with_a_wrong_checksum_is_partly(scanned: Scan) -> None:
    data = bytearray(zipped({"a.txt": CARDS}, stored=True))
    place = data.index(b"4111111111111111") + 16
    data[place + 1] ^= 1
    found = scanned({"a.zip": bytes(data)})
    assert rows(found)["a.zip!/a.txt"].status is Status.PARTLY
