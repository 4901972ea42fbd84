"""Digests, plain and keyed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tigertally.base.secret import SecretBytes
from tigertally.crypto.digest import KeyedDigest, same, sha256, sha256_file, sha256_hex

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_sha256_of_abc(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert sha256_hex(b"abc") == sha256(b"abc").hex() == sha256_file(path) == ABC


def test_hmac_rfc4231_case_2() -> None:
    keyed = KeyedDigest(SecretBytes(b"Jefe"))
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert keyed.of(b"what do ya want for nothing?").hex() == expected
    many = keyed.many([b"what do ya want for nothing?", b""])
    assert [item.hex() for item in many] == [expected, keyed.of(b"").hex()]


def test_a_keyed_digest_needs_its_key_and_does_not_print_it() -> None:
    keyed, other = KeyedDigest(SecretBytes(b"one")), KeyedDigest(SecretBytes(b"two"))
    assert keyed.of(b"4111111111111111") != other.of(b"4111111111111111")
    assert keyed.of(b"4111111111111111") != sha256(b"4111111111111111")
    assert repr(keyed) == "<keyed digest>"


def test_same() -> None:
    assert same(b"a", b"a")
    assert not same(b"a", b"b")
    assert not same(b"a", b"aa")


@pytest.mark.parametrize("length", [1, 31, 32, 63, 64, 65, 200])
def test_many_is_of_for_keys_of_any_length(length: int) -> None:
    keyed = KeyedDigest(SecretBytes(bytes(range(length))))
    values = [bytes(n) for n in (0, 1, 54, 55, 56, 63, 64, 65, 1000)]
    assert keyed.many(values) == [keyed.of(value) for value in values]
