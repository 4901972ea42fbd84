"""Law: of a signed or sealed file no other bytes are accepted. Bits flip, ends are cut, bytes are added, doubled.

``signed_files`` lists every file that the product signs or seals with all that a reader of it does, and every room that
writes files; the list is closed against the product. For any bytes but the original a reader must raise a ``Problem``,
or say that it does not hold; any other exception fails the test. Each file has a bit flipped where hypothesis says;
short ones at every position, some long ones too (the longest: every third) with a bit that depends on it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws import signed_files
from tests.laws.signed_files import BUNDLE, EXPORT, INNER, WRITERS, Reading, Table

import tigertally
from tigertally.base.errors import Problem
from tigertally.formats.statement import Kind


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    """Every file with its reading."""
    with signed_files.table(tmp_path_factory.mktemp("signed")) as table:
        yield table


SHORT = ("value", "wrapped key")
WHOLE = ("release", "receipt", "checkpoint", "note", "proof", "hpke", "envelope", "key file")
PAPERS = (
    *SHORT,
    *WHOLE,
    "party",
    "agreement",
    "invitation",
    "acceptance",
    "manifest",
    "certificate",
    "backup",
    "erasures",
    "book",
    "route",
    "opinion",
)
HELD = ("sealed share", "share proof", "holder card")
SHARED = ("shares", "reshare", "share", "dealing", *HELD)
WITNESSED = ("cosignatures", "cosigned checkpoint")
FOLDERS = (*(f"bundle/{name}" for name in BUNDLE), *(f"export/{name}" for name in EXPORT))
EVERY = (*PAPERS, *SHARED, *WITNESSED, *FOLDERS, "root key", "session")
STRETCHED = ("key file", "root key")  # each reading stretches a passphrase
LONG = tuple(name for name in (*PAPERS, *HELD) if name not in STRETCHED)


def test_the_list_is_closed(originals: Table) -> None:
    """Every room that writes files says what of it is signed or sealed, and each of these is in the law."""
    assert set(originals) == set(EVERY)
    assert {kind.value for kind in Kind} <= set(EVERY)
    assert signed_files.rooms_that_write(Path(tigertally.__file__).parent) == set(WRITERS)
    assert {name for names, _ in WRITERS.values() for name in names} | set(INNER) == set(EVERY)
    assert [room for room, (names, plain) in WRITERS.items() if not names and not plain] == []


@pytest.mark.parametrize("name", EVERY)
def test_no_bit_of_any_file_may_flip(name: str, originals: Table) -> None:
    data, reading = originals[name]
    assert accepts(reading, data)

    @settings(max_examples=12 if name in STRETCHED else 100, deadline=None)
    @given(st.integers(0, len(data) - 1), st.integers(0, 7))
    def flipped(at: int, bit: int) -> None:
        assert not accepts(reading, _flip(data, at, 1 << bit)), (name, at, bit)

    flipped()
    assert accepts(reading, data)


def accepts(reading: Reading, data: bytes) -> bool:
    try:
        return reading(data) is not None
    except Problem:
        return False


@settings(deadline=None)
@given(st.data())
def test_a_request_with_a_flipped_bit_has_nothing_else_cosigned(draw: st.DataObject) -> None:
    asked, considered = signed_files.request()
    whole = considered(asked)
    assert whole is not None
    at, bit = draw.draw(st.integers(0, len(asked) - 1)), draw.draw(st.integers(0, 7))
    assert considered(_flip(asked, at, 1 << bit)) in (None, whole)


@pytest.mark.parametrize("name", SHORT)
def test_every_bit_matters(name: str, originals: Table) -> None:
    data, reading = originals[name]
    for at in range(len(data)):
        for bit in range(8):
            assert not accepts(reading, _flip(data, at, 1 << bit)), (at, bit)


@pytest.mark.parametrize("name", [*WHOLE, *HELD])
def test_every_byte_matters(name: str, originals: Table) -> None:
    data, reading = originals[name]
    for at in range(0, len(data), 1 if len(data) < 8_000 else 3):
        bit = zlib.crc32(at.to_bytes(4, "big")) % 8
        assert not accepts(reading, _flip(data, at, 1 << bit)), at


@pytest.mark.parametrize("name", [*PAPERS, *HELD])
def test_no_end_is_missing(name: str, originals: Table) -> None:
    data, reading = originals[name]
    step = 1 if name in SHORT else max(1, len(data) // 200)
    for length in range(0, len(data), step):
        assert not accepts(reading, data[:length]), length
    assert not accepts(reading, data[:-1])


@pytest.mark.parametrize("name", [*PAPERS, *HELD])
def test_nothing_is_put_before_or_behind(name: str, originals: Table) -> None:
    data, reading = originals[name]
    for more in (b"\x00", b"\n", b" ", b"}", b"\xff", data):
        assert not accepts(reading, data + more), more[:4]
        assert not accepts(reading, more + data), more[:4]


@settings(deadline=None)
@given(draw=st.data())
def test_no_change_of_any_kind_is_accepted(originals: Table, draw: st.DataObject) -> None:
    name = draw.draw(st.sampled_from(LONG))
    data, reading = originals[name]
    start = draw.draw(st.integers(0, len(data)))
    stop = draw.draw(st.integers(start, min(len(data), start + 64)))
    other = draw.draw(st.sampled_from(("flip", "cut", "double", "insert", "swap")))
    piece = data[start:stop]
    if other == "flip" and start < len(data):
        changed = _flip(data, start, draw.draw(st.integers(1, 255)))
    elif other == "double":
        changed = data[:stop] + piece + data[stop:]
    elif other == "insert":
        changed = data[:start] + draw.draw(st.binary(min_size=1, max_size=40)) + data[start:]
    elif other == "swap":
        changed = data[:start] + piece[::-1] + data[stop:]
    else:
        changed = data[:start] + data[stop:]
    if changed != data:
        assert not accepts(reading, changed)


def _flip(data: bytes, at: int, mask: int) -> bytes:
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]
