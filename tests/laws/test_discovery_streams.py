"""Laws of streams and spans: nothing is lost between windows, and spans can be replaced."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tigertally.discovery import core, find_spans
from tigertally.discovery.folding import ascii_digits as plain_digits
from tigertally.discovery.folding import fold_text
from tigertally.discovery.readers import stream as streams

CARD = b"4111111111111111"
pieces = st.sampled_from(
    [
        CARD,
        b" ",
        b"\n",
        b",",
        b"abc",
        b"4111 1111 1111 1111",
        b"13800138000",
        "卡号".encode(),
        "４１１１".encode(),
        b"-",
        b"1",
        b"%20",
        b"+",
        "\u00a0".encode(),
        "\u200b".encode(),
    ]
)
texts = st.lists(pieces, max_size=60).map(b"".join)


def len_of(count: int) -> None:
    """Hear progress and do nothing."""
    assert count >= 0


def windows(data: bytes, size: int) -> list[bytes]:
    """The windows of a stream whose reads give at most ``size`` bytes."""

    class Slow(io.BytesIO):
        def read(self, count: int | None = -1, /) -> bytes:
            return super().read(min(size, count or size))

    return list(streams.raw_windows(Slow(data), streams.Lost(), len_of))


@settings(deadline=None)
@given(texts, st.integers(1, 50))
def test_windows_are_the_stream_and_cut_no_line(data: bytes, size: int) -> None:
    parts = windows(data, size)
    assert b"".join(parts) == data
    assert all(part.endswith(b"\n") for part in parts[:-1])
    assert all(parts)


@settings(deadline=None)
@given(texts, st.integers(1, 50))
def test_the_same_cards_are_found_window_by_window(data: bytes, size: int) -> None:
    whole = sum(len(core.scan(line + b"\n")) for line in data.split(b"\n"))
    assert sum(len(core.scan(part)) for part in windows(data, size)) == whole


@settings(deadline=None)
@given(st.lists(st.one_of(texts, st.binary(max_size=20)), max_size=8).map(b"".join))
def test_spans_are_in_order_apart_and_inside(data: bytes) -> None:
    found = find_spans(data)
    assert len(found.start) == len(found.stop) == len(found.code) == len(found.values()) == len(found.classes())
    assert bool(np.all(found.start < found.stop))
    assert bool(np.all(found.start[1:] >= found.stop[:-1]))
    assert len(found) == 0 or (found.start[0] >= 0 and found.stop[-1] <= len(data))


@settings(deadline=None)
@given(texts)
def test_a_text_with_its_spans_replaced_has_none(data: bytes) -> None:
    found = find_spans(data)
    out, done = [], 0
    for start, stop in zip(found.start.tolist(), found.stop.tolist(), strict=True):
        out += [data[done:start], b"***"]
        done = stop
    assert len(find_spans(b"".join([*out, data[done:]]))) == 0


NARROW = map(chr, (0xA0, 0xAD, 0x2009, 0x200B, 0x202F, 0x2013, 0x2212, 0xFEFF, 0x2060))
FOLDING = "".join(["０９－Ｘｘ　，：。４＋．", *NARROW])
wide = st.lists(st.one_of(st.text(max_size=20), st.sampled_from(FOLDING), st.just("a" * 40))).map("".join)
SHREDS = [b"\xef\xbc", b"\x90", b"\xe3\x80", b"\xc2", b"\xa0", b"\xe2", b"\x8b"]


@given(wide)
def test_folding_text_and_bytes_is_the_same(text: str) -> None:
    data = text.encode("utf-8", "replace")
    assert core.ascii_digits(data) == plain_digits(data) == fold_text(data.decode()).encode()


@given(st.lists(st.one_of(st.binary(max_size=20), st.sampled_from(SHREDS))).map(b"".join))
def test_both_engines_fold_any_bytes_alike(data: bytes) -> None:
    assert core.ascii_digits(data) == plain_digits(data)
