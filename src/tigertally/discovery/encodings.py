"""Encodings: tell UTF-8, GB18030, Big5 and UTF-16 apart, and turn bytes into UTF-8 with ASCII digits.

A guess is marked as a guess (``certain`` False); a reader then scans both readings. Order of the tests:
1. a byte order mark decides; 2. NUL bytes speak for UTF-16 when enough of the text becomes letters that
people write; 3. bytes that are UTF-8 are UTF-8 (ASCII alone is a guess that costs nothing: later text
may still be GB18030); 4. bytes that are no text but as UTF-16 are UTF-16; 5. bytes that GB18030 or Big5 can
read are the one whose common characters they use (GB 2312 level 1 is at B0A1-D7F9, Big5 level 1 at A440-C67E), a guess,
and when the two are close, the raw bytes are the other reading; 6. the rest is ``bytes``.
"""

# ruff: noqa: PLR2004 - the numbers here are byte values and code points

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from tigertally.discovery.core import ascii_digits

SAMPLE_BYTES: Final = 65_536
CODECS: Final = {"gb18030": "gb18030", "big5": "big5hkscs"}
_UTF16_SHARE_MIN: Final = 0.9
_PRINTABLE_MAX: Final = 0.7
_PAIRS: Final = 4_096
_CLOSE: Final = 0.15
_SAMPLE_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """A codec's name (``utf-8`` ``gb18030`` ``big5`` ``utf-16-le`` ``utf-16-be`` ``bytes``), its mark, if it is sure.

    ``other``: another reading is nearly as likely, so the bytes themselves are to be scanned as well.
    """

    name: str
    bom: bytes
    certain: bool
    other: bool = False


def detect_encoding(sample: bytes) -> Encoding:
    """Return the encoding of a text that begins with ``sample`` (64 KiB are enough)."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if sample.startswith(mark):
            return Encoding(name=name, bom=mark, certain=True)
    if b"\x00" in sample:
        return Encoding(name=_utf16(sample) or "bytes", bom=b"", certain=False)
    if is_utf8(sample):
        return Encoding(name="utf-8", bom=b"", certain=not sample.isascii())
    if _printable(sample) < _PRINTABLE_MAX and (wide := _utf16(sample)) is not None:
        return Encoding(name=wide, bom=b"", certain=False)
    return _two_byte(sample)


def is_utf8(data: bytes, *, whole: bool = False) -> bool:
    """Return whether ``data`` is UTF-8; unless ``whole``, a character cut at the end is forgiven.

    Arrow answers first: it checks several times as fast as decoding, which makes the text as well.
    """
    if len(data) > _SAMPLE_BYTES and _arrow_utf8(data):
        return True
    try:
        data.decode()
    except UnicodeDecodeError as problem:
        return (
            not whole
            and problem.end == len(data)
            and len(data) - problem.start < 4
            and "unexpected end" in problem.reason
        )
    return True


def _arrow_utf8(data: bytes) -> bool:
    ends = pa.py_buffer(np.array([0, len(data)], np.int64))
    try:
        pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(data)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def to_utf8(data: bytes, name: str) -> tuple[bytes, int]:
    """Return ``data`` (whole characters) as UTF-8 with ASCII digits, and how many characters could not be read."""
    if name in ("utf-8", "bytes"):
        return ascii_digits(data), 0
    text = data.decode(CODECS.get(name, name), "replace")
    lost = text.count("\ufffd")
    return ascii_digits(text.encode("utf-8", "replace")), lost


def wide_plane(data: bytes, parity: int) -> bytes:
    """Return the ASCII that lies in ``data`` as UTF-16-LE at ``parity``, half as long; everything else becomes 0xFF."""
    low = np.frombuffer(data, np.uint8)[parity:]
    low = low[: len(low) // 2 * 2]
    plane = low[0::2].copy()
    plane[low[1::2] != 0] = 0xFF
    return plane.tobytes()


def _printable(sample: bytes) -> float:
    """Return the share of printable ASCII."""
    units = np.frombuffer(sample, np.uint8)
    return float(((units >= 0x20) & (units < 0x7F)).mean())


def _two_byte(sample: bytes) -> Encoding:
    """Return GB18030 or Big5, or ``bytes`` if neither reads the sample."""
    shares = {
        name: _common(sample, lead, trail)
        for name, lead, trail in (("gb18030", (0xB0, 0xD7), 0xA1), ("big5", (0xA4, 0xC6), 0x40))
        if _decodes(sample, CODECS[name])
    }
    if not shares:
        return Encoding(name="bytes", bom=b"", certain=False)
    best = max(shares, key=lambda name: shares[name])
    close = len(shares) > 1 and max(shares.values()) - min(shares.values()) < _CLOSE
    return Encoding(name=best, bom=b"", certain=False, other=close)


def _common(sample: bytes, lead: tuple[int, int], trail: int) -> float:
    """Return which share of the two-byte characters is among the common ones of an encoding."""
    pairs = common = 0
    units = memoryview(sample)
    at = 0
    while at < len(units) - 1 and pairs < _PAIRS:
        if units[at] < 0x81:
            at += 1
            continue
        pairs += 1
        common += lead[0] <= units[at] <= lead[1] and units[at + 1] >= trail
        at += 2
    return common / max(pairs, 1)


def _decodes(sample: bytes, name: str) -> bool:
    for cut in range(4):
        try:
            sample[: len(sample) - cut].decode(name)
        except UnicodeDecodeError:
            if len(sample) < SAMPLE_BYTES:
                return False
            continue
        return True
    return False


def _utf16(sample: bytes) -> str | None:
    """Return the UTF-16 reading under which nearly all is ASCII text or Chinese, or None."""
    even = np.frombuffer(sample[: len(sample) // 2 * 2], "<u2")
    if len(even) == 0:
        return None
    best, best_share = None, _UTF16_SHARE_MIN
    for name, units in (("utf-16-le", even), ("utf-16-be", even.byteswap())):
        written = (
            ((units >= 0x20) & (units < 0x7F))
            | np.isin(units, (9, 10, 13))
            | ((units >= 0x4E00) & (units <= 0x9FFF))
            | ((units >= 0x3000) & (units <= 0x303F))
            | ((units >= 0xFF00) & (units <= 0xFFEF))
            | ((units >= 0x2010) & (units <= 0x203B))
        )
        share = float(written.mean())
        if share > best_share:
            best, best_share = name, share
    return best
