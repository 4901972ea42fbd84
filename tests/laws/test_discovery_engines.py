"""The compiled digit finder and the plain one give the same columns for the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tigertally.discovery import core, plain
from tigertally.discovery.detectors import built_in
from tigertally.discovery.hits import PAN, Hits

pytestmark = pytest.mark.skipif(core.engine() != "c", reason="no compiled core on this machine")

_NUMBERS = (
    b"4111111111111111", b"4111 1111 1111 1111", b"4111-1111-1111-1111", b"6205500000000000004",
    b"6205 5000 0000 0000 004", b"620550 0000000000004", b"378282246310005", b"3782 822463 10005", b"30569309025904",
    b"3056 930902 5904", b"11010119900307002X", b"110101199003077715", b"110101 19900307 002X", b"110101900307771",
    b"13800138000", b"+86", b"0086", b"86", b"138 0013 8000", b"138-0013-8000", b"GB82WEST12345698765432",
    b"GB82 WEST 1234 5698 7654 32", b"DE89370400440532013000", b"%B", b";", b"=25121010000000000000?",
    b"010-62345678", b"0571 8123456", b"91350211M000100Y46", b"li.lei@example.com", b"%20", b"%3D", b"%2520", b"%D5",
    b"4111%201111%201111%201111", b"4111+1111+1111+1111", b"4111.1111.1111.1111", b"&nbsp;", rb"\u00a0",
    b"^DOE/JOHN^2512101000000000?", b"D2512101000000",
)  # fmt: skip
_AROUND = (
    b"cvv", b"CVV2", b"cvn", b"exp", b"expiry_date", b"cardExp", "安全码".encode(), "有效期".encode(), "卡号".encode(),
    "：".encode(), b"12/27", b"2027-12", b"1227", b"202712", b"123", b"4567", b" ", b"-", b".", b"_", b"x", b"X",
    b"\n", b"\\n", b"\\u5361", b"\\u53f7", b"\\u53fa", b"\\u", b",", b'"', b"'", b"=", b":", b".0", b"1", b"0",
    b"4", b"62", b"@", b"+", b"%", b"a.b", b"://", b"card=", b"order_no:", b"\x00", b"\xff", b"\xe5\xae",
)  # fmt: skip
WORDS = built_in().words
_PIECES = _NUMBERS + _AROUND

soups = st.lists(st.one_of(st.sampled_from(_PIECES), st.binary(max_size=6)), max_size=40).map(b"".join)


def rows(hits: Hits) -> list[tuple[int, ...]]:
    """The columns as sorted rows."""
    columns = (hits.row, hits.start, hits.stop, hits.kind, hits.flags, hits.value)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


@settings(max_examples=400, deadline=None)
@given(soups)
def test_the_same_numbers_are_found_in_text(data: bytes) -> None:
    assert rows(core.scan(data)) == rows(plain.scan(data, start=0, stop=len(data), tables=core.tables()))


@settings(max_examples=150, deadline=None)
@given(soups, st.integers(0, 200), st.integers(0, 200))
def test_the_same_numbers_are_found_in_a_window(data: bytes, low: int, high: int) -> None:
    low, high = min(low, len(data)), min(high, len(data))
    assert rows(core.scan(data, start=low, stop=high)) == rows(
        plain.scan(data, start=low, stop=high, tables=core.tables())
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(soups, max_size=8))
def test_the_same_numbers_are_found_in_cells(cells: list[bytes]) -> None:
    offsets = np.cumsum([0, *(len(cell) for cell in cells)]).astype(np.int64)
    data = b"".join(cells)
    if not data:
        return
    assert rows(core.scan_cells(data, offsets)) == rows(plain.scan_cells(data, offsets, tables=core.tables()))


@settings(max_examples=300, deadline=None)
@given(soups, st.integers(0, 64))
def test_the_same_labels_and_codes_are_found_beside_cards(data: bytes, reach: int) -> None:
    hits = core.scan(data)
    cards = hits.where(hits.kind == PAN)
    cards = cards.where(np.argsort(cards.start))
    found = [engine.beside(data, start=cards.start, stop=cards.stop, reach=reach) for engine in (core, plain)]
    assert rows(found[0]) == rows(found[1])
    contexts = [engine.context(data, hits.start) for engine in (core, plain)]
    for left, right in zip(contexts[0], contexts[1], strict=True):
        assert left.tolist() == right.tolist()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(WORDS.literals + _AROUND), st.binary(max_size=4))).map(b"".join))
def test_the_same_words_are_found(data: bytes) -> None:
    for spelled in (data, data.upper(), data.title()):
        found = [engine.words(spelled, WORDS) for engine in (core, plain)]
        assert [column.tolist() for column in found[0]] == [column.tolist() for column in found[1]]


_HAN = ("张伟", "王", "欧阳小红", "电话", "一", "的", "，", "（", "、", "：", "\u4e00\u9fff\u9fa6")
beside = st.lists(
    st.one_of(st.sampled_from([piece.encode() for piece in _HAN]), st.sampled_from(_PIECES), st.binary(max_size=3))
).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(beside)
def test_the_same_names_are_found_beside_numbers(data: bytes) -> None:
    hits = core.scan(data)
    bits = np.full((0xA000 - 0x4E00) // 8, 0xB6, np.uint8)
    found = [engine.names_beside(data, start=hits.start, stop=hits.stop, surnames=bits) for engine in (core, plain)]
    assert [column.tolist() for column in found[0]] == [column.tolist() for column in found[1]]


def test_words_are_found_beyond_the_columns_of_one_call() -> None:
    data = b"password" * 70_000 + b"x" + b"password" * 70_000
    found = [engine.words(data, WORDS) for engine in (core, plain)]
    assert [column.tolist() for column in found[0]] == [column.tolist() for column in found[1]]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=4096))
def test_any_bytes_are_survived(data: bytes) -> None:
    assert rows(core.scan(data)) == rows(plain.scan(data, start=0, stop=len(data), tables=core.tables()))
