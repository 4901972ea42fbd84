"""Encodings: tell UTF-8, GB18030 and UTF-16 apart, and turn bytes into UTF-8 with ASCII digits.

A guess is marked as a guess (``certain`` False); a reader then scans both readings. Order of the tests:
1. a byte order mark decides; 2. NUL bytes speak for UTF-16 when enough of the text becomes letters that
people write; 3. bytes that are UTF-8 are UTF-8 (ASCII alone is a guess that costs nothing: later text
may still be GB18030); 4. bytes that GB18030 can read are GB18030, a guess; 5. the rest is ``bytes``.
"""

# ruff: noqa: PLR2004 - the numbers here are byte values and code points

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tigertally.discovery.core import ascii_digits

SAMPLE_BYTES: Final = 65_536
_UTF16_SHARE_MIN: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """A codec's name (``utf-8``, ``gb18030``, ``utf-16-le``, ``utf-16-be``, ``bytes``), its mark, and if it is sure."""

    name: str
    bom: bytes
    certain: bool


def detect_encoding(sample: bytes) -> Encoding:
    """Return the encoding of a text that begins with ``sample`` (64 KiB are enough)."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if sample.startswith(mark):
            return Encoding(name=name, bom=mark, certain=True)
    if b"\x00" in sample:
        return Encoding(name=_utf16(sample) or "bytes", bom=b"", certain=False)
    if is_utf8(sample):
        return Encoding(name="utf-8", bom=b"", certain=not sample.isascii())
    if _decodes(sample, "gb18030"):
        return Encoding(name="gb18030", bom=b"", certain=False)
    return Encoding(name="bytes", bom=b"", certain=False)


def is_utf8(data: bytes, *, whole: bool = False) -> bool:
    """Return whether ``data`` is UTF-8; unless ``whole``, a character cut at the end is forgiven."""
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


def to_utf8(data: bytes, name: str) -> tuple[bytes, int]:
    """Return ``data`` (whole characters) as UTF-8 with ASCII digits, and how many characters could not be read."""
    if name in ("utf-8", "bytes"):
        return ascii_digits(data), 0
    text = data.decode(name, "replace")
    lost = text.count("\ufffd")
    return ascii_digits(text.encode("utf-8", "replace")), lost


def wide_plane(data: bytes, parity: int) -> bytes:
    """Return the ASCII that lies in ``data`` as UTF-16-LE at ``parity``, half as long; everything else becomes 0xFF."""
    low = np.frombuffer(data, np.uint8)[parity:]
    low = low[: len(low) // 2 * 2]
    plane = low[0::2].copy()
    plane[low[1::2] != 0] = 0xFF
    return plane.tobytes()


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
