"""Readers survive what nobody wrote: a file of each format, cut, flipped and spliced, gives a row and no error."""

from __future__ import annotations

import gzip
import io

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.discovery import makers

from tigertally.base.clock import SystemClock
from tigertally.discovery.inventory import Collected, Status
from tigertally.discovery.readers.dispatch import Budget, Run, read_object
from tigertally.discovery.readers.stream import Source

LINE = "客户王小明，卡号：4111111111111111，谢谢\n"
CELLS: list[list[str | float]] = [
    ["客户编号", "卡号"],
    *[list[str | float]([1.0, "4111111111111111"]) for _ in range(9)],
]
HERE: dict[str, bytes] = {
    "a.zip": makers.zipped({"a.txt": LINE, "b.csv": "id,卡号\n1,4111111111111111\n" * 9}),
    "a.tar": makers.tarred({"客户.txt": LINE.encode(), "n" * 150: LINE.encode()}),
    "a.tgz": gzip.compress(makers.tarred({"a.txt": LINE.encode()})),
    "a.xz": makers.xz(LINE.encode() * 9),
    "a.zst": makers.zstd(LINE.encode() * 9),
    "a.docx": makers.docx([LINE]),
    "a.html": f"<html><p>{LINE}</p><!-- x --></html>".encode(),
    "a.xml": f"<?xml version='1.0'?><a><b c='{LINE}'>{LINE}</b></a>".encode(),
    "a.rtf": rb"{\rtf1\ansicpg936 \'bf\'a8 4111111111111111\par{\pict 00}\u21345?}",
    "a.eml": makers.mail(LINE, attached={"a.txt": LINE.encode()}),
    "a.mbox": b"From a@b Mon Mar  2 09:00:00 2026\n" + makers.mail(LINE),
    "a.json": ('[{"卡号": "4111111111111111"}]' * 3).encode(),
    "big5.txt": "客戶資料：王小明先生，信用卡號碼：4111111111111111\n".encode("big5") * 3,
    "wide.txt": (LINE * 3).encode("utf-16-le"),
}
THERE: dict[str, bytes] = {
    "a.xls": makers.xls(CELLS),
    "a.ods": makers.ods(CELLS),
    "a.pdf": makers.pdf([LINE], attached={"a.txt": LINE.encode()}),
    "a.msg": makers.msg(LINE, {"a.txt": LINE.encode()}),
    "a.7z": makers.sevenzip({"a.txt": LINE.encode() * 9}),
    "a.parquet": makers.parquet_file({"卡号": pa.array(["4111111111111111"] * 9)}),
}


@st.composite
def wounds(draw: st.DrawFn, data: bytes) -> bytes:
    """What is left of ``data`` after a few accidents."""
    out = bytearray(data)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(out) - 1, 0)))
        size = draw(st.integers(1, 64))
        what = draw(st.sampled_from(["flip", "cut", "end", "zero", "ones", "twice", "noise"]))
        if what == "flip" and out:
            out[at] ^= 1 << draw(st.integers(0, 7))
        elif what == "cut":
            del out[at : at + size]
        elif what == "end":
            del out[max(at, 8) :]
        elif what in ("zero", "ones"):
            out[at : at + size] = (b"\0" if what == "zero" else b"\xff") * len(out[at : at + size])
        elif what == "twice":
            out[at:at] = out[at : at + size]
        else:
            out[at:at] = draw(st.binary(min_size=1, max_size=16))
    return bytes(out)


def survive(name: str, data: bytes) -> None:
    """Read an object; it has one row, and its members have theirs."""
    run = Run(
        clock=SystemClock(), key=1, advance=lambda _: None, collected=Collected(), allowance=Budget(bytes_left=1 << 26)
    )
    status = read_object(run, Source(name=name, size=len(data), open=lambda: io.BytesIO(data)))
    paths = [one.path for one in run.collected.objects]
    assert paths[0] == name
    assert len(set(paths)) == len(paths)
    assert all(path.startswith(f"{name}!/") for path in paths[1:])
    assert status is run.collected.objects[0].status
    assert {one.object for one in run.collected.findings} <= set(paths)
    assert all(one.reason is not None for one in run.collected.objects if one.status is not Status.SCANNED)


@pytest.mark.parametrize("name", HERE)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_readers_of_our_own(name: str, data: st.DataObject) -> None:
    survive(name, data.draw(wounds(HERE[name])))


@pytest.mark.parametrize("name", THERE)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_readers_in_a_child(name: str, data: st.DataObject) -> None:
    survive(name, data.draw(wounds(THERE[name])))


@settings(max_examples=100, deadline=None)
@given(name=st.sampled_from([*HERE, *THERE, "x.bin", "x"]), data=st.binary(max_size=2_000))
def test_bytes_of_nothing(name: str, data: bytes) -> None:
    survive(name, data)
