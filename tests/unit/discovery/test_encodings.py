"""Encodings: told apart, guesses marked, digits folded."""

from __future__ import annotations

import numpy as np
import pytest

from tigertally.discovery import detect_encoding
from tigertally.discovery.core import ascii_digits
from tigertally.discovery.encodings import wide_plane
from tigertally.discovery.folding import fold_text

CHINESE = "姓名：王小明，卡号：4111111111111111，备注：无\n" * 20


@pytest.mark.parametrize(
    ("data", "name", "bom", "certain"),
    [
        (b"plain text\n", "utf-8", b"", False),
        (CHINESE.encode(), "utf-8", b"", True),
        (b"\xef\xbb\xbfa", "utf-8", b"\xef\xbb\xbf", True),
        (CHINESE.encode("gb18030"), "gb18030", b"", False),
        ("一丁㐀𠀀".encode("gb18030"), "gb18030", b"", False),
        (CHINESE.encode("utf-16"), "utf-16-le", b"\xff\xfe", True),
        (b"\xfe\xff" + CHINESE.encode("utf-16-be"), "utf-16-be", b"\xfe\xff", True),
        (CHINESE.encode("utf-16-le"), "utf-16-le", b"", False),
        (CHINESE.encode("utf-16-be"), "utf-16-be", b"", False),
        ("latin only, 4111111111111111\r\n".encode("utf-16-le"), "utf-16-le", b"", False),
        (bytes(range(256)) * 4, "bytes", b"", False),
        (b"\xa1\x00\xb7\x05\x81" * 50, "bytes", b"", False),
        (b"\xe9t\xe9 \xff\xff\n", "bytes", b"", False),
        (b"", "utf-8", b"", False),
    ],
)
def test_an_encoding_is_told(data: bytes, name: str, bom: bytes, *, certain: bool) -> None:
    found = detect_encoding(data)
    assert (found.name, found.bom, found.certain) == (name, bom, certain)


def test_a_character_cut_at_the_end_of_the_sample_does_not_matter() -> None:
    data = CHINESE.encode()
    cut = next(length for length in range(100, 120) if data[length] & 0xC0 == 0x80)
    assert detect_encoding(data[:cut]).name == "utf-8"


def test_full_width_digits_become_ascii_in_bytes_and_text_alike() -> None:
    text = "卡４１１１－１１１１　Ｘｘ，全角：ＡＢ"
    assert ascii_digits(text.encode()).decode() == fold_text(text) == "卡4111-1111 Xx，全角：ＡＢ"
    plain = "no wide ones 卡".encode()
    assert ascii_digits(plain) is plain


def test_the_wide_plane_shows_what_lies_in_binary_as_utf16() -> None:
    data = b"\x01\x02\x03" + "4111111111111111".encode("utf-16-le") + b"\xff"
    planes = [wide_plane(data, parity) for parity in (0, 1)]
    assert sum(b"4111111111111111" in plane for plane in planes) == 1
    assert {len(plane) for plane in planes} <= {len(data) // 2, len(data) // 2 - 1}
    assert np.frombuffer(planes[0], np.uint8).dtype == np.uint8
