"""AES-CMAC by column: the published vectors, and the library's own CMAC beside it on columns of any shape."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from tigertally.base.secret import SecretBytes
from tigertally.crypto.cmac import ColumnMac
from tigertally.crypto.errors import BadKey

# NIST SP 800-38B, examples for AES-256 (CMAC_AES256 of the CSRC example values).
KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
TEXT = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
PUBLISHED = {
    0: "028962f61b7bf89efc6b551f4667d983",
    16: "28a7023f452e8f82bd4bf28d8c37c35c",
    20: "156727dc0878944a023c1fe03bad6d93",
    64: "e1992190549f6ed5696a2c056c315410",
}


def test_the_published_vectors() -> None:
    mac = ColumnMac(SecretBytes(KEY))
    texts = [TEXT[:length] for length in PUBLISHED]
    assert [made.hex() for made in mac.many(texts)] == list(PUBLISHED.values())
    assert mac.of(TEXT).hex() == PUBLISHED[64]


@given(st.binary(min_size=32, max_size=32), st.lists(st.binary(max_size=70), max_size=40))
def test_it_is_the_librarys_cmac(key: bytes, values: list[bytes]) -> None:
    expected = []
    for value in values:
        one = CMAC(algorithms.AES(key))
        one.update(value)
        expected.append(one.finalize())
    assert ColumnMac(SecretBytes(key)).many(values) == expected


def test_a_key_of_another_length_is_refused_and_none_is_shown() -> None:
    with pytest.raises(BadKey):
        ColumnMac(SecretBytes(bytes(16)))
    assert repr(ColumnMac(SecretBytes(KEY))) == "<column mac>"
